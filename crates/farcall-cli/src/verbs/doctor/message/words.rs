//! Whether words stand in a text, and stand there as what they mean.

/// The text in small letters, a line break before and behind each line, and nothing between that and what it says.
pub(super) fn lines(text: &str) -> String {
    let text = text.to_lowercase();
    let lines = text
        .lines()
        .map(|line| line.trim_matches([' ', '\t', '.', '…']));
    lines.fold("\n".to_owned(), |text, line| text + line + "\n")
}

/// Whether a word stands alone in the text, and is no number of something else: neither a port nor a line of a file is a
/// status, nor `StreamableHTTPError` the name of a transport.
pub(super) fn has(text: &str, word: &str) -> bool {
    let is_number = word.bytes().all(|byte| byte.is_ascii_digit());
    let begins = |sign: char| sign.is_alphanumeric();
    text.match_indices(word).any(|(start, _)| {
        let (before, behind) = (&text[..start], &text[start + word.len()..]);
        let is_more = word.starts_with(begins) && before.ends_with(begins)
            || word.ends_with(begins) && behind.starts_with(begins);
        !(is_more || is_number && is_of_another_kind(before, behind))
    })
}

/// Whether a number is no status by what stands around it.
fn is_of_another_kind(before: &str, behind: &str) -> bool {
    is_measured(before, behind) || is_placed(before, behind)
}

/// What numbers are called that are no status, alone or behind `-` or `_`.
const NUMBERED: [&str; 5] = ["id", "length", "line", "pid", "port"];

/// Whether what stands around a number makes it a port, a line, a process, the value of some key, or the second of two
/// numbers, as the size is in the log of a proxy.
fn is_placed(before: &str, behind: &str) -> bool {
    let name = last_name(before.trim_end_matches([' ', '\t', ':', '=', '"']));
    let is_called = |word: &&str| {
        let rest = name.strip_suffix(*word);
        rest.is_some_and(|rest| rest.is_empty() || rest.ends_with(['-', '_']))
    };
    if NUMBERED.iter().any(is_called) {
        return true;
    }
    // `"status": 401` and `code:401`, but neither `"key": 405` nor `127.0.0.1:502`.
    if before.ends_with(':') || before.trim_end().ends_with("\":") {
        let mut words = ["code", "error", "status"].iter();
        return !words.any(|word| name.contains(word));
    }
    let is_number = |word: &str| !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_digit());
    let word_before = before.strip_suffix(' ').map(str::trim_end);
    let word_before = word_before.and_then(|before| before.rsplit(char::is_whitespace).next());
    before.ends_with(['[', '#']) || behind.starts_with('#') || word_before.is_some_and(is_number)
}

/// The name that a text ends with, or nothing.
fn last_name(text: &str) -> &str {
    let is_in_name = |sign: char| sign.is_alphanumeric() || sign == '_' || sign == '-';
    &text[text.trim_end_matches(is_in_name).len()..]
}

/// Whether what stands around a number makes it a time, a size, or the rest of a number.
fn is_measured(before: &str, behind: &str) -> bool {
    const UNITS: [&str; 11] = [
        "b", "byte", "bytes", "kb", "kib", "mb", "mib", "ms", "s", "sec", "seconds",
    ];
    let unit = behind.trim_start();
    let end = unit.find(|sign: char| !sign.is_alphanumeric());
    let (unit, rest) = unit.split_at(end.unwrap_or(unit.len()));
    let is_fraction = before
        .strip_suffix(['.', ','])
        .is_some_and(|whole| whole.ends_with(|sign: char| sign.is_ascii_digit()));
    // `s-maxage` is no unit.
    is_fraction || UNITS.contains(&unit) && !rest.starts_with('-')
}

#[cfg(test)]
mod tests {
    use super::super::meaning;

    #[test]
    fn what_only_looks_like_a_known_word_is_none() {
        for text in [
            "it took 4013 ms at port 15302",
            "tool finished in 404 ms",
            "read 502 bytes in 1.403 s",
            "2026-11-30 10:00:00,504 - INFO - started",
            "verifying the token of ann",
            "verifying certificate for domain a.example",
            "access-control-allow-origin: *",
            "[504] Using automatically selected callback port",
            "(node:530) Warning: a thing is deprecated",
            "at client.js:404:13",
            "farcall[503]: started",
            r#"{"jsonrpc":"2.0","id":405,"result":{}}"#,
            r#"{"port": 502}"#,
            "File \"/srv/uvicorn/protocols/http/h11_impl.py\", line 404, in run_asgi",
            "listening on port 502",
            "port: 502",
            "pid=503",
            "{ id: 404 }",
            "content-length: 502",
            r#""POST /mcp HTTP/1.1" 200 401"#,
            "the scores of all players",
            "",
        ] {
            assert_eq!(meaning(text), None, "{text}");
        }
        assert!(meaning("status=401,").is_some());
    }
}
