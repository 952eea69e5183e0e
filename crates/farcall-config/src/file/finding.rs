//! What is wrong with a file, and where.

use std::{fmt, ops::Range, path::PathBuf};

/// One thing that is wrong with a file, or that its author may not have meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Where, unless it is the file as a whole.
    pub place: Option<Place>,
    /// What, one sentence with the offender in backticks.
    pub message: String,
    /// What to do about it.
    pub hint: String,
}

/// A place in a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The line, from 1.
    pub line: usize,
    /// The column, in characters from 1.
    pub column: usize,
    /// How many characters of that line it covers, at least 1.
    pub length: usize,
    /// That line, unless it may hold a secret.
    pub source: Option<String>,
}

/// All that is wrong with a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileFaults {
    /// The file.
    pub path: PathBuf,
    /// What is wrong, in the order of the file; at least one.
    pub faults: Vec<Finding>,
    /// What besides may not have been meant.
    pub warnings: Vec<Finding>,
}

impl Finding {
    /// About the file as a whole.
    pub(super) fn of_file(message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self {
            place: None,
            message: message.into(),
            hint: hint.into(),
        }
    }
}

impl fmt::Display for FileFaults {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = self.path.display();
        for (index, fault) in self.faults.iter().enumerate() {
            let separator = if index == 0 { "" } else { "\n" };
            write!(formatter, "{separator}{path}:")?;
            if let Some(place) = &fault.place {
                write!(formatter, "{}:{}:", place.line, place.column)?;
            }
            write!(formatter, " {}\nhint: {}", fault.message, fault.hint)?;
        }
        Ok(())
    }
}

impl std::error::Error for FileFaults {}

/// The place of `span`, which counts bytes, in `text`.
pub(super) fn place(text: &str, span: &Range<usize>, is_secret: bool) -> Place {
    let start = text.floor_char_boundary(span.start);
    let begin = text[..start].rfind('\n').map_or(0, |newline| newline + 1);
    let end = text[start..]
        .find('\n')
        .map_or(text.len(), |newline| start + newline);
    let covered = &text[start..text.floor_char_boundary(span.end).clamp(start, end)];
    let source = text[begin..end].trim_end_matches('\r');
    Place {
        line: text[..start].matches('\n').count() + 1,
        column: text[begin..start].chars().count() + 1,
        length: covered.chars().count().max(1),
        source: (!is_secret).then(|| source.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_count_characters() {
        let text = "a = 1\r\nnäme = \"x\"\n";
        let at = |part: &str| {
            let start = text.find(part).unwrap();
            let place = place(text, &(start..start + part.len()), false);
            (
                place.line,
                place.column,
                place.length,
                place.source.unwrap(),
            )
        };
        assert_eq!(at("1"), (1, 5, 1, "a = 1".to_owned()));
        assert_eq!(at("\"x\""), (2, 8, 3, "näme = \"x\"".to_owned()));
    }

    #[test]
    fn a_place_beyond_the_text_is_its_end() {
        assert_eq!(place("", &(5..9), false).line, 1);
        assert_eq!(place("a\n", &(2..2), true).line, 2);
        assert_eq!(place("é", &(1..1), true).column, 1);
    }
}
