//! A fault or a warning, with the line it is about.

use std::{fmt::Write, path::Path};

use farcall_config::file::{Finding, Place};
use unicode_width::UnicodeWidthStr;

use crate::terminal::printable;

/// How many characters of a line are shown.
const SHOWN: usize = 100;

/// A finding as people read it: what, where, the line with a mark below, and what to do.
pub(super) fn written(file: &Path, level: &str, finding: &Finding) -> String {
    let file = file.display().to_string();
    let file = printable(&file);
    let mut text = format!("{level}: {}\n", printable(&finding.message));
    // Writing to a string cannot fail.
    let _ = match &finding.place {
        Some(place) => writeln!(text, "  --> {file}:{}:{}", place.line, place.column),
        None => writeln!(text, "  --> {file}"),
    };
    if let Some(place) = &finding.place
        && let Some(source) = &place.source
    {
        text.push_str(&marked(place, source));
    }
    let _ = writeln!(text, "hint: {}", printable(&finding.hint));
    text
}

/// The line, with a mark below what it is about.
fn marked(place: &Place, source: &str) -> String {
    let before = place.column - 1;
    // Of a very long line, the part around the place.
    let skipped = before.saturating_sub(SHOWN / 2);
    let shown: String = source.chars().skip(skipped).take(SHOWN).collect();
    let part = |from: usize, count: usize| -> String {
        let part: String = shown.chars().skip(from).take(count).collect();
        // A tab has no width of its own.
        printable(&part.replace('\t', " ")).into_owned()
    };
    let (start, number) = (before - skipped, place.line.to_string());
    let (lead, covered, rest) = (
        part(0, start),
        part(start, place.length),
        part(start + place.length, SHOWN),
    );
    let gutter = " ".repeat(number.len());
    let mark = "^".repeat(covered.width().max(1));
    let indent = " ".repeat(lead.width());
    format!(" {gutter} |\n {number} | {lead}{covered}{rest}\n {gutter} | {indent}{mark}\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(column: usize, length: usize) -> Place {
        Place {
            line: 12,
            column,
            length,
            source: None,
        }
    }

    #[test]
    fn the_mark_stands_below_its_place() {
        assert_eq!(
            marked(&place(7, 3), "名 = \"abc\""),
            "    |\n 12 | 名 = \"abc\"\n    |        ^^^\n"
        );
    }

    #[test]
    fn of_a_long_line_the_part_around_the_place_is_shown() {
        let line = format!("{}x{}", "a".repeat(5_000), "b".repeat(5_000));
        let shown = marked(&place(5_001, 1), &line);
        assert!(shown.len() < 300, "{shown}");
        let lines: Vec<_> = shown.lines().collect();
        assert_eq!(lines[1].find('x'), lines[2].find('^'));
    }

    #[test]
    fn a_place_beyond_its_line_has_a_mark() {
        assert!(marked(&place(4, 9), "abc").contains("   ^"));
    }
}
