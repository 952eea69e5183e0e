//! What the code of a job knows and can say while it runs.

use std::{error::Error, fmt, path::Path, sync::Arc};

use serde::Serialize;
use serde_json::Value;
use tokio::{sync::watch, time::Instant};
use tokio_util::sync::CancellationToken;

use crate::{
    BoxFuture,
    artifact::{Artifact, ArtifactSink, media_type_of},
    id::JobId,
    name::file_name_fault,
    problem::{ErrorCode, Problem},
    question::{Answer, Asking, Question},
    trace::TraceParent,
};

/// Why the work on a job should stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum StopReason {
    /// Its caller or its operator cancelled it.
    Cancelled,
    /// It ran longer than its `timeout`.
    TimedOut,
    /// The server stops; the job goes on with the next start.
    Stopping,
    /// The job is not this worker's any more; what it still writes is refused.
    Lost,
}

impl fmt::Display for StopReason {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Cancelled => "the job was cancelled",
            Self::TimedOut => "the job ran longer than its time limit",
            Self::Stopping => "the job was stopped, because the server stops",
            Self::Lost => "the job was stopped, because it is not this worker's any more",
        })
    }
}

/// The cause of a problem of a job whose lease ran out, for a while, under what worked on it
/// elsewhere: the work was ended there, while the job still is, or is again, its worker's. It says nothing
/// about the job, so the runner puts that back.
#[derive(Clone, Copy, Debug)]
pub struct LeaseRanOut;

impl LeaseRanOut {
    /// Whether `problem` has this cause.
    pub fn is_behind(problem: &Problem) -> bool {
        let cause = problem.cause();
        cause.is_some_and(<dyn Error + Send + Sync>::is::<Self>)
    }
}

impl fmt::Display for LeaseRanOut {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("the lease ran out before anybody renewed it")
    }
}

impl Error for LeaseRanOut {}

/// What stands behind a [`JobContext`]; the runner implements it.
pub trait JobHost: Send + Sync {
    /// The job's identity.
    fn job_id(&self) -> JobId;

    /// How often the job has been started, from 1.
    fn attempt(&self) -> u32;

    /// How often an error of this attempt may still be followed by another one.
    fn tries_left(&self) -> u32;

    /// How often the job has lost its worker.
    fn losses(&self) -> u32;

    /// Whether nothing else runs in this process.
    fn is_alone(&self) -> bool;

    /// Where the present stage stands in a trace; `None` where whoever started the job began none, and this
    /// process keeps no spans.
    fn trace(&self) -> Option<TraceParent> {
        None
    }

    /// A folder of the job's own, kept until the job is over, also across a restart.
    fn work_dir(&self) -> &Path;

    /// Cancelled when the work should stop.
    fn cancellation(&self) -> &CancellationToken;

    /// Why the work should stop; `None` while it may go on.
    fn stop_reason(&self) -> Option<StopReason>;

    /// Until when the job is this worker's; it changes with each renewal, and closes where there
    /// will be none any more.
    fn lease(&self) -> watch::Receiver<Instant>;

    /// Keeps what the present step is given in place of what it was given, where it has to begin
    /// again.
    fn checkpoint(&self, value: Value) -> BoxFuture<Result<(), Problem>>;

    /// The same for code that blocks.
    ///
    /// # Errors
    /// As [`checkpoint`](Self::checkpoint).
    fn checkpoint_blocking(&self, value: Value) -> Result<(), Problem>;

    /// Enters the stage called `name`.
    ///
    /// # Errors
    /// A problem where the present step has no such stage, or it was left already.
    fn enter_stage(&self, name: &str) -> Result<(), Problem>;

    /// Tells how far the present stage is; never blocks.
    fn report(&self, fraction: Option<f64>, message: Option<String>);

    /// Takes a line for the job's log; never blocks.
    fn log(&self, text: String);

    /// Whether the job's caller can be asked this way.
    fn can_ask(&self, asking: Asking) -> bool;

    /// Puts questions to the job's caller, and returns the answers in their order. A question
    /// that was answered in an earlier attempt is not put again.
    fn ask(&self, questions: Vec<(String, Question)>) -> BoxFuture<Result<Vec<Answer>, Problem>>;

