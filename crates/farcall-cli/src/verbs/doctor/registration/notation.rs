//! The notation of a hand-off: JSON, or the TOML of Codex.

use serde_json::{Map, Value};
use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

use crate::client::one_line;

/// The most parts of a text: each takes hundreds of times the memory of the sign that begins it.
const MOST_PARTS: usize = 30_000;

/// What a text says, and whether it says so in TOML.
///
/// # Errors
/// What it is instead.
pub(super) fn parsed(text: &str) -> Result<(Value, bool), String> {
    // Some editors begin a file with it.
    let text = text.trim_start_matches('\u{feff}');
    bounded(text, b"{[,")?;
    match serde_json::from_str(text) {
        Ok(root) => Ok((root, false)),
        Err(error) if text.trim_start().starts_with(['{', '/']) => Err(match commented(text) {
            Some(line) => format!(
                "line {line} is a comment, and most clients read JSON without any; take it out"
            ),
            None => error.to_string(),
        }),
        Err(_) => {
            bounded(text, b"{[,.=")?;
            Ok((from_table(toml(text)?.get_ref()), true))
        }
    }
}

/// That a text has not too many parts, by the signs that begin one.
fn bounded(text: &str, signs: &[u8]) -> Result<(), String> {
    let parts = text.bytes().filter(|byte| signs.contains(byte)).count();
    if parts > MOST_PARTS {
        return Err(format!("it has more than {MOST_PARTS} parts"));
    }
    Ok(())
}

/// The first line of JSON that is a comment.
fn commented(text: &str) -> Option<usize> {
    let is_comment = |line: &str| {
        let line = line.trim_start();
        line.starts_with("//") || line.starts_with("/*")
    };
    text.lines().position(is_comment).map(|line| line + 1)
}

/// A text as TOML; what is wrong with it, without any of it.
fn toml(text: &str) -> Result<Spanned<DeTable<'_>>, String> {
    DeTable::parse(text).map_err(|error| {
        let start = error.span().map_or(0, |span| span.start);
        let line = text
            .bytes()
            .take(start)
            .filter(|byte| *byte == b'\n')
            .count()
            + 1;
        let message = one_line(error.message());
        format!("it is neither JSON nor the TOML of Codex, {message} at line {line}")
    })
}

/// TOML as JSON has it, as far as an entry goes: numbers and times are none of its parts.
fn from_table(table: &DeTable<'_>) -> Value {
    let pairs = table.iter();
    let pairs = pairs.map(|(key, value)| (key.get_ref().to_string(), from_toml(value.get_ref())));
    Value::Object(pairs.collect::<Map<_, _>>())
}

fn from_toml(value: &DeValue<'_>) -> Value {
    match value {
        DeValue::String(text) => Value::String(text.to_string()),
        DeValue::Boolean(value) => Value::Bool(*value),
        DeValue::Array(values) => {
            let values = values.iter();
            values.map(|value| from_toml(value.get_ref())).collect()
        }
        DeValue::Table(table) => from_table(table),
        DeValue::Integer(_) | DeValue::Float(_) | DeValue::Datetime(_) => Value::Null,
    }
}

#[cfg(test)]
mod tests {
    use super::{super::forms::entries, *};

    #[test]
    fn a_mark_of_byte_order_is_no_part_of_a_file() {
        let text =
            "\u{feff}{\"mcpServers\": {\"farm-mcp\": {\"url\": \"https://a.example.com/mcp\"}}}";
        assert_eq!(entries(text).unwrap()[0].url, "https://a.example.com/mcp");
    }

    #[test]
    fn what_is_wrong_with_a_text_is_told_of_what_it_is() {
        for (text, part) in [
            ("[mcp_servers.a]\nurl = https://a/mcp\n", "TOML of Codex"),
            ("[mcp_servers.a]\nurl = https://a/mcp\n", "at line 2"),
            (
                "{\n  // mine\n  \"a\": {\"url\": \"https://a/mcp\"}\n}",
                "line 2 is a comment",
            ),
            ("{\"a\": {\"url\": \"https://a/mcp\"},}", "trailing comma"),
        ] {
            let why = entries(text).unwrap_err();
            assert!(why.contains(part), "{why}");
        }
    }

    #[test]
    fn a_text_of_too_many_parts_is_not_taken_apart() {
        let nested = r#"{"":{"":{"":0}}},"#.repeat(MOST_PARTS);
        let dotted = "a.a.a.a = 1\n".repeat(MOST_PARTS);
        for text in [format!("[{nested}0]"), dotted] {
            assert_eq!(parsed(&text).unwrap_err(), "it has more than 30000 parts");
        }
    }
}
