//! When something happens, on both clocks.

use farcall_core::clock::{Clock, Timestamp};

/// The time of day, and how time passes, at one moment.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Moment {
    pub(crate) now: Timestamp,
    /// What leases are compared with.
    pub(crate) steady: Timestamp,
}

impl Moment {
    pub(crate) fn of(clock: &dyn Clock) -> Self {
        Self {
            now: clock.now(),
            steady: clock.steady(),
        }
    }
}
