//! The stages of a job whose only step is somebody else's code, which says in which of them it is.

use farcall_core::{job::JobContext, problem::Problem};

/// Where in its stages such a job is; it begins in the first one.
pub(crate) struct Stages<'a> {
    job: &'a JobContext,
    names: &'a [String],
    /// The number of the present one, from 1.
    present: usize,
}

impl<'a> Stages<'a> {
    pub(crate) fn new(job: &'a JobContext, names: &'a [String]) -> Self {
        Self {
            job,
            names,
            present: 1,
        }
    }

    pub(crate) fn count(&self) -> usize {
        self.names.len()
    }

    /// The number of the present stage, from 1.
    pub(crate) fn present(&self) -> usize {
        self.present
    }

    /// The number of the stage whose name `is_it`, from 1.
    pub(crate) fn number(&self, is_it: impl FnMut(&String) -> bool) -> Option<usize> {
        Some(self.names.iter().position(is_it)? + 1)
    }

    /// Enters the stage of this number, and says whether it is the present one then: stages never go
    /// back, and a job that is cancelled enters none.
    ///
    /// # Errors
    /// Why the job cannot go on, such as a store that is away.
    pub(crate) fn enter(&mut self, number: usize) -> Result<bool, Problem> {
        if number > self.present
            && let Some(name) = self.names.get(number - 1)
            && !self.job.is_cancelled()
        {
            self.job.stage(name)?;
            self.present = number;
        }
        Ok(number == self.present)
    }
}
