//! Whether what a page shows is what was printed.

/// Stands for any text.
const ANYTHING: &str = "…";

/// How a line begins that need not be there: a stage may be over before anybody asks.
const PASSING: &str = "status -> running";

/// How long digits of base sixteen are that stand for an id.
const ID: usize = 8;

/// What a moment looks like.
const MOMENT: &str = "0000-00-00T00:00:00Z";

/// Whether the lines that a page shows are the ones that were printed.
pub(crate) fn fits(shown: &[String], printed: &[String]) -> bool {
    match shown {
        [] => printed.is_empty(),
        [any, rest @ ..] if any == ANYTHING => {
            (0..=printed.len()).any(|skipped| fits(rest, &printed[skipped..]))
        }
        [line, rest @ ..] => {
            let is_there = printed.split_first().is_some_and(|(first, others)| {
                line_fits(&evened(line), &evened(first)) && fits(rest, others)
            });
            is_there || line.starts_with(PASSING) && fits(rest, printed)
        }
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

/// The line as it would be at any time: all ids, ages and moments are the same, and columns have no width.
fn evened(line: &str) -> String {
    let mut text = String::new();
    let mut rest = line;
    while let Some(start) = rest.find(|sign: char| sign.is_ascii_alphanumeric()) {
        text.push_str(&narrow(&rest[..start], text.is_empty()));
        rest = &rest[start..];
        let is_end = |sign: char| !(sign.is_ascii_alphanumeric() || matches!(sign, '_'));
        let moment = rest.get(..MOMENT.len()).filter(|word| is_moment(word));
        let end = match moment {
            Some(_) => MOMENT.len(),
            None => rest.find(is_end).unwrap_or(rest.len()),
        };
        let word = &rest[..end];
        text.push_str(match word {
            _ if moment.is_some() => "<moment>",
            word if is_id(word) => "<id>",
            word if is_age(word) => "<age>",
            word => word,
        });
        rest = &rest[end..];
    }
    text.push_str(&narrow(rest, false));
    text
}

/// What stands between two words; the space before the first one says something, that of columns does not.
fn narrow(between: &str, is_first: bool) -> String {
    if is_first {
        return between.to_owned();
    }
    let mut text = String::new();
    for sign in between.chars() {
        if sign != ' ' || !text.ends_with("  ") {
            text.push(sign);
        }
    }
    text
}

fn is_id(word: &str) -> bool {
    let is_digit = |sign: char| sign.is_ascii_digit() || ('a'..='f').contains(&sign);
    word.len() >= ID && word.chars().all(is_digit)
}

/// `4s`, `120ms`, `2m49s`, `41d03h`.
fn is_age(word: &str) -> bool {
    let mut numbers = word.split_terminator(|sign: char| sign.is_ascii_lowercase());
    let units = word.split(|sign: char| sign.is_ascii_digit());
    let mut units = units.filter(|unit| !unit.is_empty());
    word.starts_with(|sign: char| sign.is_ascii_digit())
        && word.ends_with(['d', 'h', 'm', 's'])
        && numbers.all(|number| number.chars().all(|sign| sign.is_ascii_digit()))
        && units.all(|unit| matches!(unit, "d" | "h" | "m" | "ms" | "s"))
}

/// RFC 3339, in seconds.
fn is_moment(word: &str) -> bool {
    let fits = |(shown, sign): (char, char)| match shown {
        '0' => sign.is_ascii_digit(),
        mark => sign == mark,
    };
    MOMENT.chars().zip(word.chars()).all(fits)
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
            (
                "ID   AGE    -  X\nab   2m49s  -  y",
                "ID      AGE  -   X\nab      120ms  -      y",
            ),
            (
                "from 2026-11-29T10:15:30Z on",
                "from 2027-01-02T03:04:05Z on",
            ),
            ("  in 18s", "  in 41d03h"),
            (
                "status -> running 1/2\nstatus -> running 2/2\nb",
                "status -> running 2/2\nb",
            ),
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
            ("  mcp", " mcp"),
            ("b", "status -> running 1/2\nb"),
            ("status -> succeeded\nb", "b"),
            ("a b", "a  b"),
            ("4s", "4x"),
            ("a2s", "a3s"),
            ("1.5s", "2.5s"),
        ] {
            assert!(!fits(&lines(shown), &lines(printed)), "{shown}\n{printed}");
        }
    }
}
