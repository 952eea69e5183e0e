//! What came of a run.

use std::{fmt, path::PathBuf, time::Duration};

use super::{
    fault::{Fault, Kind},
    run::{Engine, Options},
};

/// The figures of a run, and what was found.
#[derive(Clone, Debug)]
pub struct Report {
    /// Where chance began.
    pub seed: u64,
    /// Where the jobs were.
    pub engine: Engine,
    /// How many processes were started to be ended.
    pub lives: u32,
    /// Kills at crash points, with a job running.
    pub at_points: u32,
    /// Kills at random moments, with a job running.
    pub at_random: u32,
    /// Kills of processes that did not come to their crash point, with a job running.
    pub instead: u32,
    /// Kills with nothing running, most of them while a server started; they count for nothing.
    pub idle: u32,
    /// Lives that ended in order.
    pub stops: u32,
    /// How many data folders there were.
    pub folders: u32,
    /// Jobs that were acknowledged.
    pub acked: usize,
    /// Jobs that ran.
    pub jobs: usize,
    /// How often a stage ran again.
    pub repeated: usize,
    /// How often a worker went on that was believed dead.
    pub rescues: usize,
    /// How often a process ended at each crash point.
    pub hits: Vec<(&'static str, u32)>,
    /// The points at which fewer ended than [`Options::least`].
    pub missed: Vec<&'static str>,
    /// What must not be.
    pub faults: Vec<Fault>,
    /// The same with the place.
    pub where_found: Vec<String>,
    /// The data folders that were kept for whoever looks into them.
    pub kept: Vec<PathBuf>,
    /// How long it took.
    pub took: Duration,
}

impl Report {
    pub(crate) fn new(options: &Options) -> Self {
        Self {
            seed: options.seed,
            engine: options.engine,
            lives: 0,
            at_points: 0,
            at_random: 0,
            instead: 0,
            idle: 0,
            stops: 0,
            folders: 0,
            acked: 0,
            jobs: 0,
            repeated: 0,
            rescues: 0,
            hits: Vec::new(),
            missed: Vec::new(),
            faults: Vec::new(),
            where_found: Vec::new(),
            kept: Vec::new(),
            took: Duration::ZERO,
        }
    }

    /// Kills with a job running.
    pub fn kills(&self) -> u32 {
        self.at_points + self.at_random + self.instead
    }

    /// How many faults of this kind there are.
    pub fn found(&self, kind: Kind) -> usize {
        let found = self.faults.iter().filter(|fault| fault.kind == kind);
        found.count()
    }
}

impl fmt::Display for Report {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(out, "seed       {} over {:?}", self.seed, self.engine)?;
        writeln!(
            out,
            "kills      {} with a job running: {} at crash points, {} at random, {} at random because the point was not passed",
            self.kills(),
            self.at_points,
            self.at_random,
            self.instead
        )?;
        writeln!(
            out,
            "besides    {} kills with nothing running, {} stops in order; {} lives in {} data folders",
            self.idle, self.stops, self.lives, self.folders
        )?;
        writeln!(
            out,
            "work       {} jobs acknowledged, {} ran, {} stages ran again, {} times a worker went on that was believed dead",
            self.acked, self.jobs, self.repeated, self.rescues
        )?;
        writeln!(out, "time       {:.1} s", self.took.as_secs_f64())?;
        writeln!(out, "ended at")?;
        for (point, hits) in &self.hits {
            writeln!(out, "  {hits:5}  {point}")?;
        }
        write!(out, "found     ")?;
        for kind in [
            Kind::Lost,
            Kind::Double,
            Kind::Torn,
            Kind::Stuck,
            Kind::Broken,
        ] {
            write!(out, " {} {kind}", self.found(kind))?;
        }
        writeln!(out)?;
        for found in self.where_found.iter().take(10) {
            writeln!(out, "  {found}")?;
        }
        Ok(())
    }
}
