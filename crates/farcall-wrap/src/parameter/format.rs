//! What a text must be besides matching its schema, where `format` is only a word.

use std::str::FromStr;

use farcall_config::file::Format;
use url::Url;

/// Whether `text` is of this format.
pub(super) fn is(format: Format, text: &str) -> bool {
    match format {
        Format::Date => is_date(text),
        Format::DateTime => is_moment(text),
        Format::Email => is_email(text),
        Format::Url => is_url(text),
        Format::Uuid => is_uuid(text),
    }
}

/// The format in a sentence.
pub(super) fn name(format: Format) -> &'static str {
    match format {
        Format::Date => "a date",
        Format::DateTime => "a moment",
        Format::Email => "an address of e-mail",
        Format::Url => "a URL",
        Format::Uuid => "a UUID",
    }
}

/// How to write one.
pub(super) fn hint(format: Format) -> &'static str {
    match format {
        Format::Date => "write it like 2026-07-28",
        Format::DateTime => "write it like 2026-07-28T12:00:00Z",
        Format::Email => "write it like name@example.org",
        Format::Url => "write all of it, from http:// or https:// on",
        Format::Uuid => "write it like 67e55044-10b1-426f-9247-bb680e5fe0c8",
    }
}

/// `full-date` of RFC 3339. The library reads more, so the shape is looked at first.
fn is_date(text: &str) -> bool {
    has_shape(text, "9999-99-99") && jiff::civil::Date::from_str(text).is_ok()
}

/// `date-time` of RFC 3339.
fn is_moment(text: &str) -> bool {
    const DAY_AND_TIME: usize = "9999-99-99T99:99:99".len();
    let Some((start, end)) = text.split_at_checked(DAY_AND_TIME) else {
        return false;
    };
    let zone = match end.strip_prefix('.') {
        Some(fraction) => {
            let zone = fraction.trim_start_matches(|c: char| c.is_ascii_digit());
            let digits = fraction.len() - zone.len();
            // More than nine are finer than anybody's clock.
            if !(1..=9).contains(&digits) {
                return false;
            }
            zone
        }
        None => end,
    };
    let has_zone = matches!(zone, "Z" | "z") || has_shape(&zone.replacen('-', "+", 1), "+99:99");
    let is_shaped = has_shape(&start.replacen('t', "T", 1), "9999-99-99T99:99:99");
    is_shaped && has_zone && jiff::Timestamp::from_str(&text.to_ascii_uppercase()).is_ok()
}

/// As browsers have it (HTML, "valid email address"): the form of addresses that are in use.
fn is_email(text: &str) -> bool {
    let Some((local, domain)) = text.split_once('@') else {
        return false;
    };
    let is_local = |c: char| c.is_ascii_alphanumeric() || ".!#$%&'*+/=?^_`{|}~-".contains(c);
    let is_label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    (1..=64).contains(&local.len())
        && local.chars().all(is_local)
        && domain.len() <= 253
        && domain.split('.').all(is_label)
}

/// The parser passes over blanks and control characters, and over slashes before the host, which
/// others may not.
fn is_url(text: &str) -> bool {
    let is_plain = !text.contains(|c: char| c.is_whitespace() || c.is_control() || c == '\\');
    let rest = ["http://", "https://"].iter().find_map(|scheme| {
        let (start, rest) = text.split_at_checked(scheme.len())?;
        start.eq_ignore_ascii_case(scheme).then_some(rest)
    });
    is_plain
        && rest.is_some_and(|rest| !rest.starts_with('/'))
        && Url::parse(text).is_ok_and(|url| url.has_host())
}

fn is_uuid(text: &str) -> bool {
    let groups: Vec<_> = text.split('-').collect();
    let lengths = groups.iter().map(|group| group.len());
    lengths.eq([8, 4, 4, 4, 12])
        && groups
            .iter()
            .all(|group| group.bytes().all(|byte| byte.is_ascii_hexdigit()))
}

/// Whether `text` has a digit wherever `shape` has a 9, and else the same characters.
fn has_shape(text: &str, shape: &str) -> bool {
    text.len() == shape.len()
        && text.bytes().zip(shape.bytes()).all(|(byte, like)| {
            if like == b'9' {
                byte.is_ascii_digit()
            } else {
                byte == like
            }
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(format: Format, good: &[&str], bad: &[&str]) {
        for text in good {
            assert!(is(format, text), "{text:?}");
        }
        for text in bad {
            assert!(!is(format, text), "{text:?}");
        }
    }

    #[test]
    fn dates_are_days_of_the_calendar() {
        let bad = [
            "",
            "2026-7-28",
            "2026-02-29",
            "2026-13-01",
            "20260728",
            "2026-07-28 ",
            "+002026-07-28",
            "2026-07-28T00:00:00Z",
            "２０２６-07-28",
            "2026-07-28\n",
        ];
        check(
            Format::Date,
            &["2026-07-28", "2024-02-29", "0001-01-01"],
            &bad,
        );
    }

    #[test]
    fn moments_have_a_zone() {
        let good = [
            "2026-07-28T12:00:00Z",
            "2026-07-28t12:00:00.123456789z",
            "2026-07-28T12:00:00+02:00",
            "2026-07-28T12:00:00.5-11:30",
        ];
        let bad = [
            "",
            "2026-07-28",
            "2026-07-28T12:00:00",
            "2026-07-28 12:00:00Z",
            "2026-07-28T12:00Z",
            "2026-07-28T25:00:00Z",
            "2026-07-28T12:00:00.Z",
            "2026-07-28T12:00:00+0200",
            "2026-07-28T12:00:00Z[UTC]",
            "2026-07-28T12:00:00Zx",
            "2026-07-28T12:00:0ü",
        ];
        check(Format::DateTime, &good, &bad);
    }

    #[test]
    fn addresses_have_one_at_and_a_domain() {
        let good = ["a@b", "first.last+tag@sub.example.org"];
        let bad = [
            "", "a", "@b", "a@", "a@b@c", "a b@c", "a@b..c", "a@-b", "a@b-", "a@b\n", "\"a\"@b",
            "ä@b.de", "a@b;rm",
        ];
        check(Format::Email, &good, &bad);
    }

    #[test]
    fn urls_are_absolute_and_of_the_web() {
        let good = [
            "http://a",
            "HTTPS://example.org:8443/x?y=%20#z",
            "http://[::1]/",
        ];
        let bad = [
            "",
            "example.org",
            "//a/b",
            "/a",
            "file:///etc/passwd",
            "ftp://a",
            "javascript:alert(1)",
            "http:a",
            "http://",
            "http:///x",
            " http://a",
            "http://a b",
            "http://a\n",
            "http:\\\\a",
            "http://a\\b",
            "ht\ttp://a",
        ];
        check(Format::Url, &good, &bad);
    }

    #[test]
    fn uuids_have_five_groups() {
        let good = [
            "67e55044-10b1-426f-9247-bb680e5fe0c8",
            "67E55044-10B1-426F-9247-BB680E5FE0C8",
        ];
        let bad = [
            "",
            "67e5504410b1426f9247bb680e5fe0c8",
            "{67e55044-10b1-426f-9247-bb680e5fe0c8}",
            "67e55044-10b1-426f-9247-bb680e5fe0cg",
            "67e55044-10b1-426f-9247-bb680e5fe0c8-",
        ];
        check(Format::Uuid, &good, &bad);
    }
}
