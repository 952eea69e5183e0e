//! Times and sizes as people write them.

use std::time::Duration;

use farcall_core::rate::Rate;

/// Reads a whole number and its unit, for example `500ms`, `30s`, `2m`, `1h` or `7d`; `0s` is no
/// time at all.
pub fn duration(text: &str) -> Option<Duration> {
    let (number, unit) = split(text)?;
    let milliseconds = match unit {
        "ms" => 1,
        "s" => 1_000,
        "m" => 60_000,
        "h" => 3_600_000,
        "d" => 86_400_000,
        _ => return None,
    };
    number.checked_mul(milliseconds).map(Duration::from_millis)
}

/// Reads a whole number and its unit, for example `64MiB`; without a unit it is bytes.
pub(crate) fn bytes(text: &str) -> Option<u64> {
    let (number, unit) = split(text)?;
    let bytes = match unit {
        "" | "B" => 1,
        "KiB" => 1 << 10,
        "MiB" => 1 << 20,
        "GiB" => 1 << 30,
        _ => return None,
    };
    number.checked_mul(bytes)
}

/// Reads how often something may happen, for example `60/m`.
pub(crate) fn rate(text: &str) -> Option<Rate> {
    let (count, unit) = text.split_once('/')?;
    let per = match unit.trim() {
        "s" => 1,
        "m" => 60,
        "h" => 3_600,
        _ => return None,
    };
    // Digits alone: a whole number would be read with a sign as well.
    let (count, "") = split(count.trim())? else {
        return None;
    };
    Some(Rate {
        count: u32::try_from(count).ok()?.try_into().ok()?,
        per: Duration::from_secs(per),
    })
}

fn split(text: &str) -> Option<(u64, &str)> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at(digits);
    Some((number.parse().ok()?, unit))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_unit_counts() {
        assert_eq!(duration("500ms"), Some(Duration::from_millis(500)));
        assert_eq!(duration("0s"), Some(Duration::ZERO));
        assert_eq!(duration("2h"), Some(Duration::from_hours(2)));
        assert_eq!(bytes("64MiB"), Some(64 << 20));
        let often = rate("60/m").unwrap();
        assert_eq!((often.count.get(), often.per), (60, Duration::from_mins(1)));
        assert_eq!(bytes("1000"), Some(1_000));
    }

    #[test]
    fn anything_else_is_refused() {
        for text in [
            "",
            "s",
            "30",
            "1.5s",
            "-1s",
            "1w",
            "30 s",
            "99999999999999999d",
        ] {
            assert_eq!(duration(text), None, "{text}");
        }
        for text in [
            "", "60", "0/s", "-1/s", "1/d", "/s", "1.5/s", "60/", "60/m/s",
        ] {
            assert_eq!(rate(text), None, "{text}");
        }
        for text in ["", "MiB", "1.5GiB", "-1", "64MB", "99999999999999999GiB"] {
            assert_eq!(bytes(text), None, "{text}");
        }
    }
}
