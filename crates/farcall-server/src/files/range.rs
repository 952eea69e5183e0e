//! Parts of files (RFC 9110 section 14).

use std::ops::Range;

use http::{HeaderMap, header};

/// What to send.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Part {
    /// All of it: no range was asked for, or one that may be ignored.
    Whole,
    /// These bytes; never empty.
    Bytes(Range<u64>),
    /// Nothing that exists was asked for.
    Outside,
}

/// The part of a file of `size` bytes that a request asks for.
///
/// A header that is malformed, or asks for several parts at once, is ignored, as the RFC
/// allows: the whole file answers every question.
pub(crate) fn requested(headers: &HeaderMap, size: u64) -> Part {
    let mut values = headers.get_all(header::RANGE).iter();
    let (Some(value), None) = (values.next(), values.next()) else {
        return Part::Whole;
    };
    value
        .to_str()
        .ok()
        .and_then(|value| parse(value, size))
        .unwrap_or(Part::Whole)
}

fn parse(value: &str, size: u64) -> Option<Part> {
    let (unit, ranges) = value.split_once('=')?;
    if !unit.trim().eq_ignore_ascii_case("bytes") || ranges.contains(',') {
        return None;
    }
    let (first, last) = ranges.trim().split_once('-')?;
    let bytes = match (number(first)?, number(last)?) {
        (None, None) => return None,
        // The last so many bytes.
        (None, Some(count)) => size.saturating_sub(count)..size,
        (Some(first), None) => first..size,
        (Some(first), Some(last)) if first > last => return None,
        (Some(first), Some(last)) => first..last.saturating_add(1).min(size),
    };
    Some(if bytes.start < bytes.end {
        Part::Bytes(bytes)
    } else {
        Part::Outside
    })
}

/// Digits, or nothing at all; a number too large for any file counts as the largest.
#[expect(clippy::option_option, reason = "absent and malformed are different")]
fn number(text: &str) -> Option<Option<u64>> {
    if text.is_empty() {
        return Some(None);
    }
    text.bytes()
        .all(|byte| byte.is_ascii_digit())
        .then(|| Some(text.parse().unwrap_or(u64::MAX)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn part(value: &str) -> Part {
        let headers = HeaderMap::from_iter([(header::RANGE, value.parse().unwrap())]);
        requested(&headers, 10)
    }

    #[test]
    fn one_range_is_cut_to_the_file() {
        for (value, bytes) in [
            ("bytes=0-0", 0..1),
            ("bytes=2-4", 2..5),
            ("bytes=5-", 5..10),
            ("bytes=-3", 7..10),
            ("bytes=-99", 0..10),
            ("bytes=0-99999999999999999999999", 0..10),
            ("Bytes=9-9", 9..10),
        ] {
            assert_eq!(part(value), Part::Bytes(bytes), "{value}");
        }
    }

    #[test]
    fn a_range_beyond_the_end_is_not_satisfiable() {
        for value in [
            "bytes=10-",
            "bytes=10-20",
            "bytes=-0",
            "bytes=99999999999999999999999-",
        ] {
            assert_eq!(part(value), Part::Outside, "{value}");
        }
    }

    #[test]
    fn what_is_not_understood_is_ignored() {
        for value in [
            "",
            "bytes",
            "bytes=",
            "bytes=-",
            "bytes=a-b",
            "bytes=3-1",
            "bytes=0-1,3-4",
            "lines=0-1",
            "bytes=+1-2",
            "bytes=1--2",
            "bytes=0x1-2",
        ] {
            assert_eq!(part(value), Part::Whole, "{value}");
        }
    }
}
