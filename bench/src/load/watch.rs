//! Who used the two cores while a load ran.

use std::{fs, time::Duration};

use anyhow::{Context, Result};

use crate::{
    machine::Machine,
    process::{Process, TICK},
};

/// What to look at.
#[derive(Clone, Copy)]
pub(crate) struct Watch {
    server: Process,
    cores: [usize; 2],
}

/// Processor time so far, or between two looks.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Spent {
    pub(super) server: Duration,
    pub(super) generator: Duration,
    /// By anyone, on the two cores; what the hypervisor took away counts, too.
    pub(super) cores: Duration,
}

impl Watch {
    pub(crate) fn new(server: Process, machine: &Machine) -> Self {
        Self {
            server,
            cores: machine.pair(),
        }
    }

    pub(super) fn look(self) -> Result<Spent> {
        let stat = fs::read_to_string("/proc/stat")?;
        let mut cores = Duration::ZERO;
        for core in self.cores {
            let name = format!("cpu{core} ");
            let line = stat.lines().find_map(|line| line.strip_prefix(&name));
            let line = line.context("/proc/stat does not know a core")?;
            cores += TICK * busy(line)?;
        }
        Ok(Spent {
            server: self.server.processor_time()?,
            generator: Process::own().processor_time_alone()?,
            cores,
        })
    }
}

/// Everything but idling and waiting for disks, in ticks.
fn busy(line: &str) -> Result<u32> {
    let fields = line.split_whitespace().take(8).enumerate();
    let busy = fields.filter(|(number, _)| !matches!(number, 3 | 4));
    Ok(busy
        .map(|(_, ticks)| ticks.parse::<u32>())
        .sum::<Result<_, _>>()?)
}

impl Spent {
    pub(super) fn since(self, before: Self) -> Self {
        Self {
            server: self.server.saturating_sub(before.server),
            generator: self.generator.saturating_sub(before.generator),
            cores: self.cores.saturating_sub(before.cores),
        }
    }
}
