//! Starts the workers, and stops them without losing what they do.

use std::{sync::Arc, time::Duration};

use farcall_artifacts::Artifacts;
use farcall_core::{clock::Clock, problem::Problem};
use farcall_store::JobStore;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::{Programs, Queue, claim, maintenance};

/// How the runner works.
#[derive(Clone, Debug)]
pub struct RunnerOptions {
    /// How many jobs run at once; defaults to the number of processors.
    pub concurrency: usize,
    /// The loss of its worker at which a job fails; defaults to 2, so that one loss is forgiven.
    pub max_losses: u32,
    /// How often the store is asked for work that nobody announced; defaults to 5 seconds.
    pub poll_interval: Duration,
}

impl Default for RunnerOptions {
    fn default() -> Self {
        Self {
            concurrency: std::thread::available_parallelism().map_or(1, Into::into),
            max_losses: 2,
            poll_interval: Duration::from_secs(5),
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
    pub(crate) programs: Programs,
    pub(crate) clock: Arc<dyn Clock>,
    /// No new job is begun.
    pub(crate) soft_stop: CancellationToken,
    /// Running jobs are handed back.
    pub(crate) hard_stop: CancellationToken,
}

/// The workers of this process.
pub struct Runner {
    soft_stop: CancellationToken,
    hard_stop: CancellationToken,
    dispatcher: JoinHandle<()>,
}

impl Runner {
    /// Takes up what an earlier run left, then runs jobs until [`stop`](Self::stop).
    ///
    /// # Errors
    /// [`StartError`] where the store or the files cannot be put in order.
    pub async fn start(
        queue: &Queue,
        store: Arc<dyn JobStore>,
        artifacts: Artifacts,
        programs: Programs,
        clock: Arc<dyn Clock>,
        options: RunnerOptions,
    ) -> Result<Self, StartError> {
        let services = Services {
            store,
            artifacts,
            programs,
            clock,
            soft_stop: CancellationToken::new(),
            hard_stop: CancellationToken::new(),
        };
        maintenance::recover(&services, options.max_losses).await?;
        let (soft_stop, hard_stop) = (services.soft_stop.clone(), services.hard_stop.clone());
        let dispatcher = tokio::spawn(claim::dispatch(services, queue.clone(), options));
        Ok(Self {
            soft_stop,
            hard_stop,
            dispatcher,
        })
    }

    /// Stops in two stages: no new jobs at once, and after `drain` or `hurry`, whichever is
    /// first, the running ones go back to the queue as they are; nothing is counted against them.
    pub async fn stop(self, drain: Duration, hurry: &CancellationToken) {
        self.soft_stop.cancel();
        let mut dispatcher = self.dispatcher;
        tokio::select! {
            _ = &mut dispatcher => return,
            () = tokio::time::sleep(drain) => {}
            () = hurry.cancelled() => {}
        }
        self.hard_stop.cancel();
        if let Err(error) = dispatcher.await {
            tracing::error!(%error, "the dispatcher of jobs ended badly");
        }
    }
}
