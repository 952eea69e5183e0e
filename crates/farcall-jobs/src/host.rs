//! What the code of a job sees of the runner: its place among the stages, its folder, its files.

use std::{
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    time::Instant as Steady,
};

use farcall_artifacts::{ArtifactError, Artifacts};
use farcall_core::{
    BoxFuture,
    artifact::{Artifact, ArtifactSink},
    id::JobId,
    job::{JobHost, MAX_STAGE_VALUE, Step, StopReason},
    problem::{ErrorCode, Problem},
    question::{Answer, Asking, Question},
    trace::{Kind, Span, TraceParent},
};
use farcall_metrics::{JobSeries, Metrics};
use farcall_store::{Checkpoint, Claim, Fence, JobStore, StoreError, WorkerId};
use serde_json::Value;
use tokio::{runtime::Handle, sync::watch, time::Instant};
use tokio_util::sync::CancellationToken;

use crate::{
    ask::Asker,
    insist::insist,
    programs::Known,
    report::{Reporter, one_line},
    retry,
    runner::Services,
    stop::Stop,
};

/// One attempt at a job, as its code sees it.
pub(crate) struct Attempt {
    fence: Fence,
    number: u32,
    tries_left: u32,
    losses: u32,
    is_alone: bool,
    asker: Asker,
    lease: watch::Receiver<Instant>,
    store: Arc<dyn JobStore>,
    keeps_log: bool,
    total_stages: u32,
    work_dir: PathBuf,
    artifacts: Artifacts,
    written: Written,
    work: Stop,
    reporter: Arc<Reporter>,
    runtime: Handle,
    hard_stop: CancellationToken,
    position: Mutex<Position>,
    seen: Seen,
    metrics: Metrics,
}

/// Where those look who watch the attempt.
pub(crate) struct Seen {
    /// Where it is counted.
    pub(crate) series: Arc<JobSeries>,
    /// Where it stands in a trace.
    pub(crate) place: Option<TraceParent>,
}

/// Files that were finished since the last checkpoint.
type Written = Arc<Mutex<Vec<Artifact>>>;

/// Where the attempt is: the stages of the present step that lie ahead, and the present one.
struct Position {
    stages: Vec<String>,
    stage: u32,
    /// How many stages were finished before the present step.
    finished: u32,
    /// The present stage; none between two steps.
    present: Option<Present>,
}

/// A stage that is under way.
struct Present {
    since: Steady,
    span: Span,
}

impl Attempt {
    /// The attempt that `claim` of the worker `by` is for, as it is `seen`; its thread has the runtime
    /// entered.
    pub(crate) fn new(
        services: &Services,
        claim: &Claim,
        (by, seen): (WorkerId, Seen),
        known: &Known,
        work_dir: PathBuf,
        reporter: Arc<Reporter>,
        work: Stop,
    ) -> Self {
        Self {
            fence: claim.fence,
            number: claim.attempt,
            tries_left: retry::tries_left(&known.job.options, claim),
            losses: claim.losses,
            is_alone: claim.alone,
            asker: Asker {
                store: Arc::clone(&services.store),
                fence: claim.fence,
                can_ask: claim.can_ask,
                poll: services.options.poll,
                work: work.clone(),
                hard_stop: services.hard_stop.clone(),
            },
            lease: services.worker.lease(by),
            store: Arc::clone(&services.store),
            keeps_log: known.job.options.log,
            total_stages: known.job.program.total_stages(),
            work_dir,
            artifacts: services.artifacts.clone(),
            written: Arc::default(),
            work,
            reporter,
            runtime: Handle::current(),
            hard_stop: services.hard_stop.clone(),
            position: Mutex::new(Position {
                stages: Vec::new(),
                stage: 0,
                finished: 0,
                present: None,
            }),
            seen,
            metrics: services.metrics().clone(),
        }
    }

    /// Enters the first stage of a step; the others are entered by its own code.
    pub(crate) fn begin(&self, step: &Step, first: u32) -> Result<(), Problem> {
        {
            let mut position = self.position.lock().unwrap_or_else(PoisonError::into_inner);
            position.stages.clone_from(&step.stages);
            position.stage = first - 1;
            position.finished = first - 1;
        }
        let name = step.stages.first().map_or("", String::as_str);
        self.enter_stage(name)
    }

    /// Counts the stage that the step was in, which is finished.
    pub(crate) fn leave_stage(&self) {
        let mut position = self.position.lock().unwrap_or_else(PoisonError::into_inner);
        position.leave(&self.seen.series);
    }

    /// Notes why the stage failed that the step was in.
    pub(crate) fn fail_stage(&self, problem: &Problem) {
        let mut position = self.position.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(mut present) = position.present.take() {
            present.span.fail(problem.code().as_str());
        }
    }

    pub(crate) fn given_up(&self) -> &CancellationToken {
        self.work.given_up()
    }

    /// What is kept of the present step as it stands.
    fn checkpoint_of(&self, value: Value) -> Result<Checkpoint, Problem> {
        let size = serde_json::to_vec(&value)?.len();
        if size > MAX_STAGE_VALUE {
            let sentence =
                format!("a checkpoint has {size} bytes, at most {MAX_STAGE_VALUE} are kept");
            return Err(Problem::new(ErrorCode::OutputLimit, sentence)
                .hint("write what is large to a file in the work folder"));
        }
        let position = self.position.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(Checkpoint {
            stage: position.finished,
            value,
            work: work_left(&self.artifacts, self.fence.id)?,
        })
    }

