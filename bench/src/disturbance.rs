//! What else the machine did while something was measured.
//!
//! The kernel tells which processes used the cores. It does not tell what happens outside of a
//! virtual machine: a neighbour on the other half of the core, a lower clock, a full memory bus. That
//! shows in a fixed piece of work that takes longer than it did at best.

use std::{
    cell::Cell,
    hint::black_box,
    time::{Duration, Instant},
};

use anyhow::{Result, anyhow};
use rustix::thread::{CpuSet, sched_setaffinity};

/// Others may take this much of one core before a measurement is repeated.
const OTHERS: f64 = 0.08;

/// The same work may take this much longer than at best before a measurement is repeated.
const SLOWER: f64 = 0.15;

/// How much a measurement was disturbed.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Disturbance {
    /// How busy everybody else was on the two cores, of one.
    pub(crate) others: f64,
    /// How much longer the same work took than at best, of the best time.
    pub(crate) slower: f64,
}

impl Disturbance {
    /// Whether the measurement should be repeated.
    pub(crate) fn is_noticeable(self) -> bool {
        self.others > OTHERS || self.slower > SLOWER
    }

    fn weight(self) -> f64 {
        self.others / OTHERS + self.slower / SLOWER
    }
}

/// Measures until nothing disturbs, at most `tries` times with `wait` in between; the least
/// disturbed measurement counts.
pub(crate) fn least_disturbed<T>(
    tries: usize,
    mut wait: impl FnMut() -> Result<()>,
    mut measure: impl FnMut() -> Result<(T, Disturbance)>,
) -> Result<(T, Disturbance)> {
    let mut best = measure()?;
    for _ in 1..tries {
        if !best.1.is_noticeable() {
            break;
        }
        wait()?;
        let again = measure()?;
        if again.1.weight() < best.1.weight() {
            best = again;
        }
    }
    Ok(best)
}

/// How long a fixed piece of work takes on some cores, now and at best.
pub(crate) struct Pace {
    cores: Vec<usize>,
    best: Cell<Duration>,
}

impl Pace {
    pub(crate) fn new(cores: Vec<usize>) -> Self {
        Self {
            cores,
            best: Cell::new(Duration::MAX),
        }
    }

    /// How much longer the work takes now than at best, on the slowest of the cores.
    pub(crate) fn slower(&self) -> Result<f64> {
        let mut now = Duration::ZERO;
        for &core in &self.cores {
            now = now.max(time_on(core)?);
        }
        self.best.set(self.best.get().min(now));
        Ok(now.as_secs_f64() / self.best.get().as_secs_f64() - 1.0)
    }
}

/// The shortest of some times, so that being put off once by the scheduler does not count.
fn time_on(core: usize) -> Result<Duration> {
    let worker = std::thread::spawn(move || {
        let mut cores = CpuSet::new();
        cores.set(core);
        sched_setaffinity(None, &cores)?;
        let times = (0..5).map(|_| {
            let begun = Instant::now();
            work();
            begun.elapsed()
        });
        Ok(times.min().unwrap_or_default())
    });
    worker
        .join()
        .map_err(|_| anyhow!("the fixed piece of work panicked"))?
}

/// Some milliseconds of arithmetic over half a megabyte.
fn work() {
    let mut numbers = vec![0_u64; 64 << 10];
    let mut state = 0x9E37_79B9_7F4A_7C15_u64;
    for _ in 0..8 {
        for number in &mut numbers {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            *number = number.wrapping_add(state);
        }
    }
    black_box(numbers);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn disturbed(others: f64, slower: f64) -> Disturbance {
        Disturbance { others, slower }
    }

    /// What is measured when the machine disturbs like this, one after the other.
    fn outcome(tries: usize, of: &[Disturbance]) -> (usize, usize, usize) {
        let (mut measured, mut waited) = (0, 0);
        let wait = || {
            waited += 1;
            Ok(())
        };
        let (number, _) = least_disturbed(tries, wait, || {
            measured += 1;
            Ok((measured, of[measured - 1]))
        })
        .unwrap();
        (number, measured, waited)
    }

    #[test]
    fn an_undisturbed_measurement_counts_at_once() {
        assert_eq!(outcome(5, &[disturbed(0.01, 0.05)]), (1, 1, 0));
    }

    #[test]
    fn a_disturbed_one_is_repeated_until_it_is_quiet() {
        let machine = [
            disturbed(0.5, 0.0),
            disturbed(0.0, 0.4),
            disturbed(0.0, 0.0),
        ];
        assert_eq!(outcome(5, &machine), (3, 3, 2));
    }

    #[test]
    fn where_it_is_never_quiet_the_least_disturbed_one_counts() {
        let machine = [
            disturbed(0.5, 0.0),
            disturbed(0.2, 0.1),
            disturbed(0.4, 0.3),
        ];
        assert_eq!(outcome(3, &machine), (2, 3, 2));
    }

    #[test]
    fn what_slows_a_core_down_is_noticed() {
        let pace = Pace::new(vec![0]);
        pace.slower().unwrap();
        // As if the machine had once been ten times as fast.
        pace.best.set(pace.best.get() / 10);
        assert!(pace.slower().unwrap() > SLOWER);
    }
}
