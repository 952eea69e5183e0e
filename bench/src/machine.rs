//! The machine: what it is, and its cores.

use std::{fs, path::Path};

use anyhow::{Result, ensure};
use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

/// What the table says about where it was measured.
pub(crate) struct Machine {
    pub(crate) model: String,
    pub(crate) cores: usize,
    pub(crate) kernel: String,
    /// Where servers run while they are measured.
    pub(crate) server_core: usize,
    /// Where the load generator runs.
    generator_core: usize,
}

impl Machine {
    pub(crate) fn look() -> Result<Self> {
        let allowed = sched_getaffinity(None)?;
        let mut cores = (0..CpuSet::MAX_CPU).filter(|&core| allowed.is_set(core));
        let (Some(server_core), Some(generator_core)) = (cores.next(), cores.next()) else {
            anyhow::bail!("two cores are needed: one for the server, one for the load");
        };
        ensure!(
            Path::new("/usr/bin/taskset").exists(),
            "`taskset` is missing; install util-linux"
        );
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
        })
    }

    /// The core of the server and that of the load.
    pub(crate) fn pair(&self) -> [usize; 2] {
        [self.server_core, self.generator_core]
    }

    /// From here on this process, which makes the load, stays on its core.
    pub(crate) fn pin_generator(&self) -> Result<()> {
        let mut cores = CpuSet::new();
        cores.set(self.generator_core);
        Ok(sched_setaffinity(None, &cores)?)
    }
}
