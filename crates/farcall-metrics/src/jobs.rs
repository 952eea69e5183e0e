//! Jobs that this process runs.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use crate::{
    families::{JOB_ATTEMPTS, JOB_STAGE_SECONDS, WORKER_CAPACITY, WORKER_RUNNING},
    number::{Counter, Histogram},
    text::Text,
};

/// What an attempt came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AttemptOutcome {
    /// Its caller or an operator ended the job.
    Cancelled,
    /// The job has failed.
    Failed,
    /// It stopped with the server, or could not begin, and the job is queued as it was.
    HandedBack,
    /// Another worker has the job by now.
    Lost,
    /// It failed, and the job is queued for another.
    Retried,
    /// The job has succeeded.
    Succeeded,
    /// The job ran longer than it may.
    Timeout,
}

impl AttemptOutcome {
    /// As the label says it.
    pub fn as_str(self) -> &'static str {
        OUTCOMES[self as usize]
    }
}

/// In the order of [`AttemptOutcome`].
const OUTCOMES: [&str; 7] = [
    "cancelled",
    "failed",
    "handed_back",
    "lost",
    "retried",
    "succeeded",
    "timeout",
];

/// In seconds.
const BOUNDS: &[f64] = &[
    0.1, 1.0, 5.0, 30.0, 120.0, 600.0, 1_800.0, 7_200.0, 28_800.0,
];

/// The jobs that a server has offered, by name. What was counted of one stays when it is offered no more: attempts may
/// go on for hours, and of a counter that is gone with them nobody could say what they came to.
#[derive(Debug, Default)]
pub(crate) struct Jobs(Mutex<BTreeMap<String, Arc<JobSeries>>>);

/// What is counted of one job.
#[derive(Debug)]
pub struct JobSeries {
    attempts: Arc<Attempts>,
    stages: Vec<(String, Arc<Histogram>)>,
}

type Attempts = [Counter; OUTCOMES.len()];

impl JobSeries {
    /// Those of a job with these stages. What it was `before` goes on where it has the same name, because attempts
    /// may be under way that began before.
    fn new(stages: &[String], before: Option<&Self>) -> Self {
        let kept = |stage: &String| {
            let mut before = before?.stages.iter();
            let (_, seconds) = before.find(|(name, _)| name == stage)?;
            Some(Arc::clone(seconds))
        };
        let seconds = |stage| kept(stage).unwrap_or_else(|| Arc::new(Histogram::new(BOUNDS)));
        let stages = stages.iter();
        let attempts = before.map(|before| Arc::clone(&before.attempts));
        Self {
            attempts: attempts
                .unwrap_or_else(|| Arc::new([const { Counter::new() }; OUTCOMES.len()])),
            stages: stages
                .map(|stage| (stage.clone(), seconds(stage)))
                .collect(),
        }
    }

    /// Counts an attempt that is over.
    pub fn count(&self, outcome: AttemptOutcome) {
        self.attempts[outcome as usize].add(1);
    }

    /// Counts a finished stage, by its place among the declared ones from 0 on.
    pub fn stage(&self, index: usize, took: Duration) {
        if let Some((_, seconds)) = self.stages.get(index) {
            seconds.observe(took);
        }
    }

    fn has(&self, stages: &[String]) -> bool {
        let names = self.stages.iter().map(|(name, _)| name);
        names.eq(stages)
    }
}

impl Jobs {
    /// The series of a job with these stages, which are told from now on in the place of others of its name.
    pub(crate) fn series(&self, name: &str, stages: &[String]) -> Arc<JobSeries> {
        let mut jobs = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let before = jobs.get(name);
        if let Some(series) = before.filter(|series| series.has(stages)) {
            return Arc::clone(series);
        }
        let series = Arc::new(JobSeries::new(stages, before.map(AsRef::as_ref)));
        jobs.insert(name.to_owned(), Arc::clone(&series));
        series
    }

    pub(crate) fn write(&self, text: &mut Text) {
        // A text takes its time, and whoever begins a job does not wait for it.
        let jobs = self
            .0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        text.family(&JOB_ATTEMPTS);
        for (name, series) in &jobs {
            for (outcome, counter) in OUTCOMES.iter().zip(series.attempts.iter()) {
                text.value(&JOB_ATTEMPTS, &[name, outcome], counter.get());
            }
        }
        text.family(&JOB_STAGE_SECONDS);
        for (name, series) in &jobs {
            for (stage, seconds) in &series.stages {
                text.histogram(&JOB_STAGE_SECONDS, &[name, stage], seconds);
            }
        }
    }
}

/// What this process does as a worker.
#[derive(Debug, Default)]
pub struct Worker {
    capacity: AtomicU64,
    running: AtomicU64,
}

impl Worker {
    /// How many jobs it runs at most.
    pub fn set_capacity(&self, jobs: usize) {
        self.capacity.store(jobs as u64, Ordering::Relaxed);
    }

    /// How many it runs now.
    pub fn set_running(&self, jobs: usize) {
        self.running.store(jobs as u64, Ordering::Relaxed);
    }

    pub(crate) fn write(&self, text: &mut Text) {
        text.only(&WORKER_CAPACITY, self.capacity.load(Ordering::Relaxed));
        text.only(&WORKER_RUNNING, self.running.load(Ordering::Relaxed));
    }
}
