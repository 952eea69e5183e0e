//! Rounds: every contestant once, and again.

use anyhow::{Context, Result};

use crate::{
    disturbance::least_disturbed,
    load::{Expected, Load, Measured, Until, Watch},
    machine::Machine,
    options::Rhythm,
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

/// What a contestant came to in one round.
pub(crate) struct Round {
    measured: Measured,
    /// Whether the machine did something else, too, however often it was repeated.
    is_disturbed: bool,
}

/// What a contestant came to, round by round.
pub(crate) struct Series {
    pub(crate) name: &'static str,
    pub(crate) rounds: Vec<Round>,
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
    /// In how many rounds either was disturbed.
    pub(crate) disturbed: usize,
}

/// So many undisturbed rounds speak for themselves; with fewer, the disturbed ones count, too.
const ENOUGH: usize = 3;

/// A number of one round.
pub(crate) type Figure = fn(&Measured) -> f64;

impl Contestant<'_> {
    /// Measures it once; where the machine was disturbed, the least disturbed of a few times counts.
    fn measure(&self, rhythm: Rhythm, machine: &Machine) -> Result<Round> {
        let load = Load {
            address: self.server.address,
            watch: Watch {
                server: self.server.process(),
                machine,
            },
            requests: &self.requests,
            expected: self.expected,
            warm_up: rhythm.warm_up,
            until: Until::Elapsed(rhythm.window),
        };
        let measured = least_disturbed(
            rhythm.tries,
            || machine.wait_for_quiet(),
            || load.run_between(|| machine.slower()),
        );
        let (measured, disturbance) = measured.with_context(|| self.name)?;
        Ok(Round {
            measured,
            is_disturbed: disturbance.is_noticeable(),
        })
    }
}

/// Measures all of them in every round, each time beginning with another.
pub(crate) fn rounds(
    contestants: &[Contestant],
    rhythm: Rhythm,
    machine: &Machine,
) -> Result<Vec<Series>> {
    let mut rounds: Vec<Vec<Round>> = contestants.iter().map(|_| Vec::new()).collect();
    for round in 0..rhythm.rounds {
        for turn in 0..contestants.len() {
            let number = (round + turn) % contestants.len();
            rounds[number].push(contestants[number].measure(rhythm, machine)?);
        }
    }
    let series = contestants.iter().zip(rounds);
    let series = series.map(|(contestant, rounds)| {
        Ok(Series {
            name: contestant.name,
            rounds,
            resident: contestant.server.process().resident()?,
        })
    });
    series.collect()
}

impl Series {
    /// The median of the rounds, without the disturbed ones where enough are left.
    pub(crate) fn median(&self, figure: Figure) -> f64 {
        let counted = counted(self.rounds.iter().collect(), |round| round.is_disturbed);
        median(counted.into_iter().map(|round| figure(&round.measured)))
    }

    /// How many rounds were disturbed.
    pub(crate) fn disturbed(&self) -> usize {
        let rounds = self.rounds.iter();
        rounds.filter(|round| round.is_disturbed).count()
    }

    /// This one over another, round by round, without those in which either was disturbed where
    /// enough are left.
    pub(crate) fn over(&self, other: &Self, figure: Figure) -> Ratio {
        let is_disturbed =
            |(ours, theirs): &(&Round, &Round)| ours.is_disturbed || theirs.is_disturbed;
        let pairs: Vec<_> = self.rounds.iter().zip(&other.rounds).collect();
        let disturbed = pairs.iter().filter(|pair| is_disturbed(pair)).count();
        let pairs = counted(pairs, is_disturbed);
        let ratios = pairs
            .into_iter()
            .map(|(ours, theirs)| figure(&ours.measured) / figure(&theirs.measured));
        Ratio {
            disturbed,
            ..Ratio::of(ratios.collect(), self.median(figure), other.median(figure))
        }
    }
}

impl Ratio {
    /// Numbers of ours over theirs, round by round.
    pub(crate) fn of_rounds(ours: &[f64], theirs: &[f64]) -> Self {
        let ratios = ours.iter().zip(theirs).map(|(ours, theirs)| ours / theirs);
        Self::of(
            ratios.collect(),
            median(ours.iter().copied()),
            median(theirs.iter().copied()),
        )
    }

    fn of(mut ratios: Vec<f64>, ours: f64, theirs: f64) -> Self {
        ratios.sort_by(f64::total_cmp);
        let at = |quarter: usize| ratios.get(ratios.len() * quarter / 4).copied();
        Self {
            ours,
            theirs,
            median: median(ratios.iter().copied()),
            quarter: at(1).unwrap_or(f64::NAN),
            three_quarters: at(3).unwrap_or(f64::NAN),
            disturbed: 0,
        }
    }
}

/// The undisturbed ones; all of them where these are fewer than [`ENOUGH`].
fn counted<T>(rounds: Vec<T>, is_disturbed: impl Fn(&T) -> bool) -> Vec<T> {
    let undisturbed = rounds.iter().filter(|round| !is_disturbed(round)).count();
    if undisturbed < ENOUGH {
        return rounds;
    }
    rounds
        .into_iter()
        .filter(|round| !is_disturbed(round))
        .collect()
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
