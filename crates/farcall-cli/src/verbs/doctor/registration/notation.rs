//! The notation of a hand-off: JSON, or the TOML of Codex.

use serde_json::{Map, Value};
use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

use crate::client::one_line;

/// The most parts of a text: each takes hundreds of times the memory of the sign that begins it.
const MOST_PARTS: usize = 30_000;

/// The most parts of a key of TOML. The parser bounds the parts of a key and how deep values nest, and not the two
/// together: with as many as it takes, what it makes is too deep to be taken apart, or only dropped.
const LONGEST_KEY: usize = 8;

/// How deep TOML may nest, as deep as JSON may.
const DEEPEST: usize = 128;

/// What a text is that nests deeper than that.
const TOO_DEEP: &str = "it is nested too deeply";

/// Where the servers of clients are that read comments in JSON, and a comma before what closes: VS Code, opencode, Zed.
const COMMENTED: [&str; 3] = ["/servers", "/mcp", "/context_servers"];

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
        Err(error) if text.trim_start().starts_with(['{', '/']) => {
            let is_read = |root: &Value| COMMENTED.iter().any(|at| root.pointer(at).is_some());
            match serde_json::from_slice(&without_comments(text)) {
                Ok(root) if is_read(&root) => Ok((root, false)),
                Ok(_) | Err(_) => Err(match commented(text) {
                    Some(line) => format!(
                        "line {line} is a comment, and most clients read JSON without any; take it out"
                    ),
                    None => error.to_string(),
                }),
            }
        }
        Err(_) => {
            bounded(text, b"{[,.=")?;
            short_keys(text)?;
            Ok((from_table(toml(text)?.get_ref(), 0)?, true))
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

/// JSON with spaces in the place of comments, and of commas before what closes.
fn without_comments(text: &str) -> Vec<u8> {
    let mut bytes = text.as_bytes().to_vec();
    let (mut at, mut comma) = (0, None);
    while at < bytes.len() {
        let rest = &bytes[at..];
        let length = match rest {
            [b'"', ..] => string(rest),
            [b'/', b'/', ..] => until(rest, b"\r\n"),
            [b'/', b'*', ..] => {
                let end = rest[2..].windows(2).position(|pair| pair == b"*/");
                end.map_or(rest.len(), |end| end + 4)
            }
            _ => 1,
        };
        match bytes[at] {
            b'/' if length > 1 => {
                let comment = bytes[at..at + length].iter_mut();
                // The lines stay, by which an error is told.
                for byte in comment.filter(|byte| **byte != b'\n') {
                    *byte = b' ';
                }
            }
            b',' => comma = Some(at),
            b'}' | b']' => {
                if let Some(comma) = comma.take() {
                    bytes[comma] = b' ';
                }
            }
            byte if byte.is_ascii_whitespace() => {}
            _ => comma = None,
        }
        at += length;
    }
    bytes
}

/// That no key of TOML has too many parts. Its tokens are taken as the parser takes them, also those that are none.
fn short_keys(text: &str) -> Result<(), String> {
    let (mut rest, mut dots, mut is_open) = (text.as_bytes(), 0, false);
    while let Some(first) = rest.first() {
        let length = match first {
            b'"' | b'\'' => string(rest),
            b'#' => until(rest, b"\r\n"),
            b'.' | b'=' | b',' | b'[' | b']' | b'{' | b'}' | b' ' | b'\t' | b'\r' | b'\n' => 1,
            _ => until(rest, b".=,[]{} \t#\r\n"),
        };
        match first {
            b' ' | b'\t' => {}
            // The parser would look for the rest of the key in what follows.
            b'.' | b'=' | b',' | b'[' | b']' | b'{' | b'}' | b'#' | b'\r' | b'\n' if is_open => {
                let start = text.len() - rest.len();
                return Err(neither(text, start, "nothing stands behind a dot"));
            }
            b'.' => {
                dots += 1;
                is_open = true;
            }
            b'=' | b',' | b'[' | b']' | b'{' | b'}' | b'#' | b'\r' | b'\n' => dots = 0,
            _ => is_open = false,
        }
        if dots >= LONGEST_KEY {
            return Err(TOO_DEEP.to_owned());
        }
        rest = &rest[length..];
    }
    Ok(())
}

/// How far it is to the first of these signs, or to the end.
fn until(rest: &[u8], signs: &[u8]) -> usize {
    let end = rest.iter().position(|byte| signs.contains(byte));
    end.unwrap_or(rest.len())
}

/// How long the string is that a text begins with: of JSON, or each kind of TOML.
fn string(rest: &[u8]) -> usize {
    let quote = rest[0];
    let is_long = rest.starts_with(&[quote; 3]);
    let quotes = if is_long { &rest[..3] } else { &rest[..1] };
    let mut at = quotes.len();
    while at < rest.len() {
        match &rest[at..] {
            behind if behind.starts_with(quotes) => {
                let behind = behind[quotes.len()..].iter();
                // Of more than three the last ones close it.
                let more = behind.take_while(|byte| is_long && **byte == quote);
                return at + quotes.len() + more.take(2).count();
            }
            [b'\\', b'\\' | b'"', ..] if quote == b'"' => at += 2,
            [b'\n', ..] if !is_long => return at,
            _ => at += 1,
        }
    }
    rest.len()
}

/// A text as TOML; what is wrong with it, without any of it.
fn toml(text: &str) -> Result<Spanned<DeTable<'_>>, String> {
    DeTable::parse(text).map_err(|error| {
        let start = error.span().map_or(0, |span| span.start);
        neither(text, start, error.message())
    })
}

