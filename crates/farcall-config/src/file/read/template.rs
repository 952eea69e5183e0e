//! Texts with something to fill in: `{parameter}`, and `${VARIABLE}`.

use std::ops::Range;

use secrecy::SecretString;
use toml::Spanned;

use super::Reading;
use crate::file::Piece;

/// The pieces of a text in which `{name}` is a parameter, and `{{` and `}}` are braces; at least one.
pub(super) fn pieces(reading: &Reading<'_>, text: &Spanned<&str>) -> Option<Vec<Piece>> {
    let whole = *text.get_ref();
    let (mut pieces, mut literal) = (Vec::new(), String::new());
    let mut rest = whole;
    while let Some(at) = rest.find(['{', '}']) {
        literal.push_str(&rest[..at]);
        let brace = &rest[at..=at];
        let after = &rest[at + 1..];
        if let Some(after) = after.strip_prefix(brace) {
            literal.push_str(brace);
            rest = after;
            continue;
        }
        let name = after
            .split_once('}')
            .filter(|(name, _)| brace == "{" && is_name(name));
        let Some((name, after)) = name else {
            no_placeholder(reading, &text.span(), whole, literal.ends_with('$'));
            return None;
        };
        if literal.ends_with('$') {
            no_placeholder(reading, &text.span(), whole, true);
            return None;
        }
        if !literal.is_empty() {
            pieces.push(Piece::Text(std::mem::take(&mut literal)));
        }
        pieces.push(Piece::Parameter(name.to_owned()));
        rest = after;
    }
    literal.push_str(rest);
    if pieces.is_empty() || !literal.is_empty() {
        pieces.push(Piece::Text(literal));
    }
    Some(pieces)
}

fn no_placeholder(reading: &Reading<'_>, at: &Range<usize>, text: &str, is_variable: bool) {
    let hint = if is_variable {
        "nothing fills in `${NAME}` here; give the program the variable under `env`, where it does not show \
         in the list of processes"
    } else {
        "write the name of a parameter between the braces; for braces themselves write {{ and }}"
    };
    let message = format!(
        "`{}` has a brace that begins or ends no placeholder",
        text.escape_debug()
    );
    reading.fault(at, message, hint);
}

/// Whether this can be the name of a parameter, or of a variable.
pub(super) fn is_name(name: &str) -> bool {
    let mut letters = name.bytes();
    let first = letters.next();
    first.is_some_and(|first| first.is_ascii_alphabetic() || first == b'_')
        && letters.all(|letter| letter.is_ascii_alphanumeric() || letter == b'_')
}

/// A text whose variables have been filled in.
pub(super) struct Filled {
    pub(super) text: SecretString,
    /// Whether all of it stands in the file.
    pub(super) is_clear: bool,
}

/// Fills in `${NAME}`; `$${` is `${`. The values are never part of a fault.
pub(super) fn filled(reading: &Reading<'_>, text: &Spanned<&str>) -> Option<Filled> {
    let at = text.span();
    let (mut filled, mut is_clear, mut is_whole) = (String::new(), true, true);
    let mut rest = *text.get_ref();
    while let Some(dollar) = rest.find("${") {
        let (before, after) = (&rest[..dollar], &rest[dollar + 2..]);
        if let Some(before) = before.strip_suffix('$') {
            filled.push_str(before);
            filled.push_str("${");
            rest = after;
            continue;
        }
        filled.push_str(before);
        is_clear = false;
        let Some((name, after)) = after.split_once('}').filter(|(name, _)| is_name(name)) else {
            reading.secret_fault(
                &at,
                "`${` begins no variable here",
                "write ${NAME} with letters, digits and `_`; for the signs themselves write $${",
            );
            return None;
        };
        if let Some(value) = reading.source.named(name).filter(|value| !value.is_empty()) {
            filled.push_str(value);
        } else {
            let hint = format!("set it before the server starts, or add a line {name}=… to `.env`");
            let message = format!("`{name}` is set neither in the environment nor in `.env`");
            reading.secret_fault(&at, message, hint);
            is_whole = false;
        }
        rest = after;
    }
    filled.push_str(rest);
    is_whole.then(|| Filled {
        text: filled.into(),
        is_clear,
    })
}
