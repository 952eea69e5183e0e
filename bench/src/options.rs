//! The command line.

use std::time::Duration;

use anyhow::{Result, bail};
use clap::Parser;

use crate::rows;

/// Measures farcall beside its peers; fails where a floor is not met
#[derive(Debug, Parser)]
#[command(name = "farcall-bench")]
#[expect(
    clippy::struct_excessive_bools,
    reason = "flags of a command line stand for themselves"
)]
pub(crate) struct Options {
    /// Fewer and shorter rounds, for trying; docs/benchmarks.md stays as it is
    #[arg(long)]
    pub(crate) quick: bool,
    /// Also what takes long: 1,000,000 calls, 10,000 jobs, files of 4 GiB
    #[arg(long, conflicts_with = "quick")]
    pub(crate) full: bool,
    /// Only these rows, such as G1,G5; docs/benchmarks.md stays as it is
    #[arg(long, value_delimiter = ',', value_name = "ROWS")]
    pub(crate) only: Vec<String>,
    /// Print JSON instead of tables
    #[arg(long)]
    pub(crate) json: bool,
    /// Install and build nothing: measure what is there
    #[arg(long)]
    pub(crate) as_built: bool,
}

/// How often contestants are measured, and for how long each time.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rhythm {
    pub(crate) rounds: usize,
    /// How often a measurement is tried that others disturb.
    pub(crate) tries: usize,
    /// How long a contestant is under the same load before.
    pub(crate) warm_up: Duration,
    /// How long it is measured in a round.
    pub(crate) window: Duration,
}

impl Options {
    pub(crate) fn check(&self) -> Result<()> {
        for row in &self.only {
            if !rows::NAMES
                .iter()
                .any(|name| name.eq_ignore_ascii_case(row))
            {
                bail!(
                    "there is no row `{row}`; there are {}",
                    rows::NAMES.join(", ")
                );
            }
        }
        Ok(())
    }

    /// Whether one of `rows` is asked for.
    pub(crate) fn wants(&self, rows: &[&str]) -> bool {
        self.only.is_empty()
            || self
                .only
                .iter()
                .any(|wanted| rows.iter().any(|row| row.eq_ignore_ascii_case(wanted)))
    }

    /// Whether this run measures everything, as thoroughly as the table promises.
    pub(crate) fn is_complete(&self) -> bool {
        !self.quick && self.only.is_empty()
    }

    /// For answers that take milliseconds at most: what disturbs a shared machine lasts for seconds,
    /// so many short rounds tell more than a few long ones.
    pub(crate) fn brisk(&self) -> Rhythm {
        self.rhythm((3, 100, 500), (21, 100, 600), (41, 100, 600))
    }

    /// For answers that take a good part of a second.
    pub(crate) fn broad(&self) -> Rhythm {
        self.rhythm((3, 200, 500), (11, 300, 1_500), (15, 300, 1_500))
    }

    /// Rounds, and milliseconds of each without and with measuring, by how long this run may take.
    fn rhythm(
        &self,
        quick: (usize, u64, u64),
        usual: (usize, u64, u64),
        full: (usize, u64, u64),
    ) -> Rhythm {
        let (rounds, warm_up, window) = self.by_length(quick, usual, full);
        Rhythm {
            rounds,
            tries: if self.quick { 2 } else { 5 },
            warm_up: Duration::from_millis(warm_up),
            window: Duration::from_millis(window),
        }
    }

    /// How long this run may wait, in all, for others to leave the cores alone.
    pub(crate) fn patience(&self) -> Duration {
        Duration::from_mins(if self.quick { 0 } else { 20 })
    }

    /// `full`, `usual` or `quick`, by how long this run may take.
    pub(crate) fn by_length<T>(&self, quick: T, usual: T, full: T) -> T {
        match (self.quick, self.full) {
            (true, _) => quick,
            (_, true) => full,
            _ => usual,
        }
    }
}
