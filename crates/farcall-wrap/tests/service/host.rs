//! Runs the steps of a job's program as the runner does, and keeps what callers would see.

use std::{
    path::Path,
    sync::{Arc, Mutex},
};

use farcall_core::{
    BoxFuture,
    artifact::ArtifactSink,
    id::JobId,
    job::{Job, JobContext, JobHost, StepBody, StopReason},
    problem::Problem,
    question::{Answer, Asking, Question},
};
use serde_json::Value;
use tokio::{runtime::Handle, sync::watch, time::Instant};
use tokio_util::sync::CancellationToken;

/// A run of one job.
#[derive(Default)]
pub(crate) struct Run {
    pub(crate) stages: Mutex<Vec<String>>,
    pub(crate) messages: Mutex<Vec<String>>,
    pub(crate) fractions: Mutex<Vec<f64>>,
    pub(crate) cancellation: CancellationToken,
}

impl Run {
    /// Runs the step of this index on a thread of its own.
    pub(crate) async fn step(
        self: &Arc<Self>,
        job: &Job,
        index: usize,
        value: Value,
    ) -> Result<Value, Problem> {
        let step = job.program.steps()[index].clone();
        self.stages.lock().unwrap().push(step.stages[0].clone());
        let context = JobContext::new(Arc::clone(self) as Arc<dyn JobHost>);
        match step.body {
            StepBody::Async(run) => run(context, value).await,
            StepBody::Blocking(run) => tokio::task::spawn_blocking(move || run(&context, value))
                .await
                .unwrap(),
        }
    }

    /// Runs all steps.
    pub(crate) async fn all(
        self: &Arc<Self>,
        job: &Job,
        arguments: Value,
    ) -> Result<Value, Problem> {
        let mut value = arguments;
        for index in 0..job.program.steps().len() {
            value = self.step(job, index, value).await?;
        }
        Ok(value)
    }

    pub(crate) fn stages(&self) -> Vec<String> {
        self.stages.lock().unwrap().clone()
    }
}

impl JobHost for Run {
    fn job_id(&self) -> JobId {
        JobId::from_random([7; 16])
    }

    fn attempt(&self) -> u32 {
        1
    }

    fn tries_left(&self) -> u32 {
        0
    }

    fn losses(&self) -> u32 {
        0
    }

    fn is_alone(&self) -> bool {
        false
    }

    fn work_dir(&self) -> &Path {
        Path::new("/nonexistent")
    }

    fn cancellation(&self) -> &CancellationToken {
        &self.cancellation
    }

    fn stop_reason(&self) -> Option<StopReason> {
        self.cancellation
            .is_cancelled()
            .then_some(StopReason::Cancelled)
    }

    fn lease(&self) -> watch::Receiver<Instant> {
        watch::Sender::new(Instant::now()).subscribe()
    }

    fn checkpoint(&self, _: Value) -> BoxFuture<Result<(), Problem>> {
        Box::pin(async { Err(Problem::user("nothing is kept")) })
    }

    fn checkpoint_blocking(&self, _: Value) -> Result<(), Problem> {
        Err(Problem::user("nothing is kept"))
    }

    fn enter_stage(&self, name: &str) -> Result<(), Problem> {
        // As the runner's, it waits for the store, which only a thread of the job's own may do.
        Handle::current().block_on(std::future::ready(()));
        self.stages.lock().unwrap().push(name.to_owned());
        Ok(())
    }

    fn report(&self, fraction: Option<f64>, message: Option<String>) {
        self.fractions.lock().unwrap().extend(fraction);
        self.messages.lock().unwrap().extend(message);
    }

    fn log(&self, _: String) {}

    fn can_ask(&self, _: Asking) -> bool {
        false
    }

    fn ask(&self, _: Vec<(String, Question)>) -> BoxFuture<Result<Vec<Answer>, Problem>> {
        Box::pin(async { Err(Problem::user("nobody is asked")) })
    }

    fn ask_blocking(&self, _: Vec<(String, Question)>) -> Result<Vec<Answer>, Problem> {
        Err(Problem::user("nobody is asked"))
    }

    fn create_artifact(&self, _: &str, _: &str) -> Result<Box<dyn ArtifactSink>, Problem> {
        Err(Problem::user("nothing is kept"))
    }
}
