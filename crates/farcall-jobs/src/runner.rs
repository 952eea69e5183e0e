//! Starts the workers, and stops them without losing what they do.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use farcall_artifacts::Artifacts;
use farcall_core::problem::Problem;
use farcall_metrics::{AttemptOutcome, Metrics};
use farcall_store::{Claim, JobStore};
use tokio::{sync::watch, task::JoinHandle};
use tokio_util::sync::CancellationToken;

use crate::{Programs, claim, maintenance, maintenance::sweep::Sweep, worker::Worker};

/// How the runner works.
#[derive(Clone, Debug)]
pub struct RunnerOptions {
    /// How many jobs run at once; defaults to the number of processors.
    pub concurrency: usize,
    /// What there is for jobs that need something, by name, such as one `gpu`; defaults to nothing.
    pub slots: BTreeMap<String, u32>,
    /// How long this process may be silent before its jobs count as lost; defaults to 30 seconds.
    pub lease: Duration,
    /// How often it says that it is there; defaults to 2 seconds.
    pub beat: Duration,
    /// How often the store is asked for work that nobody announced; defaults to 1 second.
    pub poll: Duration,
    /// How long the code of a job may take to stop when it is told to, before its record ends
    /// without it; defaults to 10 seconds.
    pub grace: Duration,
    /// How often it looks for jobs whose worker is lost, or which have waited too long; defaults
    /// to 5 seconds.
    pub sweep: Duration,
    /// How often it deletes what has expired; defaults to a minute.
    pub prune: Duration,
    /// How often it looks for files that nothing needs; defaults to an hour.
    pub tidy: Duration,
    /// How long a job that may be what ends its server waits for a process to be without work, before
    /// one makes room for it; defaults to a minute. Of several another one does with each more.
    pub patience: Duration,
    /// How long a job waits for a worker that knows its name, before it is given up; defaults to
    /// not at all, because nobody else works on the same data folder.
    pub vanished: Duration,
    /// How long a job that another version of its program began is left to a worker that has that
    /// version; defaults to a minute. Where nobody else works on the same store there is no such
    /// worker, and nothing is left to it.
    pub adopt: Duration,
    /// Whether other processes work on the same store; defaults to no. Then files that nothing
    /// needs are only removed once they are old: somebody may be about to record them.
    pub is_shared: bool,
    /// Where it counts what it does; by default where nobody reads it.
    #[doc(hidden)]
    pub metrics: Metrics,
}

impl Default for RunnerOptions {
    fn default() -> Self {
        Self {
            concurrency: std::thread::available_parallelism().map_or(1, Into::into),
            slots: BTreeMap::new(),
            lease: Duration::from_secs(30),
            beat: Duration::from_secs(2),
            poll: Duration::from_secs(1),
            grace: Duration::from_secs(10),
            sweep: Duration::from_secs(5),
            prune: Duration::from_mins(1),
            tidy: Duration::from_hours(1),
            patience: Duration::from_mins(1),
            vanished: Duration::ZERO,
            adopt: Duration::from_mins(1),
            is_shared: false,
            metrics: Metrics::default(),
        }
    }
}

/// Why the runner cannot start.
#[derive(Debug, thiserror::Error)]
#[error("the jobs of an earlier run cannot be taken up again: {0}")]
pub struct StartError(String);

impl From<Problem> for StartError {
    // Whoever starts the server is its operator, and may read the cause.
    fn from(problem: Problem) -> Self {
        let cause = problem.cause().map(ToString::to_string);
        Self(cause.unwrap_or_else(|| problem.public_message()))
    }
}

/// What the steps of a job's life have in common.
#[derive(Clone)]
pub(crate) struct Services {
    pub(crate) store: Arc<dyn JobStore>,
    pub(crate) artifacts: Artifacts,
    /// Those of this step; an attempt has the ones that it began with.
    pub(crate) programs: Programs,
    /// Those of this moment.
    pub(crate) offered: watch::Receiver<Programs>,
    pub(crate) options: Arc<RunnerOptions>,
    pub(crate) worker: Arc<Worker>,
    /// No new job is begun.
    pub(crate) soft_stop: CancellationToken,
    /// Running jobs are handed back.
    pub(crate) hard_stop: CancellationToken,
}