/// What is wrong at a place of a text that is neither.
fn neither(text: &str, start: usize, why: &str) -> String {
    let before = text.bytes().take(start);
    let line = before.filter(|byte| *byte == b'\n').count() + 1;
    let why = one_line(why);
    format!("it is neither JSON nor the TOML of Codex, {why} at line {line}")
}

/// TOML as JSON has it, as far as an entry goes: numbers and times are none of its parts.
fn from_table(table: &DeTable<'_>, depth: usize) -> Result<Value, String> {
    if depth >= DEEPEST {
        return Err(TOO_DEEP.to_owned());
    }
    let pairs = table.iter().map(|(key, value)| {
        let value = from_toml(value.get_ref(), depth + 1);
        value.map(|value| (key.get_ref().to_string(), value))
    });
    Ok(Value::Object(pairs.collect::<Result<Map<_, _>, _>>()?))
}

fn from_toml(value: &DeValue<'_>, depth: usize) -> Result<Value, String> {
    Ok(match value {
        DeValue::String(text) => Value::String(text.to_string()),
        DeValue::Boolean(value) => Value::Bool(*value),
        DeValue::Array(_) if depth >= DEEPEST => return Err(TOO_DEEP.to_owned()),
        DeValue::Array(values) => {
            let values = values.iter();
            let values = values.map(|value| from_toml(value.get_ref(), depth + 1));
            Value::Array(values.collect::<Result<_, _>>()?)
        }
        DeValue::Table(table) => from_table(table, depth)?,
        DeValue::Integer(_) | DeValue::Float(_) | DeValue::Datetime(_) => Value::Null,
    })
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
    fn comments_are_read_where_the_client_reads_them() {
        let entry =
            r#"{"a": {"url": "http://x/*y*/mcp", /* of /* it */ "headers": {"X-A": "\"//,}"},},}"#;
        for place in ["servers", "mcp", "context_servers"] {
            let text = format!("// Settings\n{{\n  \"{place}\": {entry}, // all\n}}\n");
            let entry = entries(&text).unwrap().remove(0);
            assert_eq!(entry.url, "http://x/*y*/mcp");
            assert_eq!(entry.headers[0].1, "\"//,}");
        }
        let text = format!("{{\n// mine\n\"mcpServers\": {entry}}}");
        let why = entries(&text).unwrap_err();
        assert!(why.contains("line 2 is a comment"), "{why}");
        // Whatever is cut off is no more than wrong.
        let text = format!("{{\"servers\": {entry}}}");
        for (end, _) in text.char_indices() {
            assert!(entries(&text[..end]).is_err(), "{}", &text[..end]);
        }
        let text = "{/*".repeat(10_000);
        assert!(parsed(&text).is_err());
    }

    #[test]
    fn a_key_of_many_parts_is_not_taken_apart_and_a_string_of_many_dots_is() {
        let begins = "[mcp_servers.a]\nurl = \"https://a/mcp\"\n";
        for rest in [
            r#"b = "1.2.3.4.5.6.7.8.9.10""#,
            "b = '1.2.3.4.5.6.7.8.9.10' # 1.2.3.4.5.6.7.8.9.10",
            r#"b = "\"1.2.3.4.5.6.7.8.9.10""#,
            "b = \"\"\"\n1.2.3.4.5\" \\\"\"\" 6.7.8.9.10\"\"\"\"",
            "b = '''\n1.2.3.4.5' ''6.7.8.9.10'''",
            "b = [1.5, 1.5, 1.5, 1.5, 1.5, 1.5, 1.5, 1.5, 1.5]",
            "b.c.d.e.f.g.h.i = 1",
        ] {
            let entries = entries(&format!("{begins}{rest}\n"));
            assert_eq!(entries.unwrap()[0].url, "https://a/mcp", "{rest}");
        }
        for rest in [
            "b.c.d.e.f.g.h.i.j = 1",
            "b . c . 'd' . \"e\" . f.g.h.i.j = 1",
            "b = { b.c.d.e.f.g.h.i.j = 1 }",
            "b = \"\nb.c.d.e.f.g.h.i.j = \"",
            "b = \"\"\"\"\"\"\nb.c.d.e.f.g.h.i.j = 1",
        ] {
            let why = entries(&format!("{begins}{rest}\n")).unwrap_err();
            assert_eq!(why, "it is nested too deeply", "{rest}");
        }
        for rest in ["b. = 1", "b..c = 1", "b.\nc = 1"] {
            let why = entries(&format!("{begins}{rest}\n")).unwrap_err();
            assert!(why.contains("behind a dot at line 3"), "{why}");
        }
        let nested = format!("{}1{}", "{a.a.a = ".repeat(70), "}".repeat(70));
        let why = entries(&format!("{begins}b = {nested}\n")).unwrap_err();
        assert_eq!(why, "it is nested too deeply");
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
