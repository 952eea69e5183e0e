//! The buckets of all who are told apart; never more than so many.

use std::{
    collections::HashMap,
    hash::{BuildHasher, Hash, RandomState},
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use farcall_core::rate::Rate;

use super::bucket::{Bucket, Terms};

/// The most that are kept, of 16 bytes each.
const MAX: usize = 65_536;

/// Buckets with the same terms.
pub(super) struct Buckets {
    terms: Terms,
    /// By the hash of whose it is: two who shared one would only have less.
    kept: Mutex<HashMap<u64, Bucket>>,
    hasher: RandomState,
    max: usize,
}

impl Buckets {
    pub(super) fn new(rate: Rate) -> Self {
        Self {
            terms: rate.into(),
            kept: Mutex::default(),
            hasher: RandomState::new(),
            max: MAX,
        }
    }

    /// Takes a token out of the bucket of `owner` at `now`, in microseconds.
    ///
    /// # Errors
    /// Where there is none: how long until there is one.
    pub(super) fn take(&self, owner: impl Hash, now: u64) -> Result<(), Duration> {
        let key = self.hasher.hash_one(owner);
        let mut kept = self.kept();
        if let Some(bucket) = kept.get_mut(&key) {
            return bucket.take(self.terms, now);
        }
        if kept.len() >= self.max {
            make_room(&mut kept, now);
        }
        kept.entry(key).or_default().take(self.terms, now)
    }

    /// Whether a token could be taken out of the bucket of `owner`.
    ///
    /// # Errors
    /// As [`take`](Self::take).
    pub(super) fn look(&self, owner: impl Hash, now: u64) -> Result<(), Duration> {
        let key = self.hasher.hash_one(owner);
        let bucket = self.kept().get(&key).copied().unwrap_or_default();
        bucket.look(self.terms, now)
    }

    fn kept(&self) -> MutexGuard<'_, HashMap<u64, Bucket>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Forgets the full ones, which are as good as none; where there are few, every other one as well. So
/// this is rare, and whoever floods with ever new addresses only makes others be forgotten.
fn make_room(kept: &mut HashMap<u64, Bucket>, now: u64) {
    let before = kept.len();
    kept.retain(|_, bucket| !bucket.is_full(now));
    if kept.len() > before / 2 {
        let mut is_kept = false;
        kept.retain(|_, _| {
            is_kept = !is_kept;
            is_kept
        });
    }
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU32;

    use super::*;

    fn buckets(count: u32) -> Buckets {
        Buckets {
            max: 8,
            ..Buckets::new(Rate {
                count: NonZeroU32::new(count).unwrap(),
                per: Duration::from_secs(1),
            })
        }
    }

    #[test]
    fn everybody_has_a_bucket_of_his_own() {
        let buckets = buckets(1);
        assert_eq!(buckets.take("alice", 0), Ok(()));
        assert!(buckets.take("alice", 0).is_err());
        assert!(buckets.look("alice", 0).is_err());
        assert_eq!(buckets.look("bob", 0), Ok(()));
        assert_eq!(buckets.take("bob", 0), Ok(()));
    }

    #[test]
    fn however_many_come_only_so_many_are_kept() {
        let buckets = buckets(1);
        for owner in 0..1_000 {
            assert_eq!(buckets.take(owner, 0), Ok(()));
            assert!(buckets.kept().len() <= 8);
        }
        // Those that are full again go first.
        let (_, last) = (buckets.take("last", 2_000_000), buckets.kept().len());
        assert!(last <= 8);
        assert!(buckets.take("last", 2_000_000).is_err());
    }
}
