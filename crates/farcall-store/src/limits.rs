//! Limits that hold in every backend.

use std::time::Duration;

use crate::text;

/// How much of a line of a log is kept.
pub(crate) const MAX_LINE_BYTES: u16 = 2_048;

/// How many lines of a job's log are kept.
pub(crate) const MAX_LINES: u32 = 10_000;

/// How much text of a job's log is kept.
pub(crate) const MAX_LOG_BYTES: u32 = 1 << 20;

/// How long a worker that is gone is remembered, because what it knew may come back with it.
pub(crate) const REMEMBERED_MS: i64 = 3_600_000;

/// The longest time that is counted with, in milliseconds, so that no sum of it with a moment
/// overflows.
const FOREVER_MS: i64 = i64::MAX / 4;

/// A time in milliseconds, as databases count; what is longer than any life is cut.
pub(crate) fn milliseconds(time: Duration) -> i64 {
    i64::try_from(time.as_millis()).map_or(FOREVER_MS, |time| time.min(FOREVER_MS))
}

/// As much of a line as is kept, cut between two characters.
pub(crate) fn kept(line: &str) -> String {
    let mut line = text::readable(line).into_owned();
    line.truncate(line.floor_char_boundary(MAX_LINE_BYTES.into()));
    line
}