    /// The same for code that blocks.
    ///
    /// # Errors
    /// As [`ask`](Self::ask).
    fn ask_blocking(&self, questions: Vec<(String, Question)>) -> Result<Vec<Answer>, Problem>;

    /// Opens a new artifact.
    ///
    /// # Errors
    /// A problem where it cannot be kept.
    fn create_artifact(
        &self,
        name: &str,
        media_type: &str,
    ) -> Result<Box<dyn ArtifactSink>, Problem>;
}

/// The job that a stage is working on; cheap to clone.
#[derive(Clone)]
pub struct JobContext(Arc<dyn JobHost>);

impl JobContext {
    /// The context that `host` stands behind.
    pub fn new(host: Arc<dyn JobHost>) -> Self {
        Self(host)
    }

    /// The job's identity.
    pub fn job_id(&self) -> JobId {
        self.0.job_id()
    }

    /// How often the job has been started, from 1. A start that was handed back, because the
    /// server stopped in order, does not count.
    pub fn attempt(&self) -> u32 {
        self.0.attempt()
    }

    /// How often the job is tried again where this attempt ends with an error.
    pub fn tries_left(&self) -> u32 {
        self.0.tries_left()
    }

    /// How often the job has lost its worker: the process that ran it ended without a word.
    pub fn losses(&self) -> u32 {
        self.0.losses()
    }

    /// Whether no other job runs in this process, because this one has lost its worker before.
    pub fn is_alone(&self) -> bool {
        self.0.is_alone()
    }

    /// Where the present stage stands in a trace, where whoever started the job began one, or this process keeps
    /// spans. What the stage asks of others goes on from here.
    pub fn trace(&self) -> Option<TraceParent> {
        self.0.trace()
    }

    /// A folder of the job's own for what is too large to pass from stage to stage.
    ///
    /// It is there again after a restart, with whatever an interrupted stage left in it,
    /// and is removed when the job is over.
    pub fn work_dir(&self) -> &Path {
        self.0.work_dir()
    }

    /// Tells how far the present stage is, from 0 to 1; callers see it as `progress`.
    ///
    /// It costs next to nothing: the newest report is written at most twice a second.
    pub fn progress(&self, fraction: f64) {
        self.0.report(Some(fraction.clamp(0.0, 1.0)), None);
    }

    /// Says what is being done within the present stage, one line; callers see it as `message`,
    /// instead of the stage's name.
    pub fn message(&self, message: impl Into<String>) {
        self.0.report(None, Some(message.into()));
    }

    /// Enters the next stage, within [`stages_in_one`](super::Pipeline::stages_in_one).
    ///
    /// # Errors
    /// A problem where there is no stage called `name`, or it was left already.
    pub fn stage(&self, name: &str) -> Result<(), Problem> {
        self.check()?;
        self.0.enter_stage(name)
    }

    /// Until when the job is this worker's, for what works on it elsewhere and must not go on
    /// beyond that: a process, a machine. It changes with each renewal, every two seconds or so, and
    /// closes where there will be none any more.
    ///
    /// Code in this process needs it not: it is told by [`cancellation`](Self::cancellation).
    pub fn lease(&self) -> watch::Receiver<Instant> {
        self.0.lease()
    }

    /// Keeps `value`, at most 1 MiB as JSON: where the present step has to begin again, after a
    /// crash or an error, it is given `value` in place of what it was given. So it has to be of the
    /// type that the step takes.
    ///
    /// The artifacts that are finished by now are kept with it. It blocks until all is written; in
    /// a stage that is a future, use [`checkpoint_async`](Self::checkpoint_async).
    ///
    /// # Errors
    /// A problem with the code `output_limit` where `value` is too large, or one that says why it
    /// cannot be kept.
    pub fn checkpoint(&self, value: &impl Serialize) -> Result<(), Problem> {
        self.0.checkpoint_blocking(serde_json::to_value(value)?)
    }

    /// The same for a stage that is a future.
    ///
    /// # Errors
    /// As [`checkpoint`](Self::checkpoint).
    pub async fn checkpoint_async(&self, value: &impl Serialize) -> Result<(), Problem> {
        let value = serde_json::to_value(value)?;
        self.0.checkpoint(value).await
    }

