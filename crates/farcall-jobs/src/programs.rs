//! The jobs that this server knows how to run.

use std::{collections::HashMap, sync::Arc};

use farcall_core::job::Job;

/// Jobs by name; it never changes while the server runs.
#[derive(Clone, Debug, Default)]
pub struct Programs {
    jobs: Arc<HashMap<String, Known>>,
    names: Arc<[String]>,
}

/// A job with what is asked of it again and again.
#[derive(Debug)]
pub(crate) struct Known {
    pub(crate) job: Job,
    pub(crate) fingerprint: String,
}

impl Programs {
    /// The programs of these jobs.
    pub fn new(jobs: impl IntoIterator<Item = Job>) -> Self {
        let known = |job: Job| {
            let fingerprint = job.program.fingerprint();
            (job.name.clone(), Known { job, fingerprint })
        };
        let jobs: HashMap<_, _> = jobs.into_iter().map(known).collect();
        let names = jobs.keys().cloned().collect();
        Self {
            jobs: Arc::new(jobs),
            names,
        }
    }

    /// Whether there is no job at all.
    pub fn is_empty(&self) -> bool {
        self.names.is_empty()
    }

    /// The names of the jobs, in no order.
    pub fn names(&self) -> &[String] {
        &self.names
    }

    pub(crate) fn get(&self, name: &str) -> Option<&Known> {
        self.jobs.get(name)
    }
}
