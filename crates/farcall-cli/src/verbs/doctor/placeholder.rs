//! What stands in the place of a secret in a header: `${NAME}`, as clients and shells write it.

/// The longest value that is put together: no server takes a longer head.
pub(super) const LONGEST: usize = 32 << 10;

/// A part of a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part<'a> {
    /// As it stands.
    Text(&'a str),
    /// The value of a variable, else what is given for it.
    Variable {
        name: &'a str,
        default: Option<&'a str>,
    },
    /// What the client asks a person for.
    Input(&'a str),
}

/// Why a value cannot be put together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Unknown {
    /// It would be longer than what can be sent.
    TooLong,
    /// A variable is not set.
    Variable(String),
    /// A person would be asked.
    Input(String),
    /// It is none that may be sent there.
    Withheld(String),
}

/// Takes a value apart: `${NAME}`, `${NAME:-default}`, `${env:NAME}`, `{env:NAME}` of opencode, `${input:NAME}` of VS Code.
pub(super) fn parts(text: &str) -> Vec<Part<'_>> {
    let (mut parts, mut rest) = (Vec::new(), text);
    while let Some((start, part, end)) = first(rest) {
        if start > 0 {
            parts.push(Part::Text(&rest[..start]));
        }
        parts.push(part);
        rest = &rest[end..];
    }
    if !rest.is_empty() {
        parts.push(Part::Text(rest));
    }
    parts
}

/// The first placeholder: where it begins, what it is, and where it ends.
fn first(text: &str) -> Option<(usize, Part<'_>, usize)> {
    for (brace, _) in text.match_indices('{') {
        let inner = &text[brace + 1..];
        let is_variable = text[..brace].ends_with('$');
        if !is_variable && !inner.starts_with("env:") {
            continue;
        }
        // Where none is closed, none behind it is.
        let length = inner.find('}')?;
        let start = brace - usize::from(is_variable);
        return Some((start, of(&inner[..length]), brace + length + 2));
    }
    None
}

fn of(inner: &str) -> Part<'_> {
    if let Some(name) = inner.strip_prefix("input:") {
        return Part::Input(name);
    }
    let inner = inner.strip_prefix("env:").unwrap_or(inner);
    match inner.split_once(":-") {
        Some((name, default)) => Part::Variable {
            name,
            default: Some(default),
        },
        None => Part::Variable {
            name: inner,
            default: None,
        },
    }
}

/// Whether the value is there for everybody who has the text: nothing stands in its place, or something for when that is
/// not set.
pub(super) fn is_literal(text: &str) -> bool {
    let parts = parts(text);
    let is_default = |part: &Part<'_>| matches!(part, Part::Variable { default: Some(default), .. } if !default.is_empty());
    parts.iter().all(|part| matches!(part, Part::Text(_))) || parts.iter().any(is_default)
}

/// `text` with the values in their places, and the names of the variables.
///
/// # Errors
/// What has no value.
pub(super) fn expanded(
    text: &str,
    look_up: impl Fn(&str) -> Result<Option<String>, Unknown>,
) -> Result<(String, Vec<String>), Unknown> {
    let (mut said, mut names) = (String::new(), Vec::new());
    for part in parts(text) {
        match part {
            Part::Text(text) => said.push_str(text),
            Part::Input(name) => return Err(Unknown::Input(name.to_owned())),
            Part::Variable { name, default } => {
                let value = look_up(name)?.filter(|value| !value.is_empty());
                let value = value.or(default.map(str::to_owned));
                said.push_str(&value.ok_or_else(|| Unknown::Variable(name.to_owned()))?);
                names.push(name.to_owned());
            }
        }
        // Of those that are empty there are many in a small file.
        if said.len() + names.len() > LONGEST {
            return Err(Unknown::TooLong);
        }
    }
    Ok((said, names))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_are_put_in_their_places() {
        let look_up = |name: &str| match name {
            "S" => Err(Unknown::Withheld(name.to_owned())),
            name => Ok((name == "A").then(|| "1${B}".to_owned())),
        };
        let unset = |name: &str| Err(Unknown::Variable(name.to_owned()));
        let (many, empty) = ("${A}".repeat(LONGEST), "${B:-}".repeat(LONGEST + 1));
        for (text, expected) in [
            (many.as_str(), Err(Unknown::TooLong)),
            (empty.as_str(), Err(Unknown::TooLong)),
            ("Bearer ${A}", Ok("Bearer 1${B}")),
            ("${env:A}${A}", Ok("1${B}1${B}")),
            ("Bearer {env:A}!", Ok("Bearer 1${B}!")),
            ("{A} {", Ok("{A} {")),
            ("${B:-x}", Ok("x")),
            ("${B}", unset("B")),
            ("{env:B}", unset("B")),
            ("x ${input:key}", Err(Unknown::Input("key".to_owned()))),
            ("${S:-x}", Err(Unknown::Withheld("S".to_owned()))),
            ("a ${ b", Ok("a ${ b")),
            ("a ${ {env: b", Ok("a ${ {env: b")),
            ("", Ok("")),
        ] {
            let said = expanded(text, look_up).map(|(said, _)| said);
            assert_eq!(said, expected.map(str::to_owned), "{text}");
        }
    }

    #[test]
    fn a_text_of_braces_is_read_once() {
        // As long as the longest hand-off; read again from each brace, it would take minutes.
        for brace in ["{", "${", "{env:"] {
            let text = brace.repeat((1 << 20) / brace.len());
            assert_eq!(parts(&text), [Part::Text(text.as_str())]);
        }
    }

    #[test]
    fn what_stands_there_for_everybody_is_literal() {
        for (text, expected) in [
            ("Bearer s3cret", true),
            ("Bearer {s3cret}", true),
            ("Bearer ${A:-s3cret}", true),
            ("Bearer ${A:-}", false),
            ("Bearer ${A}", false),
            ("Bearer {env:A}", false),
            ("${input:a}", false),
            ("", true),
        ] {
            assert_eq!(is_literal(text), expected, "{text}");
        }
    }
}
