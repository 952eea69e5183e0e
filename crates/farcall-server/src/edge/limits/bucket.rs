//! One token bucket, as the time at which it would be full again (the generic cell rate algorithm,
//! ITU-T I.371): a number, and nothing that has to be refilled.

use std::time::Duration;

use farcall_core::rate::Rate;

/// What a bucket holds and gets back.
#[derive(Clone, Copy, Debug)]
pub(super) struct Terms {
    /// Time for one token to come back, in microseconds; at least one.
    token: u64,
    /// Time for all of them.
    full: u64,
}

impl From<Rate> for Terms {
    fn from(rate: Rate) -> Self {
        let full = u64::try_from(rate.per.as_micros()).unwrap_or(u64::MAX / 4);
        let token = (full / u64::from(rate.count.get())).max(1);
        Self {
            token,
            full: token.saturating_mul(rate.count.get().into()),
        }
    }
}

/// When a bucket is full again, in microseconds; in the past where it is.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Bucket(u64);

impl Bucket {
    /// Takes one token out at `now`.
    ///
    /// # Errors
    /// Where there is none: how long until there is one.
    pub(super) fn take(&mut self, terms: Terms, now: u64) -> Result<(), Duration> {
        self.look(terms, now)?;
        self.0 = self.0.max(now).saturating_add(terms.token);
        Ok(())
    }

    /// Whether a token could be taken out.
    ///
    /// # Errors
    /// As [`take`](Self::take).
    pub(super) fn look(self, terms: Terms, now: u64) -> Result<(), Duration> {
        let after = self.0.max(now).saturating_add(terms.token);
        match after.saturating_sub(now.saturating_add(terms.full)) {
            0 => Ok(()),
            early => Err(Duration::from_micros(early)),
        }
    }

    /// Whether nothing is missing, so that it need not be kept.
    pub(super) fn is_full(self, now: u64) -> bool {
        self.0 <= now
    }
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU32;

    use super::*;

    const SECOND: u64 = 1_000_000;

    fn terms(count: u32, seconds: u64) -> Terms {
        Terms::from(Rate {
            count: NonZeroU32::new(count).unwrap(),
            per: Duration::from_secs(seconds),
        })
    }

    #[test]
    fn a_bucket_gives_all_at_once_and_then_one_after_the_other() {
        let (terms, mut bucket) = (terms(3, 3), Bucket::default());
        let now = 100 * SECOND;
        for _ in 0..3 {
            assert_eq!(bucket.take(terms, now), Ok(()));
        }
        assert_eq!(bucket.take(terms, now), Err(Duration::from_secs(1)));
        let half = now + SECOND / 2;
        assert_eq!(bucket.take(terms, half), Err(Duration::from_millis(500)));
        assert_eq!(bucket.take(terms, now + SECOND), Ok(()));
        assert!(bucket.take(terms, now + SECOND).is_err());
    }

    #[test]
    fn what_was_refused_costs_nothing_and_a_rest_fills_it_again() {
        let (terms, mut bucket) = (terms(2, 2), Bucket::default());
        for _ in 0..50 {
            let _ = bucket.take(terms, 0);
        }
        assert!(!bucket.is_full(SECOND));
        assert!(bucket.is_full(2 * SECOND));
        assert_eq!(bucket.take(terms, 2 * SECOND), Ok(()));
        assert_eq!(bucket.take(terms, 2 * SECOND), Ok(()));
        assert!(bucket.take(terms, 2 * SECOND).is_err());
    }

    #[test]
    fn who_keeps_to_the_rate_never_meets_it() {
        let (terms, mut bucket) = (terms(5_000, 1), Bucket::default());
        for call in 0..20_000 {
            // As the clock tells it, to the millisecond.
            let now = call * 200 / 1_000 * 1_000;
            assert_eq!(bucket.take(terms, now), Ok(()), "call {call}");
        }
    }
}
