//! Rounds: every contestant once, and again.

use anyhow::{Context, Result};

use crate::{
    disturbance::least_disturbed,
    load::{Expected, Load, Measured, Until, Watch},
    machine::Machine,
    options::{Options, Rhythm},
    servers::Server,
};

/// Who is measured, and with what.
pub(crate) struct Contestant<'a> {
    pub(crate) name: &'static str,
    pub(crate) server: &'a Server,
    /// One for each connection.
    pub(crate) requests: Vec<Vec<u8>>,
    pub(crate) expected: Expected,
}

/// What a contestant came to, round by round.
pub(crate) struct Series {
    pub(crate) name: &'static str,
    pub(crate) rounds: Vec<Measured>,
    /// In how many of them the machine did something else, too, however often they were repeated.
    pub(crate) disturbed: usize,
    /// Resident memory after the last round, in bytes.
    pub(crate) resident: u64,
}

/// A comparison: the median of the ratios of single rounds, and where the middle half of them lies.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ratio {
    pub(crate) ours: f64,
    pub(crate) theirs: f64,
    pub(crate) median: f64,
    pub(crate) quarter: f64,
    pub(crate) three_quarters: f64,
    /// How many rounds of either were disturbed.
    pub(crate) disturbed: usize,
}

/// A number of one round.
pub(crate) type Figure = fn(&Measured) -> f64;

/// Measures all of them in every round, each time beginning with another.
pub(crate) fn rounds(
    contestants: &[Contestant],
    rhythm: Rhythm,
    options: &Options,
    machine: &Machine,
) -> Result<Vec<Series>> {
    let mut rounds = vec![Vec::new(); contestants.len()];
    let mut disturbed = vec![0; contestants.len()];
    for round in 0..rhythm.rounds {
        for turn in 0..contestants.len() {
            let number = (round + turn) % contestants.len();
            let contestant = &contestants[number];
            let load = Load {
                address: contestant.server.address,
                watch: Watch {
                    server: contestant.server.process(),
                    machine,
                },
                requests: &contestant.requests,
                expected: contestant.expected,
                warm_up: rhythm.warm_up,
                until: Until::Elapsed(rhythm.window),
            };
            let measured = least_disturbed(
                options.tries(),
                || machine.wait_for_quiet(),
                || load.run_between(|| machine.slower()),
            );
            let (measured, disturbance) = measured.with_context(|| contestant.name)?;
            disturbed[number] += usize::from(disturbance.is_noticeable());
            rounds[number].push(measured);
        }
    }
    let measured = rounds.into_iter().zip(disturbed);
    let series = contestants.iter().zip(measured);
    let series = series.map(|(contestant, (rounds, disturbed))| {
        Ok(Series {
            name: contestant.name,
            rounds,
            disturbed,
            resident: contestant.server.process().resident()?,
        })
    });
    series.collect()
}

impl Series {
    pub(crate) fn median(&self, figure: Figure) -> f64 {
        median(self.rounds.iter().map(figure))
    }

    /// This one over another, round by round.
    pub(crate) fn over(&self, other: &Self, figure: Figure) -> Ratio {
        let pairs = self.rounds.iter().zip(&other.rounds);
        let mut ratios: Vec<f64> = pairs
            .map(|(ours, theirs)| figure(ours) / figure(theirs))
            .collect();
        ratios.sort_by(f64::total_cmp);
        let at = |quarter: usize| ratios.get(ratios.len() * quarter / 4).copied();
        Ratio {
            ours: self.median(figure),
            theirs: other.median(figure),
            median: median(ratios.iter().copied()),
            quarter: at(1).unwrap_or(f64::NAN),
            three_quarters: at(3).unwrap_or(f64::NAN),
            disturbed: self.disturbed.max(other.disturbed),
        }
    }
}

/// The middle one; of an even number, the mean of the two in the middle.
pub(crate) fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    match values.len() {
        0 => f64::NAN,
        odd if odd % 2 == 1 => values[middle],
        _ => f64::midpoint(values[middle - 1], values[middle]),
    }
}
