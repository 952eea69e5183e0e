//! Text of programs and services, made fit to be read by a model or a person.

use std::borrow::Cow;

use farcall_config::file::is_hidden;
use serde_json::Value;

/// `text` without what could lead its reader astray: escape sequences of terminals, control
/// characters but line feeds and tabs, marks that change the direction of writing (Unicode UAX 9),
/// and tag characters (U+E0000 to U+E007F), which nobody sees and models read. A carriage return
/// becomes a line feed.
pub fn clean(text: &str) -> String {
    let mut cleaned = String::with_capacity(text.len());
    let mut rest = text.chars().peekable();
    while let Some(next) = rest.next() {
        match next {
            '\u{1b}' => skip_escape(&mut rest),
            '\u{9b}' => skip_control_sequence(&mut rest),
            '\u{90}' | '\u{98}' | '\u{9d}'..='\u{9f}' => skip_string(&mut rest),
            '\r' => {
                rest.next_if_eq(&'\n');
                cleaned.push('\n');
            }
            '\n' | '\t' => cleaned.push(next),
            _ if next.is_control() || is_invisible(next) => {}
            _ => cleaned.push(next),
        }
    }
    cleaned
}

/// The same of a text that may stay where it is: most are clean, and some are long.
fn cleaned(text: String) -> String {
    if is_clean(&text) { text } else { clean(&text) }
}

/// A JSON value with every text in it [cleaned](clean), names of fields included.
pub fn clean_value(value: Value) -> Value {
    each_text(value, cleaned)
}

/// `text` of somebody else as models are to choose tools by it: [cleaned](clean), and without what has no
/// width, which a person who looks at it does not see.
pub fn visible(text: &str) -> String {
    let mut visible = clean(text);
    visible.retain(|sign| matches!(sign, '\n' | '\t') || !is_hidden(sign));
    visible
}

/// A JSON value with every text in it made [visible], names of fields included.
pub fn visible_value(value: Value) -> Value {
    each_text(value, |text| visible(&text))
}

fn each_text(value: Value, change: fn(String) -> String) -> Value {
    match value {
        Value::String(text) => Value::String(change(text)),
        Value::Array(items) => {
            let items = items.into_iter();
            items.map(|item| each_text(item, change)).collect()
        }
        Value::Object(fields) => fields
            .into_iter()
            .map(|(name, value)| (change(name), each_text(value, change)))
            .collect(),
        other => other,
    }
}

/// The beginning of `text`: at most `limit` bytes of it, and `…` where it goes on.
pub(crate) fn beginning(text: &str, limit: usize) -> Cow<'_, str> {
    let end = text.floor_char_boundary(limit);
    if end < text.len() {
        Cow::Owned(format!("{}…", &text[..end]))
    } else {
        Cow::Borrowed(text)
    }
}

/// The beginning of `text` as it may stand in a sentence: 64 bytes at most, escaped.
pub(crate) fn shown(text: &str) -> String {
    let beginning = beginning(text, 64);
    beginning.chars().flat_map(char::escape_debug).collect()
}

/// Bytes as text; what is no UTF-8 becomes U+FFFD. A character that is cut off at the end of
/// `bytes` is left out where they `go_on`.
pub(crate) fn of_bytes(bytes: &[u8], go_on: bool) -> String {
    let end = match std::str::from_utf8(bytes) {
        Err(error) if go_on && error.error_len().is_none() => error.valid_up_to(),
        _ => bytes.len(),
    };
    String::from_utf8_lossy(&bytes[..end]).into_owned()
}

fn is_clean(text: &str) -> bool {
    !text
        .chars()
        .any(|next| (next.is_control() && !matches!(next, '\n' | '\t')) || is_invisible(next))
}

fn is_invisible(character: char) -> bool {
    matches!(
        character,
        '\u{61c}'
            | '\u{200e}'
            | '\u{200f}'
            | '\u{202a}'..='\u{202e}'
            | '\u{2066}'..='\u{2069}'
            | '\u{e0000}'..='\u{e007f}'
    )
}

type Rest<'a> = std::iter::Peekable<std::str::Chars<'a>>;

/// What follows an escape character (ECMA-48).
fn skip_escape(rest: &mut Rest<'_>) {
    match rest.peek() {
        Some('[') => {
            rest.next();
            skip_control_sequence(rest);
        }
        Some(']' | 'P' | 'X' | '^' | '_') => {
            rest.next();
            skip_string(rest);
        }
        _ => {
            while rest.next_if(|next| matches!(next, ' '..='/')).is_some() {}
            rest.next_if(|next| matches!(next, '0'..='~'));
        }
    }
}

