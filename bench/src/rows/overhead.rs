//! What farcall adds to something that can be had without it, by a single connection.

use anyhow::Result;

use super::Bench;
use crate::{
    load::{Expected, Measured},
    report::{Absolute, Bound, Report, Unit},
    rounds::{Contestant, median, rounds},
    servers::Server,
};

/// A row of such an addition: the median time through farcall, less the median time without it.
pub(super) struct Overhead<'a> {
    pub(super) id: &'static str,
    pub(super) what: &'static str,
    /// What its rounds are headed with.
    pub(super) heading: &'static str,
    pub(super) farcall: &'a Server,
    pub(super) request: Vec<u8>,
    pub(super) expected: Expected,
    /// How the time without farcall is called.
    pub(super) without: &'static str,
    /// Does the same without farcall, and returns how long each time took, in microseconds.
    pub(super) directly: &'a dyn Fn() -> Result<Vec<f64>>,
    pub(super) floor: Bound,
    pub(super) goal: Bound,
}

impl Overhead<'_> {
    /// Measures the time without farcall before and after the rounds, so that a machine that changes
    /// its pace meanwhile does so for both.
    pub(super) fn measure(self, bench: &Bench, report: &mut Report) -> Result<()> {
        let directly = || Ok::<_, anyhow::Error>(median((self.directly)()?.into_iter()));
        let before = directly()?;
        let contestant = Contestant {
            name: "farcall",
            server: self.farcall,
            requests: vec![self.request],
            expected: self.expected,
        };
        let series = rounds(&[contestant], bench.options.brisk(), bench.machine)?;
        report.details(self.heading, &series);
        let [ours] = series.as_slice() else {
            anyhow::bail!("a contestant is lost");
        };
        let through = ours.median(Measured::p50);
        let direct = f64::midpoint(before, directly()?);
        report.check(Absolute {
            id: self.id,
            what: self.what,
            beside: format!("{} {}", self.without, Unit::Microseconds.show(direct)),
            ours: through,
            result: through - direct,
            unit: Unit::Microseconds,
            floor: self.floor,
            goal: self.goal,
        });
        Ok(())
    }
}
