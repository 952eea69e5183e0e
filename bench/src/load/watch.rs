//! Who used the two cores while a load ran.

use std::time::Duration;

use anyhow::Result;

use crate::{machine::Machine, process::Process};

/// What to look at.
#[derive(Clone, Copy)]
pub(crate) struct Watch<'a> {
    pub(crate) server: Process,
    pub(crate) machine: &'a Machine,
}

/// Processor time so far, or between two looks.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Spent {
    pub(super) server: Duration,
    pub(super) generator: Duration,
    /// By anyone, on the two cores.
    pub(super) cores: Duration,
}

impl Watch<'_> {
    pub(super) fn look(self) -> Result<Spent> {
        Ok(Spent {
            server: self.server.exact_processor_time()?,
            generator: Process::own().processor_time_alone()?,
            cores: self.machine.used()?,
        })
    }
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
