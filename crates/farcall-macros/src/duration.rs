//! Durations as people write them: `500ms`, `20s`, `1m`, `7d`.

use std::time::Duration;

/// The units and their lengths in milliseconds.
const UNITS: &[(&str, u64)] = &[
    ("ms", 1),
    ("s", 1_000),
    ("m", 60_000),
    ("h", 3_600_000),
    ("d", 86_400_000),
];

/// The longest time limit of a tool, as `farcall_core::tool::MAX_TIME_LIMIT`.
pub(crate) const MAX_TIME_LIMIT: Duration = Duration::from_secs(90);

/// Reads a whole number and its unit.
///
/// # Errors
/// One sentence that says what is wrong with `text`.
pub(crate) fn parse(text: &str) -> Result<Duration, String> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at(digits);
    let known = UNITS.iter().find(|(name, _)| *name == unit);
    let (Ok(number), Some((_, length))) = (number.parse::<u64>(), known) else {
        let names: Vec<_> = UNITS.iter().map(|(name, _)| format!("`{name}`")).collect();
        return Err(format!(
            "`{text}` is no duration, which is a whole number and one of {}",
            names.join(", ")
        ));
    };
    match number.checked_mul(*length) {
        Some(0) => Err(format!("`{text}` is no time at all")),
        Some(milliseconds) => Ok(Duration::from_millis(milliseconds)),
        None => Err(format!("`{text}` is longer than can be counted")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_unit_counts() {
        for (text, milliseconds) in [
            ("500ms", 500),
            ("20s", 20_000),
            ("1m", 60_000),
            ("2h", 7_200_000),
            ("7d", 604_800_000),
        ] {
            assert_eq!(
                parse(text),
                Ok(Duration::from_millis(milliseconds)),
                "{text}"
            );
        }
    }

    #[test]
    fn anything_else_is_refused() {
        for text in [
            "",
            "s",
            "20",
            "20 s",
            "-1s",
            "1.5s",
            "1w",
            "0s",
            "20S",
            "99999999999999999999s",
            "18446744073709551615s",
        ] {
            assert!(parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn the_limit_is_the_core_s() {
        assert_eq!(MAX_TIME_LIMIT, farcall_core::tool::MAX_TIME_LIMIT);
    }
}
