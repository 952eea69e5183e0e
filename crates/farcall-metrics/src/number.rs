//! Numbers that any thread adds to.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

/// A number that only grows.
#[derive(Debug, Default)]
pub struct Counter(AtomicU64);

impl Counter {
    /// Zero.
    pub const fn new() -> Self {
        Self(AtomicU64::new(0))
    }

    /// Adds to it.
    pub fn add(&self, more: u64) {
        self.0.fetch_add(more, Ordering::Relaxed);
    }

    /// What it has come to.
    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// How long something took, by upper bounds.
#[derive(Debug)]
pub struct Histogram {
    /// In seconds, rising.
    bounds: &'static [f64],
    /// How many were within each bound and no lower one, and last those beyond all.
    within: Box<[Counter]>,
    nanoseconds: Counter,
}

impl Histogram {
    /// An empty one with these bounds, in seconds, which rise.
    pub fn new(bounds: &'static [f64]) -> Self {
        Self {
            bounds,
            within: (0..=bounds.len()).map(|_| Counter::new()).collect(),
            nanoseconds: Counter::new(),
        }
    }

    /// Counts something that took this long.
    pub fn observe(&self, took: Duration) {
        let seconds = took.as_secs_f64();
        let beyond = |bound: &f64| seconds <= *bound;
        let within = self.bounds.iter().position(beyond);
        self.within[within.unwrap_or(self.bounds.len())].add(1);
        self.nanoseconds
            .add(u64::try_from(took.as_nanos()).unwrap_or(u64::MAX));
    }

    /// How many were within each bound, those of the lower ones among them; and how many there are.
    pub(crate) fn cumulated(&self) -> (Vec<(f64, u64)>, u64) {
        let mut sum = 0;
        let mut counts = self.within.iter().map(|counter| {
            sum += counter.get();
            sum
        });
        let below = self.bounds.iter().copied().zip(counts.by_ref()).collect();
        // Beyond all of them.
        let all = counts.next().unwrap_or_default();
        (below, all)
    }

    /// How long all of them took.
    pub(crate) fn sum(&self) -> Duration {
        Duration::from_nanos(self.nanoseconds.get())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_at_a_bound_is_within_it_and_what_is_beyond_all_counts() {
        let histogram = Histogram::new(&[1.0, 2.0]);
        for seconds in [0, 1, 2, 3] {
            histogram.observe(Duration::from_secs(seconds));
        }
        let (below, all) = histogram.cumulated();
        assert_eq!(below, [(1.0, 2), (2.0, 3)]);
        assert_eq!((all, histogram.sum()), (4, Duration::from_secs(6)));
    }
}