impl Services {
    pub(crate) fn metrics(&self) -> &Metrics {
        &self.options.metrics
    }

    /// Counts what an attempt came to.
    pub(crate) fn count(&self, claim: &Claim, came_to: AttemptOutcome) {
        if let Some(known) = self.programs.get(&claim.job) {
            known.series(self.metrics()).count(came_to);
        }
    }

    pub(crate) fn sweep(&self) -> Sweep {
        Sweep {
            store: Arc::clone(&self.store),
            artifacts: self.artifacts.clone(),
            offered: self.offered.clone(),
            options: Arc::clone(&self.options),
        }
    }
}

/// Whether this process runs jobs at this moment; cheap to clone.
#[derive(Clone)]
pub struct Standing(Arc<Worker>);

impl Standing {
    /// Whether the store knows this process as a worker, and its jobs as its own.
    pub fn is_at_work(&self) -> bool {
        self.0.holds_its_lease()
    }
}

/// The workers of this process.
pub struct Runner {
    soft_stop: CancellationToken,
    hard_stop: CancellationToken,
    dispatcher: JoinHandle<()>,
    worker: Arc<Worker>,
    signed_off: CancellationToken,
}

impl Runner {
    /// Takes up what an earlier run left, then runs jobs until [`stop`](Self::stop): the ones that are
    /// `offered` when they begin.
    ///
    /// # Errors
    /// [`StartError`] where the store or the files cannot be put in order.
    pub async fn start(
        store: Arc<dyn JobStore>,
        artifacts: Artifacts,
        offered: watch::Receiver<Programs>,
        options: RunnerOptions,
    ) -> Result<Self, StartError> {
        let worker = Worker::register(Arc::clone(&store), offered.clone(), &options).await?;
        let worker = Arc::new(worker);
        let programs = offered.borrow().clone();
        let beat = options.beat;
        let worker_seen = options.metrics.worker();
        worker_seen.set_capacity(options.concurrency.max(1));
        programs.begin_counting(&options.metrics);
        let services = Services {
            store,
            artifacts,
            programs,
            offered,
            options: Arc::new(options),
            worker: Arc::clone(&worker),
            soft_stop: CancellationToken::new(),
            hard_stop: CancellationToken::new(),
        };
        maintenance::recover(&services).await?;
        let (soft_stop, hard_stop) = (services.soft_stop.clone(), services.hard_stop.clone());
        let signed_off = CancellationToken::new();
        tokio::spawn({
            let (worker, signed_off) = (Arc::clone(&worker), signed_off.clone());
            async move { worker.beat(beat, signed_off).await }
        });
        maintenance::start(&services);
        let dispatcher = tokio::spawn(claim::dispatch(services));
        Ok(Self {
            soft_stop,
            hard_stop,
            dispatcher,
            worker,
            signed_off,
        })
    }

    /// How this process stands with the store, now and later.
    pub fn standing(&self) -> Standing {
        Standing(Arc::clone(&self.worker))
    }

    /// Stops in two stages: no new jobs at once, and after `drain` or `hurry`, whichever is
    /// first, the running ones go back to the queue as they are; nothing is counted against them.
    pub async fn stop(self, drain: Duration, hurry: &CancellationToken) {
        self.soft_stop.cancel();
        let mut dispatcher = self.dispatcher;
        let drained = tokio::select! {
            ended = &mut dispatcher => Some(ended),
            () = tokio::time::sleep(drain) => None,
            () = hurry.cancelled() => None,
        };
        let ended = if let Some(ended) = drained {
            ended
        } else {
            self.hard_stop.cancel();
            dispatcher.await
        };
        if let Err(error) = ended {
            tracing::error!(%error, "the dispatcher of jobs ended badly");
        }
        // Last, because a worker that is not known any more has lost its jobs.
        self.signed_off.cancel();
        self.worker.unregister().await;
    }
}
