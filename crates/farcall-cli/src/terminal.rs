//! What goes to standard output, which is data, and to standard error, which is talk.

use std::{
    borrow::Cow,
    fmt::Write as _,
    io::{self, IsTerminal, Write as _},
};

use serde::Serialize;

/// A line of data. Says whether anybody reads it: one who has seen enough, such as `head`, is no
/// failure, but there is no need to go on.
pub(crate) fn print(line: &str) -> bool {
    writeln!(io::stdout(), "{line}").is_ok()
}

/// One JSON document, on one line. What a terminal would not show as it is stands there as JSON
/// escapes it.
pub(crate) fn print_json(value: &impl Serialize) -> bool {
    let Ok(text) = serde_json::to_string(value) else {
        return true;
    };
    // These are only ever inside of strings.
    let mut safe = String::with_capacity(text.len());
    for sign in text.chars() {
        if is_unsafe(sign) {
            for unit in sign.encode_utf16(&mut [0; 2]) {
                // Writing to a string cannot fail.
                let _ = write!(safe, "\\u{unit:04x}");
            }
        } else {
            safe.push(sign);
        }
    }
    print(&safe)
}

/// Something that whoever typed the command may like to know.
pub(crate) fn talk(sentence: &str) {
    // Nothing can be done about a terminal that is gone.
    let _ = writeln!(io::stderr(), "{sentence}");
}

/// `text` as a terminal may get it: what would move its cursor, change its colours or turn the
/// order of signs around stands there as an escape.
pub(crate) fn printable(text: &str) -> Cow<'_, str> {
    if !text.chars().any(is_unsafe) {
        return text.into();
    }
    let mut safe = String::with_capacity(text.len());
    for sign in text.chars() {
        if is_unsafe(sign) {
            safe.extend(sign.escape_default());
        } else {
            safe.push(sign);
        }
    }
    safe.into()
}

/// What somebody typed, as a message about it quotes it: [`printable`], and its beginning where there is
/// more than anybody reads.
pub(crate) fn quoted(typed: &str) -> Cow<'_, str> {
    const SIGNS: usize = 80;
    match typed.char_indices().nth(SIGNS) {
        Some((end, _)) => format!("{}…", printable(&typed[..end])).into(),
        None => printable(typed),
    }
}

/// Control characters, and those that decide in which order others are shown.
fn is_unsafe(sign: char) -> bool {
    sign.is_control()
        || matches!(sign, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

/// How many columns standard output has, where it is a terminal.
pub(crate) fn width() -> Option<usize> {
    let stdout = io::stdout();
    if !stdout.is_terminal() {
        return None;
    }
    let size = rustix::termios::tcgetwinsize(stdout).ok()?;
    (size.ws_col > 0).then(|| size.ws_col.into())
}

/// Whether somebody looks on: then there is no need for a line each time.
pub(crate) fn is_live() -> bool {
    io::stdout().is_terminal() && io::stderr().is_terminal()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_a_terminal_obeys_is_left() {
        for (text, shown) in [
            ("plain, é, 漢字", "plain, é, 漢字"),
            (
                "\u{1b}[2J\u{1b}]0;owned\u{7}",
                "\\u{1b}[2J\\u{1b}]0;owned\\u{7}",
            ),
            ("a\r\nb\tc", "a\\r\\nb\\tc"),
            ("\u{9b}31m", "\\u{9b}31m"),
            ("cod.\u{202e}gpj", "cod.\\u{202e}gpj"),
        ] {
            assert_eq!(printable(text), shown);
            assert_eq!(quoted(text), shown);
        }
    }

    #[test]
    fn what_is_too_long_to_read_is_quoted_in_part() {
        assert_eq!(quoted(&"é".repeat(80)), "é".repeat(80));
        assert_eq!(quoted(&"é".repeat(81)), format!("{}…", "é".repeat(80)));
        let hostile = "\u{1b}".repeat(5_000);
        assert_eq!(quoted(&hostile), format!("{}…", "\\u{1b}".repeat(80)));
    }
}
