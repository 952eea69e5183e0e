//! Foreign text in the languages that it is put into.

use std::fmt::Write as _;

use serde_json::Value;

/// A string in double quotes as JSON, TOML and YAML 1.2 read it. What a terminal would obey, and what turns the order of
/// signs around, stands there as `\u` escapes, which all three have.
pub(super) fn quoted(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for sign in text.chars() {
        match sign {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            '\n' => quoted.push_str("\\n"),
            sign if is_unsafe(sign) => {
                // All of these have four digits; writing to a string cannot fail.
                let _ = write!(quoted, "\\u{:04x}", u32::from(sign));
            }
            sign => quoted.push(sign),
        }
    }
    quoted.push('"');
    quoted
}

/// JSON as people write it: an object is a line for each key, a list of strings one line where it fits.
pub(super) fn json(value: &Value) -> String {
    let mut text = String::new();
    write_json(value, 0, 0, &mut text);
    text
}

/// How long a line of a list may become.
const COLUMNS: usize = 110;

/// `before` signs stand on the line already.
fn write_json(value: &Value, depth: usize, before: usize, text: &mut String) {
    match value {
        Value::String(string) => text.push_str(&quoted(string)),
        Value::Object(fields) if !fields.is_empty() => {
            text.push('{');
            for (index, (name, value)) in fields.iter().enumerate() {
                line(depth + 1, index, text);
                let name = format!("{}: ", quoted(name));
                text.push_str(&name);
                write_json(value, depth + 1, 2 * (depth + 1) + name.len(), text);
            }
            end(depth, '}', text);
        }
        Value::Array(values) => {
            let items: Vec<_> = values.iter().map(json).collect();
            let list = format!("[{}]", items.join(", "));
            let is_flat = values.iter().all(|value| !value.is_object());
            if is_flat && before + list.len() <= COLUMNS {
                text.push_str(&list);
                return;
            }
            text.push('[');
            for (index, value) in values.iter().enumerate() {
                line(depth + 1, index, text);
                write_json(value, depth + 1, 2 * (depth + 1), text);
            }
            end(depth, ']', text);
        }
        other => text.push_str(&other.to_string()),
    }
}

fn line(depth: usize, index: usize, text: &mut String) {
    text.push_str(if index == 0 { "\n" } else { ",\n" });
    text.extend(std::iter::repeat_n("  ", depth));
}

fn end(depth: usize, bracket: char, text: &mut String) {
    text.push('\n');
    text.extend(std::iter::repeat_n("  ", depth));
    text.push(bracket);
}

/// One line of Markdown in which nothing is markup, not endlessly long.
pub(super) fn markdown(text: &str) -> String {
    escaped(&one_line(text))
}

/// The same of any length.
pub(super) fn long_markdown(text: &str) -> String {
    escaped(&words(text))
}

fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for sign in text.chars() {
        if matches!(
            sign,
            '\\' | '`' | '*' | '_' | '[' | ']' | '<' | '>' | '&' | '|' | '~' | '#'
        ) {
            escaped.push('\\');
        }
        escaped.push(sign);
    }
    escaped
}

/// Text in the body of a page, or in an attribute between double quotes.
pub(super) fn html(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for sign in text.chars() {
        match sign {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            sign => escaped.push(sign),
        }
    }
    escaped
}

/// A name as code in Markdown, whatever is in it.
pub(super) fn code(text: &str) -> String {
    let text = one_line(text);
    let longest = text.split(|sign| sign != '`').map(str::len).max();
    let fence = "`".repeat(longest.unwrap_or_default() + 1);
    if text.starts_with('`') || text.ends_with('`') {
        format!("{fence} {text} {fence}")
    } else {
        format!("{fence}{text}{fence}")
    }
}

/// The first sentence of a description, on one line and not endlessly long.
pub(super) fn first_sentence(text: &str) -> String {
    let mut lines = text.lines();
    let line = lines.find(|line| !line.trim().is_empty());
    let line = one_line(line.unwrap_or_default());
    // Behind a full stop that ends one, the next begins with a capital.
    let ends = line.match_indices(". ").map(|(place, _)| place + 1);
    let mut ends = ends.filter(|end| line[*end..].trim_start().starts_with(char::is_uppercase));
    match ends.next() {
        Some(end) => line[..end].to_owned(),
        None => line,
    }
}

/// `text` on one line, without what a terminal obeys, and not endlessly long.
pub(super) fn one_line(text: &str) -> String {
    const SIGNS: usize = 300;
    let line = words(text);
    match line.char_indices().nth(SIGNS) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line,
    }
}

/// The words of `text`, on one line.
fn words(text: &str) -> String {
    let words = text.split(|sign: char| sign.is_whitespace() || is_unsafe(sign));
    let words: Vec<_> = words.filter(|word| !word.is_empty()).collect();
    words.join(" ")
}

/// Control characters, and those that decide in which order others are shown.
fn is_unsafe(sign: char) -> bool {
    sign.is_control()
        || matches!(sign, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const HOSTILE: &str = "\"a\\b\n\r\t\u{1b}[2J\u{7f}\u{9b}\u{202e}</script>${X} 漢字\u{1f600}";

    #[test]
    fn a_quoted_text_is_the_same_text_to_json() {
        let quoted = quoted(HOSTILE);
        assert_eq!(serde_json::from_str::<String>(&quoted).unwrap(), HOSTILE);
        assert!(!quoted.chars().any(is_unsafe), "{quoted}");
    }

    #[test]
    fn json_is_written_as_people_write_it() {
        let long = "x".repeat(COLUMNS);
        let value =
            json!({"a": {"b": ["c", "d"], "e": {}, "f": true, "g": [{"h": 1}]}, "i": [long]});
        let written = json(&value);
        assert_eq!(serde_json::from_str::<Value>(&written).unwrap(), value);
        let begins = "{\n  \"a\": {\n    \"b\": [\"c\", \"d\"],\n    \"e\": {},\n    \"f\": true,\n    \"g\": [\n      {\n        \"h\": 1\n      }\n    ]\n  },\n  \"i\": [\n    \"x";
        assert!(written.starts_with(begins), "{written}");
    }

    #[test]
    fn nothing_in_a_description_is_markup() {
        assert_eq!(
            markdown("\n  Run <b>*this*</b>, `now` [x](y) | # \u{1b}[2J"),
            r"Run \<b\>\*this\*\</b\>, \`now\` \[x\](y) \| \# \[2J"
        );
    }

    #[test]
    fn a_description_is_its_first_sentence() {
        for (text, sentence) in [
            ("\n  Add two numbers.\nAnd more.", "Add two numbers."),
            (
                "Render, e.g. a film. Runs long. Wait",
                "Render, e.g. a film.",
            ),
            ("Wait 1.5 s", "Wait 1.5 s"),
            ("", ""),
        ] {
            assert_eq!(first_sentence(text), sentence);
        }
    }

    #[test]
    fn a_name_with_backticks_is_code_as_well() {
        for (name, written) in [
            ("add", "`add`"),
            ("a`b", "``a`b``"),
            ("``", "``` `` ```"),
            ("a\nb", "`a b`"),
        ] {
            assert_eq!(code(name), written);
        }
    }
}
