//! Numbers as people read them.

/// How a number is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unit {
    /// Of something else: 0.5 is `50 %`.
    Share,
    /// The same for small ones: 0.0005 is `0.05 %`.
    FineShare,
    /// As often as something else: `2.00x`.
    Times,
    /// `1,000/s`.
    PerSecond,
    MegabytesPerSecond,
    Seconds,
    Milliseconds,
    Microseconds,
    /// Given in bytes.
    Mebibytes,
    Count,
}

impl Unit {
    pub(crate) fn show(self, value: f64) -> String {
        match self {
            Self::Share => format!("{:.1} %", value * 100.0),
            Self::FineShare => format!("{:.3} %", value * 100.0),
            Self::Times if value >= 20.0 => format!("{value:.0}x"),
            Self::Times => format!("{value:.2}x"),
            Self::PerSecond => format!("{}/s", thousands(whole(value))),
            Self::MegabytesPerSecond => format!("{} MB/s", thousands(whole(value))),
            Self::Seconds => format!("{value:.3} s"),
            Self::Milliseconds => format!("{value:.1} ms"),
            Self::Microseconds if value >= 10_000.0 => format!("{:.1} ms", value / 1e3),
            Self::Microseconds => format!("{value:.0} µs"),
            Self::Mebibytes => format!("{:.1} MiB", value / f64::from(1 << 20)),
            Self::Count => thousands(whole(value)),
        }
    }

    /// A limit, without digits that nobody chose.
    pub(crate) fn show_limit(self, value: f64) -> String {
        let shown = self.show(value);
        let (number, unit) = shown
            .find(|letter: char| !letter.is_ascii_digit() && letter != '.' && letter != ',')
            .map_or((shown.as_str(), ""), |end| shown.split_at(end));
        let number = if number.contains('.') {
            number.trim_end_matches('0').trim_end_matches('.')
        } else {
            number
        };
        format!("{number}{unit}")
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "counts are neither negative nor anywhere near the limit"
)]
fn whole(value: f64) -> u64 {
    value.round() as u64
}

/// 1,000,000.
pub(crate) fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let mut shown = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            shown.push(',');
        }
        shown.push(digit);
    }
    shown
}

/// A length of file that is a whole number of GiB, or of MiB.
pub(crate) fn gibibytes(length: u64) -> String {
    if length.is_multiple_of(1 << 30) {
        format!("{} GiB", length >> 30)
    } else {
        format!("{} MiB", length >> 20)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_shown_as_people_write_them() {
        assert_eq!(Unit::PerSecond.show(1_234_567.4), "1,234,567/s");
        assert_eq!(Unit::Share.show(0.2215), "22.1 %");
        assert_eq!(Unit::Share.show_limit(0.22), "22 %");
        assert_eq!(Unit::Share.show_limit(1.0), "100 %");
        assert_eq!(Unit::Times.show_limit(1.4), "1.4x");
        assert_eq!(Unit::FineShare.show_limit(0.001), "0.1 %");
        assert_eq!(Unit::Mebibytes.show_limit(f64::from(64 << 20)), "64 MiB");
    }
}
