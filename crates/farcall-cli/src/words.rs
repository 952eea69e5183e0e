//! How things are written for people.

use farcall_core::{clock::Timestamp, id::JobId};
use farcall_store::JobRecord;

/// The first digits of an id, which hardly ever mean more than one job.
pub(crate) fn short(id: JobId) -> String {
    id.to_string()[..8].to_owned()
}

/// A time in two units at most, for example `3m12s`.
pub(crate) fn span(milliseconds: i64) -> String {
    let milliseconds = milliseconds.max(0);
    if milliseconds < 1_000 {
        return format!("{milliseconds}ms");
    }
    let seconds = milliseconds / 1_000;
    let (minutes, hours, days) = (seconds / 60, seconds / 3_600, seconds / 86_400);
    match (days, hours, minutes) {
        (0, 0, 0) => format!("{seconds}s"),
        (0, 0, _) => format!("{minutes}m{:02}s", seconds % 60),
        (0, _, _) => format!("{hours}h{:02}m", minutes % 60),
        _ => format!("{days}d{:02}h", hours % 24),
    }
}

/// A moment as RFC 3339, to the second.
pub(crate) fn moment(at: Timestamp) -> String {
    Timestamp(at.0.div_euclid(1_000).saturating_mul(1_000)).rfc3339()
}

/// How many there are of what `one` of is called like this: `1 job`, `2 jobs`.
pub(crate) fn count(number: u64, one: &str) -> String {
    let many = if number == 1 { "" } else { "s" };
    format!("{number} {one}{many}")
}

/// How far a job is: its stage, and how far that is.
pub(crate) fn reached(record: &JobRecord) -> String {
    let stage = format!("{}/{}", record.stage, record.total_stages);
    match percent(record) {
        Some(percent) => format!("{stage} {percent}%"),
        None => stage,
    }
}

/// How far the present stage is, in whole percent.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a share of a hundred"
)]
pub(crate) fn percent(record: &JobRecord) -> Option<u8> {
    let progress = record.progress?.clamp(0.0, 1.0);
    Some((progress * 100.0) as u8)
}

/// How long it has worked, from its first claim to its end, or until now.
pub(crate) fn took(record: &JobRecord) -> Option<i64> {
    let end = record.finished_at.unwrap_or(record.read_at);
    Some(end.0 - record.started_at?.0)
}

/// What it does, or why it has failed.
pub(crate) fn doing(record: &JobRecord) -> String {
    match &record.error {
        Some(error) => format!("{}: {}", error.code.as_str(), error.message),
        None if record.is_asking => "waits for an answer of its caller".to_owned(),
        None if record.cancel_requested => format!("is told to stop; {}", record.message),
        None => record.message.clone(),
    }
}

/// A size, in the largest unit of which there is one.
#[expect(clippy::cast_precision_loss, reason = "it is rounded to a tenth")]
pub(crate) fn bytes(bytes: u64) -> String {
    const UNITS: [&str; 4] = ["KiB", "MiB", "GiB", "TiB"];
    if bytes < 1_024 {
        return format!("{bytes} B");
    }
    let mut size = bytes as f64 / 1_024.0;
    let mut units = UNITS.into_iter();
    let mut unit = units.next().unwrap_or_default();
    for larger in units {
        if size < 1_024.0 {
            break;
        }
        (size, unit) = (size / 1_024.0, larger);
    }
    format!("{size:.1} {unit}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_two_units_at_most() {
        for (milliseconds, written) in [
            (-5, "0ms"),
            (999, "999ms"),
            (59_999, "59s"),
            (192_000, "3m12s"),
            (7_500_000, "2h05m"),
            (360_000_000, "4d04h"),
        ] {
            assert_eq!(span(milliseconds), written);
        }
    }

    #[test]
    fn sizes_have_the_largest_unit_that_fits() {
        for (size, written) in [
            (0, "0 B"),
            (1_023, "1023 B"),
            (1_536, "1.5 KiB"),
            (5 << 30, "5.0 GiB"),
            (3 << 50, "3072.0 TiB"),
        ] {
            assert_eq!(bytes(size), written);
        }
    }
}
