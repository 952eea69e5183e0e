//! A run of a job, whose lease a test renews.

use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
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
use tempfile::TempDir;
use tokio::{sync::watch, task::JoinHandle, time::Instant};
use tokio_util::sync::CancellationToken;

pub(crate) struct Run {
    pub(crate) cancellation: CancellationToken,
    /// Whether no stage can be entered any more.
    pub(crate) is_stuck: AtomicBool,
    lease: watch::Sender<Instant>,
    work_dir: TempDir,
}

impl Run {
    /// A run whose lease ends this soon.
    pub(crate) fn with_lease(lease: Duration) -> Arc<Self> {
        Arc::new(Self {
            cancellation: CancellationToken::new(),
            is_stuck: AtomicBool::new(false),
            lease: watch::Sender::new(Instant::now() + lease),
            work_dir: tempfile::tempdir().unwrap(),
        })
    }

    /// When the lease ends.
    pub(crate) fn until(&self) -> Instant {
        *self.lease.borrow()
    }

    pub(crate) fn renew(&self, lease: Duration) {
        self.lease.send_replace(Instant::now() + lease);
    }

    /// Runs the only step of `job` on a thread of its own.
    pub(crate) fn begin(
        self: &Arc<Self>,
        job: &Job,
        arguments: Value,
    ) -> JoinHandle<Result<Value, Problem>> {
        let context = JobContext::new(Arc::clone(self) as Arc<dyn JobHost>);
        let StepBody::Blocking(run) = job.program.steps()[0].body.clone() else {
            panic!("a mounted job blocks");
        };
        tokio::task::spawn_blocking(move || run(&context, arguments))
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
        self.work_dir.path()
    }

    fn cancellation(&self) -> &CancellationToken {
        &self.cancellation
    }

    fn stop_reason(&self) -> Option<StopReason> {
        let is_cancelled = self.cancellation.is_cancelled();
        is_cancelled.then_some(StopReason::Cancelled)
    }

    fn lease(&self) -> watch::Receiver<Instant> {
        self.lease.subscribe()
    }

    fn checkpoint(&self, _: Value) -> BoxFuture<Result<(), Problem>> {
        Box::pin(async { Err(Problem::user("nothing is kept")) })
    }

    fn checkpoint_blocking(&self, _: Value) -> Result<(), Problem> {
        Err(Problem::user("nothing is kept"))
    }

    fn enter_stage(&self, _: &str) -> Result<(), Problem> {
        if self.is_stuck.load(Ordering::Relaxed) {
            return Err(Problem::user("the store is away"));
        }
        Ok(())
    }

    fn report(&self, _: Option<f64>, _: Option<String>) {}

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