/// Parameters, intermediates and the final character.
fn skip_control_sequence(rest: &mut Rest<'_>) {
    while rest.next_if(|next| matches!(next, ' '..='?')).is_some() {}
    rest.next_if(|next| matches!(next, '@'..='~'));
}

/// To the terminator; no longer than the line, so that one that is missing does not take the rest
/// of the text along.
fn skip_string(rest: &mut Rest<'_>) {
    while let Some(next) = rest.next_if(|next| !matches!(next, '\n' | '\r')) {
        match next {
            '\u{7}' | '\u{9c}' => return,
            '\u{1b}' => {
                rest.next_if_eq(&'\\');
                return;
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn nothing_stays_that_a_terminal_would_obey() {
        for (text, cleaned) in [
            ("\u{1b}[1;31mred\u{1b}[0m", "red"),
            ("\u{9b}2Jgone", "gone"),
            ("\u{1b}]0;title\u{7}text", "text"),
            ("\u{1b}]8;;http://x\u{1b}\\link\u{1b}]8;;\u{1b}\\", "link"),
            ("\u{1b}]never ended\nnext", "\nnext"),
            ("\u{1b}(Bplain", "plain"),
            ("a\0b\u{8}c\u{7f}d\u{85}e", "abcde"),
            ("one\r\ntwo\rthree\tx\n", "one\ntwo\nthree\tx\n"),
            ("\u{1b}", ""),
            ("\u{1b}\u{1b}[31mx", "x"),
        ] {
            assert_eq!(clean(text), cleaned, "{text:?}");
        }
    }

    #[test]
    fn nothing_stays_that_only_a_model_would_read() {
        assert_eq!(clean("a\u{202e}b\u{2066}c\u{200f}d"), "abcd");
        assert_eq!(clean("hi\u{e0049}\u{e0067}\u{e007f}"), "hi");
        assert_eq!(clean("Ünïcödé 日本 👩‍💻 می‌خواهم"), "Ünïcödé 日本 👩‍💻 می‌خواهم");
    }

    #[test]
    fn what_is_visible_holds_nothing_that_nobody_sees() {
        let hidden = "a\u{200b}b\u{feff}c\u{2060}d\u{ad}e\u{e0041}f\u{1b}[31mg\th\n";
        assert_eq!(visible(hidden), "abcdefg\th\n");
        let value = json!({"x\u{200d}": ["\u{200b}"], "n": 1});
        assert_eq!(visible_value(value), json!({"x": [""], "n": 1}));
    }

    #[test]
    fn texts_in_a_value_are_cleaned_and_nothing_else_is() {
        let value = json!({"a\u{1b}[0m": ["\u{202e}x", 1, null, true], "b": {"c": "\0"}});
        let cleaned = json!({"a": ["x", 1, null, true], "b": {"c": ""}});
        assert_eq!(clean_value(value), cleaned);
    }

    #[test]
    fn a_cut_character_is_left_out_and_a_wrong_one_is_marked() {
        assert_eq!(of_bytes(&"aü".as_bytes()[..2], true), "a");
        assert_eq!(of_bytes(&"aü".as_bytes()[..2], false), "a\u{fffd}");
        assert_eq!(of_bytes(b"a\xffb", true), "a\u{fffd}b");
    }

    #[test]
    fn what_is_shown_is_short_and_escaped() {
        assert_eq!(shown("a\nb"), "a\\nb");
        assert_eq!(shown(&"x".repeat(64)), "x".repeat(64));
        assert_eq!(shown(&"x".repeat(65)), format!("{}…", "x".repeat(64)));
        assert_eq!(beginning("aü", 2), "a…");
    }

    proptest! {
        #[test]
        fn cleaned_text_is_clean_whatever_it_was(text in any::<String>()) {
            let cleaned = clean(&text);
            let is_bad = |c: char| (c.is_control() && !matches!(c, '\n' | '\t')) || is_invisible(c);
            prop_assert!(!cleaned.contains(is_bad), "{:?}", cleaned);
            prop_assert_eq!(is_clean(&text), text == cleaned);
            prop_assert_eq!(clean(&cleaned), cleaned);
        }

        #[test]
        fn text_without_anything_odd_stays(text in "[ -~äöü日本\n\t]{0,64}") {
            prop_assert_eq!(clean(&text), text);
        }
    }
}
