//! Chance that a seed repeats.

use std::{
    env,
    hash::{BuildHasher, Hasher, RandomState},
    time::Duration,
};

/// Numbers that look random: `SplitMix64`, of Steele, Lea and Flood, 2014.
pub(crate) struct Chance {
    /// What repeats all of it.
    pub(crate) seed: u64,
    state: u64,
}

impl Chance {
    /// Of `FARCALL_SEED`, or another one each time.
    pub(crate) fn new() -> Self {
        let other = || RandomState::new().build_hasher().finish();
        Self::of(env::var("FARCALL_SEED").map_or_else(|_| other(), |seed| seed.parse().unwrap()))
    }

    fn of(seed: u64) -> Self {
        Self { seed, state: seed }
    }

    /// Another one, with a way of its own.
    pub(crate) fn split(&mut self) -> Self {
        Self::of(self.next())
    }

    fn next(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// From `0` to below `end`.
    pub(crate) fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }

    /// Not longer than so many milliseconds.
    pub(crate) fn moment(&mut self, milliseconds: u64) -> Duration {
        Duration::from_micros(self.below(milliseconds * 1000))
    }
}

/// How often something is done: `usual` times, or a multiple where `FARCALL_STORMS` says so.
pub(crate) fn times(usual: usize) -> usize {
    let factor = env::var("FARCALL_STORMS").map_or(1, |factor| factor.parse().unwrap());
    usual * factor
}
