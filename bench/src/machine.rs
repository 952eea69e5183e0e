//! The machine: what it is, and its cores.

use std::{cell::Cell, fs, path::Path, time::Duration};

use anyhow::{Context, Result, ensure};
use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

use crate::{
    disturbance::{Disturbance, Pace},
    process::{TICK, pause},
};

/// What the table says about where it was measured.
pub(crate) struct Machine {
    pub(crate) model: String,
    pub(crate) cores: usize,
    pub(crate) kernel: String,
    /// Where servers run while they are measured.
    pub(crate) server_core: usize,
    /// Where the load generator runs.
    generator_core: usize,
    /// How much time may still go into waiting for others to finish.
    patience: Cell<Duration>,
    pace: Pace,
}

/// How long the cores are looked at to see whether others use them.
const LOOK: Duration = Duration::from_millis(500);

impl Machine {
    pub(crate) fn look(patience: Duration) -> Result<Self> {
        let allowed = sched_getaffinity(None)?;
        let mut cores = (0..CpuSet::MAX_CPU).filter(|&core| allowed.is_set(core));
        let (Some(server_core), Some(generator_core)) = (cores.next(), cores.next()) else {
            anyhow::bail!("two cores are needed: one for the server, one for the load");
        };
        for program in ["taskset", "setpriv"] {
            ensure!(
                Path::new("/usr/bin").join(program).exists(),
                "`{program}` is missing; install util-linux"
            );
        }
        let info = fs::read_to_string("/proc/cpuinfo")?;
        let model = info
            .lines()
            .find_map(|line| line.strip_prefix("model name")?.split_once(':'))
            .map_or("unknown", |(_, model)| model.trim());
        Ok(Self {
            model: model.to_owned(),
            cores: std::thread::available_parallelism()?.get(),
            kernel: fs::read_to_string("/proc/sys/kernel/osrelease")?
                .trim()
                .to_owned(),
            server_core,
            generator_core,
            patience: Cell::new(patience),
            pace: Pace::new(vec![server_core, generator_core]),
        })
    }

    /// Processor time that anyone used so far on the server's core and on the load's; what the
    /// hypervisor took away counts, too.
    pub(crate) fn used(&self) -> Result<Duration> {
        let stat = fs::read_to_string("/proc/stat")?;
        let mut used = Duration::ZERO;
        for core in [self.server_core, self.generator_core] {
            let name = format!("cpu{core} ");
            let line = stat.lines().find_map(|line| line.strip_prefix(&name));
            used += TICK * busy_ticks(line.context("/proc/stat does not know a core")?)?;
        }
        Ok(used)
    }

    /// How much slower than at best the cores are now; nothing may be running there.
    pub(crate) fn slower(&self) -> Result<f64> {
        self.pace.slower()
    }

    /// Returns when nothing else uses or slows the cores, or patience is at its end.
    pub(crate) fn wait_for_quiet(&self) -> Result<()> {
        while !self.patience.get().is_zero() {
            let before = self.used()?;
            pause(LOOK);
            let used = self.used()?.saturating_sub(before);
            let now = Disturbance {
                others: used.as_secs_f64() / LOOK.as_secs_f64(),
                slower: self.slower()?,
            };
            if !now.is_noticeable() {
                break;
            }
            self.patience.set(self.patience.get().saturating_sub(LOOK));
        }
        Ok(())
    }

    /// From here on this process, which makes the load, stays on its core.
    pub(crate) fn pin_generator(&self) -> Result<()> {
        let mut cores = CpuSet::new();
        cores.set(self.generator_core);
        Ok(sched_setaffinity(None, &cores)?)
    }
}

/// Everything but idling and waiting for disks.
fn busy_ticks(line: &str) -> Result<u32> {
    let fields = line.split_whitespace().take(8).enumerate();
    let busy = fields.filter(|(number, _)| !matches!(number, 3 | 4));
    Ok(busy
        .map(|(_, ticks)| ticks.parse::<u32>())
        .sum::<Result<_, _>>()?)
}
