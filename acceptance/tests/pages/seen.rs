//! Whether what a page shows is what was printed.

/// Stands for any text.
const ANYTHING: &str = "…";

/// How long digits of base sixteen are that stand for an id.
const ID: usize = 8;

/// Whether the lines that a page shows are the ones that were printed.
pub(crate) fn fits(shown: &[String], printed: &[String]) -> bool {
    match shown {
        [] => printed.is_empty(),
        [any, rest @ ..] if any == ANYTHING => {
            (0..=printed.len()).any(|skipped| fits(rest, &printed[skipped..]))
        }
        [line, rest @ ..] => printed.split_first().is_some_and(|(first, others)| {
            line_fits(&without_ids(line), &without_ids(first)) && fits(rest, others)
        }),
    }
}

fn line_fits(shown: &str, printed: &str) -> bool {
    let mut pieces = shown.trim_end().split(ANYTHING);
    let first = pieces.next().unwrap_or_default();
    let Some(mut left) = printed.trim_end().strip_prefix(first) else {
        return false;
    };
    let mut pieces: Vec<_> = pieces.collect();
    let Some(last) = pieces.pop() else {
        return left.is_empty();
    };
    for piece in pieces {
        let Some((_, after)) = left.split_once(piece) else {
            return false;
        };
        left = after;
    }
    left.ends_with(last)
}

/// The line, in which all ids are the same.
fn without_ids(line: &str) -> String {
    let is_digit = |sign: char| sign.is_ascii_digit() || ('a'..='f').contains(&sign);
    let mut text = String::new();
    let mut run = String::new();
    for sign in line.chars().chain(['\n']) {
        if is_digit(sign) {
            run.push(sign);
            continue;
        }
        let is_id = run.len() >= ID && run.contains(|sign: char| sign.is_ascii_digit());
        text.push_str(if is_id { "<id>" } else { &run });
        run.clear();
        text.push(sign);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(text: &str) -> Vec<String> {
        text.lines().map(str::to_owned).collect()
    }

    #[test]
    fn what_was_printed_fits() {
        for (shown, printed) in [
            ("a\nb", "a\nb"),
            ("a\n…\nd", "a\nb\nc\nd"),
            ("a\n…\nd", "a\nd"),
            (
                "{\"id\":\"2669ffa4…\",…}",
                "{\"id\":\"00112233445566778899aabbccddeeff\",\"x\":1}",
            ),
            ("sha256 0123456789abcdef", "sha256 fedcba98765432100"),
            ("one … three … five", "one two three four five"),
            ("", ""),
        ] {
            assert!(fits(&lines(shown), &lines(printed)), "{shown}\n{printed}");
        }
    }

    #[test]
    fn anything_else_does_not() {
        for (shown, printed) in [
            ("a", "b"),
            ("a", "a\nb"),
            ("a\nb", "a"),
            ("a\n…\nd", "a\nd\ne"),
            ("a … c", "a b d"),
            ("one … three", "three one"),
            ("ab… ba", "ab ba ab"),
            ("succeeded", "succeeded 3/3"),
            ("deadbeef", "feedbabe"),
        ] {
            assert!(!fits(&lines(shown), &lines(printed)), "{shown}\n{printed}");
        }
    }
}
