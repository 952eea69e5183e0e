//! The time, injected, so that no test has to wait for it.

use std::{
    fmt,
    sync::{
        LazyLock,
        atomic::{AtomicI64, Ordering},
    },
    time::{Instant, SystemTime, UNIX_EPOCH},
};

/// A moment, in milliseconds since 1970-01-01 UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(pub i64);

impl Timestamp {
    /// It as RFC 3339, to the millisecond.
    pub fn rfc3339(self) -> String {
        jiff::Timestamp::from_millisecond(self.0)
            .unwrap_or(jiff::Timestamp::MAX)
            .to_string()
    }
}

/// Tells the time of day, and how time passes.
pub trait Clock: Send + Sync + fmt::Debug {
    /// The present moment. It jumps when somebody sets the machine's clock.
    fn now(&self) -> Timestamp;

    /// Milliseconds since some moment in the life of this process; never negative, and never
    /// backwards. Only to be compared with what the same clock said before: leases count on it,
    /// because a clock that is set must cost nobody his work.
    fn steady(&self) -> Timestamp;
}

/// The machine's own clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        #[expect(
            clippy::disallowed_methods,
            reason = "this is the one place that reads the machine's clock"
        )]
        let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH);
        Timestamp(since_epoch.map_or(0, |d| i64::try_from(d.as_millis()).unwrap_or(i64::MAX)))
    }

    fn steady(&self) -> Timestamp {
        static START: LazyLock<Instant> = LazyLock::new(Instant::now);
        let passed = START.elapsed().as_millis();
        Timestamp(i64::try_from(passed).unwrap_or(i64::MAX))
    }
}

/// A clock that a test moves by hand.
#[derive(Debug, Default)]
pub struct ManualClock {
    now: AtomicI64,
    steady: AtomicI64,
}

impl ManualClock {
    /// A clock that stands at `start`.
    pub fn at(start: Timestamp) -> Self {
        Self {
            now: AtomicI64::new(start.0),
            steady: AtomicI64::new(0),
        }
    }

    /// Lets `milliseconds` pass.
    pub fn advance(&self, milliseconds: u32) {
        self.now.fetch_add(milliseconds.into(), Ordering::SeqCst);
        self.steady.fetch_add(milliseconds.into(), Ordering::SeqCst);
    }

    /// Sets the time of day `milliseconds` forwards, or backwards where negative; no time passes.
    pub fn jump(&self, milliseconds: i64) {
        self.now.fetch_add(milliseconds, Ordering::SeqCst);
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        Timestamp(self.now.load(Ordering::SeqCst))
    }

    fn steady(&self) -> Timestamp {
        Timestamp(self.steady.load(Ordering::SeqCst))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn setting_a_clock_lets_no_time_pass() {
        let clock = ManualClock::at(Timestamp(1_000));
        clock.jump(-500);
        assert_eq!(
            (clock.now(), clock.steady()),
            (Timestamp(500), Timestamp(0))
        );
        clock.advance(20);
        assert_eq!(
            (clock.now(), clock.steady()),
            (Timestamp(520), Timestamp(20))
        );
    }

    #[test]
    fn the_machines_steady_clock_never_goes_backwards() {
        let earlier = SystemClock.steady();
        assert!(Timestamp(0) <= earlier && earlier <= SystemClock.steady());
    }
}
