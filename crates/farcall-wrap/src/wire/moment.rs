//! Moments that two processes of one machine agree on.

use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};
use serde::{Deserialize, Serialize};
use tokio::time::Instant;

/// Milliseconds of the clock that goes on while the machine sleeps, so that a lease is over after a
/// sleep as it is for everybody else.
///
/// It is sent as it is, and not as a pause from now: a renewal that lay unread while its reader was
/// stopped does not become younger by that.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct Moment(u64);

impl Moment {
    pub(crate) fn now() -> Self {
        #[cfg(target_os = "linux")]
        let clock = ClockId::Boottime;
        // Of macOS, this is the clock that goes on.
        #[cfg(not(target_os = "linux"))]
        let clock = ClockId::Monotonic;
        let now = Duration::try_from(clock_gettime(clock)).unwrap_or_default();
        Self(milliseconds(now))
    }

    pub(crate) fn after(self, pause: Duration) -> Self {
        Self(self.0.saturating_add(milliseconds(pause)))
    }

    /// How long it is from now; nothing where it has passed.
    pub(crate) fn remaining(self) -> Duration {
        Duration::from_millis(self.0.saturating_sub(Self::now().0))
    }

    pub(crate) fn has_passed(self) -> bool {
        self <= Self::now()
    }
}

impl From<Instant> for Moment {
    fn from(instant: Instant) -> Self {
        Self::now().after(instant.saturating_duration_since(Instant::now()))
    }
}

fn milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
