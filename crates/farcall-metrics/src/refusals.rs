//! Whom the gate did not let in.

use crate::{families::AUTH_FAILURES, number::Counter, text::Text};

/// Why somebody is not let in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused {
    /// A link opens no file any more: its time is up.
    Expired,
    /// The caller is known, and may not do this.
    Insufficient,
    /// A link opens no file.
    Link,
    /// No credential was sent.
    Missing,
    /// Too many wrong credentials came from there.
    Throttled,
    /// Whoever verifies credentials did not answer.
    Unavailable,
    /// The credential is none here.
    Wrong,
}

/// In the order of [`Refused`].
const REASONS: [&str; 7] = [
    "expired",
    "insufficient",
    "link",
    "missing",
    "throttled",
    "unavailable",
    "wrong",
];

/// Whom the gate did not let in.
#[derive(Debug, Default)]
pub struct Refusals([Counter; REASONS.len()]);

impl Refusals {
    /// Counts a request that was not let in.
    pub fn count(&self, why: Refused) {
        self.0[why as usize].add(1);
    }

    pub(crate) fn write(&self, text: &mut Text) {
        text.family(&AUTH_FAILURES);
        for (reason, counter) in REASONS.iter().zip(&self.0) {
            text.value(&AUTH_FAILURES, &[reason], counter.get());
        }
    }
}