    pub(crate) fn take_written(&self) -> Vec<Artifact> {
        std::mem::take(&mut self.written.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Position {
    fn leave(&mut self, series: &JobSeries) {
        if let (Some(present), Some(index)) = (self.present.take(), self.stage.checked_sub(1)) {
            series.stage(index as usize, present.since.elapsed());
        }
    }
}

impl JobHost for Attempt {
    fn job_id(&self) -> JobId {
        self.fence.id
    }

    fn attempt(&self) -> u32 {
        self.number
    }

    fn tries_left(&self) -> u32 {
        self.tries_left
    }

    fn losses(&self) -> u32 {
        self.losses
    }

    fn is_alone(&self) -> bool {
        self.is_alone
    }

    fn trace(&self) -> Option<TraceParent> {
        let position = self.position.lock().unwrap_or_else(PoisonError::into_inner);
        let present = position.present.as_ref();
        present.map_or(self.seen.place, |present| present.span.place())
    }

    fn work_dir(&self) -> &Path {
        &self.work_dir
    }

    fn cancellation(&self) -> &CancellationToken {
        self.work.token()
    }

    fn stop_reason(&self) -> Option<StopReason> {
        self.work.reason()
    }

    fn lease(&self) -> watch::Receiver<Instant> {
        self.lease.clone()
    }

    fn checkpoint(&self, value: Value) -> BoxFuture<Result<(), Problem>> {
        let kept = match self.checkpoint_of(value) {
            Ok(kept) => kept,
            Err(problem) => return Box::pin(std::future::ready(Err(problem))),
        };
        let (store, fence) = (Arc::clone(&self.store), self.fence);
        let (written, hard_stop) = (self.take_written(), self.hard_stop.clone());
        Box::pin(async move {
            let keep = || store.checkpoint(fence, kept.clone(), written.clone());
            let kept = insist(&hard_stop, keep).await;
            kept.map_err(StoreError::problem)
        })
    }

    fn checkpoint_blocking(&self, value: Value) -> Result<(), Problem> {
        self.runtime.block_on(self.checkpoint(value))
    }

    fn enter_stage(&self, name: &str) -> Result<(), Problem> {
        let stage = {
            let mut position = self.position.lock().unwrap_or_else(PoisonError::into_inner);
            let ahead = position
                .stages
                .iter()
                .position(|stage| stage == name)
                .ok_or_else(|| {
                    Problem::user(format!("there is no stage `{name}` ahead"))
                        .hint("stages are entered once, in the order they were declared")
                })?;
            position.stages.drain(..=ahead);
            position.leave(&self.seen.series);
            position.stage = self
                .total_stages
                .min(position.stage + u32::try_from(ahead + 1).unwrap_or(1));
            let place = self.seen.place;
            position.present = Some(Present {
                since: Steady::now(),
                span: Span::begin(Kind::Internal, place, || format!("stage {name}")),
            });
            position.stage
        };
        let message = format!("[{stage}/{}] {name}", self.total_stages);
        let enter = || self.reporter.enter(stage, message.clone());
        let entered = self.runtime.block_on(insist(&self.hard_stop, enter));
        entered.map_err(StoreError::problem)
    }

    fn report(&self, fraction: Option<f64>, message: Option<String>) {
        let total = self.total_stages;
        self.reporter.update(|report| {
            report.progress = fraction.or(report.progress);
            if let Some(message) = message {
                report.message = format!("[{}/{total}] {}", report.stage, one_line(&message));
            }
        });
    }

    fn log(&self, text: String) {
        if self.keeps_log {
            self.reporter.log(&text);
        } else {
            tracing::debug!(job = %self.fence.id, text, "the job says");
        }
    }

    fn can_ask(&self, asking: Asking) -> bool {
        self.asker.can_ask.allows(asking)
    }

    fn ask(&self, questions: Vec<(String, Question)>) -> BoxFuture<Result<Vec<Answer>, Problem>> {
        Box::pin(self.asker.clone().put(questions))
    }

    fn ask_blocking(&self, questions: Vec<(String, Question)>) -> Result<Vec<Answer>, Problem> {
        self.runtime.block_on(self.asker.clone().put(questions))
    }

    fn create_artifact(
        &self,
        name: &str,
        media_type: &str,
    ) -> Result<Box<dyn ArtifactSink>, Problem> {
        let Fence { id, epoch } = self.fence;
        let sink = self.artifacts.create(id, epoch, name, media_type);
        let sink = sink.map_err(ArtifactError::into_problem)?;
        Ok(Box::new(Recorded {
            sink,
            written: Arc::clone(&self.written),
            metrics: self.metrics.clone(),
        }))
    }
}

/// The place of a job's work folder, where there is something in it.
pub(crate) fn work_left(artifacts: &Artifacts, job: JobId) -> Result<Option<String>, Problem> {
    let has_work = artifacts.has_work(job);
    let has_work = has_work.map_err(ArtifactError::into_problem)?;
    Ok(has_work.then(|| artifacts.work_place().to_owned()))
}

/// Remembers a file once it is finished, so that the next checkpoint records it.
struct Recorded {
    sink: Box<dyn ArtifactSink>,
    written: Written,
    metrics: Metrics,
}

impl std::io::Write for Recorded {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.sink.write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.sink.flush()
    }
}

impl ArtifactSink for Recorded {
    fn finish(self: Box<Self>) -> Result<Artifact, Problem> {
        let artifact = self.sink.finish()?;
        self.metrics.written().add(artifact.size);
        let mut written = self.written.lock().unwrap_or_else(PoisonError::into_inner);
        written.push(artifact.clone());
        Ok(artifact)
    }
}
