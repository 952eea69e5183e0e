//! What a server says, made fit for a terminal.

use serde_json::Value;
use url::Url;

/// The most characters of a server's own words that are repeated.
const MAX_QUOTED: usize = 400;

/// `text` on one line, without control characters, and not endlessly long.
pub(crate) fn one_line(text: &str) -> String {
    let words = text.split(|c: char| c.is_whitespace() || c.is_control());
    let line = words
        .filter(|word| !word.is_empty())
        .collect::<Vec<_>>()
        .join(" ");
    shortened(&line, MAX_QUOTED)
}

/// The first `limit` characters of `text`, and `…` where there are more.
pub(crate) fn shortened(text: &str, limit: usize) -> String {
    match text.char_indices().nth(limit) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

/// A URL as it may be shown: what follows `?` can be a signature or a key.
pub(crate) fn without_query(url: &Url) -> String {
    let mut url = url.clone();
    url.set_query(None);
    url.set_fragment(None);
    url.into()
}

/// The same in a sentence, where nobody reads all of what is endless.
pub(super) fn shown(url: &Url) -> String {
    shortened(&without_query(url), MAX_QUOTED)
}

/// The same answer, whose URLs show no query.
pub(crate) fn without_queries(answer: &Value) -> Value {
    match answer {
        Value::String(text) if text.starts_with("http://") || text.starts_with("https://") => {
            Url::parse(text).map_or_else(|_| answer.clone(), |url| without_query(&url).into())
        }
        Value::Array(values) => values.iter().map(without_queries).collect(),
        Value::Object(fields) => fields
            .iter()
            .map(|(name, value)| (name.clone(), without_queries(value)))
            .collect(),
        other => other.clone(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn signatures_are_not_shown() {
        let answer =
            json!({"artifacts": [{"url": "https://a.example/files/1?sig=2", "name": "a?b"}]});
        assert_eq!(
            without_queries(&answer),
            json!({"artifacts": [{"url": "https://a.example/files/1", "name": "a?b"}]})
        );
    }

    #[test]
    fn a_server_cannot_write_to_the_terminal() {
        assert_eq!(one_line("a\u{1b}[2J\r\n b\u{9b}c"), "a [2J b c");
    }

    #[test]
    fn long_words_of_a_server_are_cut() {
        assert_eq!(one_line(&"é".repeat(500)).chars().count(), MAX_QUOTED + 1);
    }
}
