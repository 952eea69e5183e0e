//! The jobs that this server knows how to run.

use std::{
    borrow::Cow,
    collections::{BTreeMap, HashMap},
    sync::{Arc, OnceLock},
    time::Duration,
};

use farcall_core::job::Job;
use farcall_metrics::{JobSeries, Metrics};
use farcall_store::WantedJob;
use tokio::sync::watch;

use crate::slots::{self, Slots};

/// Jobs by name. It never changes: a server that is told other jobs has other programs from then on, and
/// an attempt keeps those that it began with.
#[derive(Clone, Debug, Default)]
pub struct Programs {
    jobs: Arc<HashMap<String, Known>>,
    wanted: Arc<[WantedJob]>,
}

/// A job with what is asked of it again and again.
#[derive(Debug)]
pub(crate) struct Known {
    pub(crate) job: Job,
    pub(crate) fingerprint: String,
    series: OnceLock<Arc<JobSeries>>,
}

impl Known {
    /// Where attempts at it are counted.
    pub(crate) fn series(&self, metrics: &Metrics) -> &Arc<JobSeries> {
        self.series.get_or_init(|| {
            let steps = self.job.program.steps().iter();
            let stages: Vec<_> = steps.flat_map(|step| step.stages.clone()).collect();
            metrics.job(&self.job.name, &stages)
        })
    }
}

impl Programs {
    /// The programs of these jobs.
    pub fn new(jobs: impl IntoIterator<Item = Job>) -> Self {
        let known = |job: Job| {
            let fingerprint = job.program.fingerprint();
            let known = Known {
                fingerprint,
                series: OnceLock::new(),
                job,
            };
            (known.job.name.clone(), known)
        };
        let jobs: HashMap<_, _> = jobs.into_iter().map(known).collect();
        let wanted = jobs.iter().map(|(name, known)| WantedJob {
            name: name.clone(),
            fingerprint: known.fingerprint.clone(),
            concurrency: known.job.options.concurrency,
        });
        Self {
            wanted: wanted.collect(),
            jobs: Arc::new(jobs),
        }
    }

    /// These, as long as the server runs.
    pub fn for_good(self) -> watch::Receiver<Self> {
        watch::channel(self).1
    }

    /// Whether these are the very same, and not others that are equal.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.jobs, &other.jobs)
    }

    /// Begins to tell their numbers, from zero on: of a first event that comes with its number, no rate is made.
    pub(crate) fn begin_counting(&self, metrics: &Metrics) {
        for known in self.jobs.values() {
            known.series(metrics);
        }
    }

    /// Whether there is no job at all.
    pub fn is_empty(&self) -> bool {
        self.jobs.is_empty()
    }

    /// The names of the jobs, in no order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.jobs.keys().map(String::as_str)
    }

    /// What a worker with these programs can take that has `left`, in no order.
    pub(crate) fn fitting(&self, left: &Slots) -> Cow<'_, [WantedJob]> {
        let fits = |wanted: &&WantedJob| slots::hold(left, self.needs(&wanted.name));
        if self.wanted.iter().all(|wanted| fits(&wanted)) {
            return Cow::Borrowed(&self.wanted);
        }
        self.wanted.iter().filter(fits).cloned().collect()
    }

    /// What the job called `name` needs.
    pub(crate) fn needs(&self, name: &str) -> &Slots {
        static NOTHING: Slots = Slots::new();
        let known = self.get(name);
        known.map_or(&NOTHING, |known| &known.job.options.slots)
    }

    /// The names of jobs that need more than a worker of `supply` will ever have, in order.
    pub fn beyond(&self, supply: &BTreeMap<String, u32>) -> Vec<&str> {
        let jobs = self.jobs.values().map(|known| &known.job);
        let beyond = jobs.filter(|job| !slots::hold(supply, &job.options.slots));
        let mut names: Vec<_> = beyond.map(|job| job.name.as_str()).collect();
        names.sort_unstable();
        names
    }

    /// How long one attempt at the job called `name` may run.
    pub(crate) fn timeout(&self, name: &str) -> Option<Duration> {
        self.get(name)?.job.options.timeout
    }

    pub(crate) fn get(&self, name: &str) -> Option<&Known> {
        self.jobs.get(name)
    }
}
