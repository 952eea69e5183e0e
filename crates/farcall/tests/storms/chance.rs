//! Chance that a seed repeats.

use std::{env, time::Duration};

/// Numbers that look random: `SplitMix64`, of Steele, Lea and Flood, 2014.
#[derive(Clone)]
pub(crate) struct Chance(u64);

impl Chance {
    /// Of `FARCALL_SEED`, or another one each time; it is printed.
    pub(crate) fn new() -> Self {
        let seed = env::var("FARCALL_SEED").map_or_else(
            |_| u64::from(std::process::id()) << 20 ^ now(),
            |seed| seed.parse().unwrap(),
        );
        println!("FARCALL_SEED={seed}");
        Self(seed)
    }

    /// Another one, with a way of its own.
    pub(crate) fn split(&mut self) -> Self {
        Self(self.next())
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
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

fn now() -> u64 {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    now.map_or(0, |now| u64::from(now.subsec_nanos()))
}

/// How often something is done: `usual` times, or a multiple where `FARCALL_STORMS` says so.
pub(crate) fn times(usual: usize) -> usize {
    let factor = env::var("FARCALL_STORMS").map_or(1, |factor| factor.parse().unwrap());
    usual * factor
}