    /// Whether the work should stop: the job was cancelled, or the server stops.
    pub fn is_cancelled(&self) -> bool {
        self.0.cancellation().is_cancelled()
    }

    /// Cancelled when the work should stop, for code that waits.
    pub fn cancellation(&self) -> &CancellationToken {
        self.0.cancellation()
    }

    /// Why the work should stop; `None` while it may go on.
    pub fn stop_reason(&self) -> Option<StopReason> {
        self.0.stop_reason()
    }

    /// Stops the stage with `?` where the work should stop; call it in long loops.
    ///
    /// # Errors
    /// A problem that says why: with the code `timeout` where the job ran too long, else with
    /// `cancelled`.
    pub fn check(&self) -> Result<(), Problem> {
        let Some(reason) = self.stop_reason() else {
            return Ok(());
        };
        let code = match reason {
            StopReason::TimedOut => ErrorCode::Timeout,
            _ => ErrorCode::Cancelled,
        };
        Err(Problem::new(code, reason.to_string()))
    }

    /// Writes a line into the job's log, which callers read with `get_<x>_log`; of a job without
    /// `log = true` it goes into the server's own log.
    pub fn log(&self, text: impl Into<String>) {
        self.0.log(text.into());
    }

    /// Whether the job's caller can be asked this way.
    pub fn can_ask(&self, asking: Asking) -> bool {
        self.0.can_ask(asking)
    }

    /// Asks the job's caller, and blocks until the answer is there; `key` names the question
    /// within this job. In a stage that is a future, use [`ask_async`](Self::ask_async).
    ///
    /// An answer is kept with the job: a stage that runs again gets it at once.
    ///
    /// # Errors
    /// A problem where this caller cannot be asked this way, or the work should stop.
    pub fn ask(&self, key: impl Into<String>, question: Question) -> Result<Answer, Problem> {
        let answers = self.0.ask_blocking(vec![(key.into(), question)])?;
        only(answers)
    }

    /// The same for a stage that is a future.
    ///
    /// # Errors
    /// As [`ask`](Self::ask).
    pub async fn ask_async(
        &self,
        key: impl Into<String>,
        question: Question,
    ) -> Result<Answer, Problem> {
        only(self.0.ask(vec![(key.into(), question)]).await?)
    }

    /// Asks several questions at once, and blocks; the answers come in the same order.
    ///
    /// # Errors
    /// As [`ask`](Self::ask).
    pub fn ask_all(&self, questions: Vec<(String, Question)>) -> Result<Vec<Answer>, Problem> {
        self.0.ask_blocking(questions)
    }

    /// The same for a stage that is a future.
    ///
    /// # Errors
    /// As [`ask`](Self::ask).
    pub async fn ask_all_async(
        &self,
        questions: Vec<(String, Question)>,
    ) -> Result<Vec<Answer>, Problem> {
        self.0.ask(questions).await
    }

    /// Opens an artifact called `name`; its media type follows from the extension.
    ///
    /// Write the bytes, then call `finish`. Callers can fetch it once the job has succeeded.
    ///
    /// # Errors
    /// A problem where `name` is no plain file name, or the bytes cannot be kept.
    pub fn create_artifact(&self, name: &str) -> Result<Box<dyn ArtifactSink>, Problem> {
        if let Some(fault) = file_name_fault(name) {
            return Err(Problem::user(format!(
                "an artifact cannot be called `{}`: {fault}",
                name.escape_debug()
            )));
        }
        self.0.create_artifact(name, media_type_of(name))
    }

    /// Writes a whole artifact at once.
    ///
    /// # Errors
    /// As [`create_artifact`](Self::create_artifact).
    pub fn write_artifact(&self, name: &str, bytes: &[u8]) -> Result<Artifact, Problem> {
        let mut sink = self.create_artifact(name)?;
        sink.write_all(bytes)?;
        sink.finish()
    }
}

fn only(answers: Vec<Answer>) -> Result<Answer, Problem> {
    let answer = answers.into_iter().next();
    answer.ok_or_else(|| Problem::internal("a question came back without its answer"))
}
