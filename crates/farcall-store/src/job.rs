//! What a store keeps about a job, and what can be done with it.

use async_trait::async_trait;
use farcall_core::{
    JsonObject, artifact::Artifact, clock::Timestamp, id::JobId, job::state::JobState,
    problem::ErrorCode,
};
use serde_json::Value;

use crate::StoreError;

/// The messages that a store writes by itself.
pub mod message {
    /// The job waits for a worker.
    pub const QUEUED: &str = "queued";
    /// A worker has taken the job and has not reported yet.
    pub const STARTING: &str = "starting";
    /// The job has succeeded.
    pub const DONE: &str = "done";
}

/// A job as it is accepted.
#[derive(Clone, Debug, PartialEq)]
pub struct NewJob {
    /// Its identity; a second job with the same one is refused.
    pub id: JobId,
    /// The id of the principal that it belongs to.
    pub owner: String,
    /// The name of its declaration.
    pub job: String,
    /// The arguments, checked already.
    pub arguments: JsonObject,
    /// How many stages its program has, at least 1.
    pub total_stages: u32,
    /// The fingerprint of its program.
    pub fingerprint: String,
    /// When it was accepted.
    pub created_at: Timestamp,
}

/// Where a job stands: everything that a poll can ask for.
#[derive(Clone, Debug, PartialEq)]
pub struct JobRecord {
    /// Its identity.
    pub id: JobId,
    /// The id of the principal that it belongs to.
    pub owner: String,
    /// The name of its declaration.
    pub job: String,
    /// Its state.
    pub state: JobState,
    /// The stage it has reached, from 0 to `total_stages`.
    pub stage: u32,
    /// How many stages there are.
    pub total_stages: u32,
    /// One line about the present step.
    pub message: String,
    /// How far the present stage is, from 0 to 1, where its program says so.
    pub progress: Option<f64>,
    /// Why it failed; exactly where `state` is `failed`.
    pub error: Option<JobError>,
    /// How often it has been started; a claim that was released does not count.
    pub attempt: u32,
    /// How often it has lost its worker.
    pub losses: u32,
    /// When it was accepted.
    pub created_at: Timestamp,
    /// When it was claimed for the first time.
    pub started_at: Option<Timestamp>,
    /// When it ended; exactly where `state` is terminal.
    pub finished_at: Option<Timestamp>,
    /// Until when it and its files are kept; exactly where `state` is terminal.
    pub expires_at: Option<Timestamp>,
}

/// Why a job failed, as its caller reads it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JobError {
    /// The class.
    pub code: ErrorCode,
    /// One sentence.
    pub message: String,
}

/// The right to write to a job that one claim gave; every write of a worker carries it.
///
/// Each claim of a job has a higher epoch than the one before, so that a worker that was
/// believed dead cannot write any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Fence {
    /// The job.
    pub id: JobId,
    /// How many claims there have been, this one included.
    pub epoch: i64,
}

/// A job in the hands of a worker.
#[derive(Clone, Debug, PartialEq)]
pub struct Claim {
    /// What every write about it has to carry.
    pub fence: Fence,
    /// The id of the principal that it belongs to.
    pub owner: String,
    /// The name of its declaration.
    pub job: String,
    /// Its arguments.
    pub arguments: JsonObject,
    /// How often it has been started, this time included.
    pub attempt: u32,
    /// How many stages its program had when it was accepted or last restarted.
    pub total_stages: u32,
    /// The fingerprint of that program.
    pub fingerprint: String,
    /// Where to go on, where a stage was finished before.
    pub checkpoint: Option<Checkpoint>,
}

/// The value of the last finished stage.
#[derive(Clone, Debug, PartialEq)]
pub struct Checkpoint {
    /// How many stages are finished, at least 1.
    pub stage: u32,
    /// What the last of them returned.
    pub value: Value,
}

/// How far a running job is.
#[derive(Clone, Debug, PartialEq)]
pub struct Report {
    /// The stage it is in, from 0 to the total.
    pub stage: u32,
    /// One line about the present step.
    pub message: String,
    /// How far the stage is, from 0 to 1.
    pub progress: Option<f64>,
}

/// The good end of a job.
#[derive(Clone, Debug, PartialEq)]
pub struct Success {
    /// Its result, where it has one beside its files.
    pub value: Option<Value>,
    /// The artifacts of the last step, in order.
    pub artifacts: Vec<Artifact>,
    /// When it ended.
    pub finished_at: Timestamp,
    /// Until when it and its files are kept.
    pub expires_at: Timestamp,
}

/// The bad end of a job.
#[derive(Clone, Debug, PartialEq)]
pub struct Failure {
    /// Why.
    pub error: JobError,
    /// When it ended.
    pub finished_at: Timestamp,
    /// Until when its record is kept.
    pub expires_at: Timestamp,
}

/// A record with what the job left behind; both are empty unless it has succeeded.
#[derive(Clone, Debug, PartialEq)]
pub struct Outcome {
    /// Where the job stands.
    pub record: JobRecord,
    /// Its result, where it has one beside its files.
    pub value: Option<Value>,
    /// Its published artifacts, in the order they were first made.
    pub artifacts: Vec<Artifact>,
}

/// A file that its owner may fetch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublishedArtifact {
    /// The id of the principal that it belongs to.
    pub owner: String,
    /// When it may be removed.
    pub expires_at: Option<Timestamp>,
    /// The file.
    pub artifact: Artifact,
}

/// What became of the jobs that had lost their worker, each list oldest first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Recovered {
    /// They wait for another worker.
    pub requeued: Vec<JobId>,
    /// They have lost too many, and failed.
    pub lost: Vec<JobId>,
}

/// Keeps jobs.
///
/// Public, so that backends and tests can be written outside of this crate, but not
/// stable: it grows with every version.
///
/// Every method is atomic: it does all of what it says or, with an error, nothing. What it
/// has answered is durable. A method that takes a [`Fence`] answers
/// [`StoreError::StaleClaim`] where the job is not running under that claim any more. What
/// breaks the rules of the record is [`StoreError::Refused`].
#[async_trait]
pub trait JobStore: Send + Sync {
    /// Accepts a job: `queued`, at stage 0.
    async fn enqueue(&self, job: NewJob) -> Result<(), StoreError>;

    /// Takes the oldest queued job whose name is among `known`: it is `running`, under a new
    /// epoch, and its attempt is counted. `None` where there is none.
    async fn claim(&self, known: &[String], now: Timestamp) -> Result<Option<Claim>, StoreError>;

    /// Says how far a job is. A report of an earlier stage than the record's is late, and is
    /// dropped; one of a stage above the total is refused.
    async fn report(&self, fence: Fence, report: Report) -> Result<(), StoreError>;

    /// Keeps the value of a finished stage together with the artifacts that were made in it.
    ///
    /// An artifact takes the place of an earlier one of the same name. The record's stage is
    /// at least the checkpoint's afterwards.
    async fn checkpoint(
        &self,
        fence: Fence,
        checkpoint: Checkpoint,
        artifacts: Vec<Artifact>,
    ) -> Result<(), StoreError>;

    /// Starts a claimed job over, because its program has changed: without checkpoint and
    /// artifacts, at stage 0 of `total_stages`.
    async fn restart(
        &self,
        fence: Fence,
        total_stages: u32,
        fingerprint: String,
    ) -> Result<(), StoreError>;

    /// Ends a job well: its artifacts, those of its last step included, are published with it.
    async fn succeed(&self, fence: Fence, success: Success) -> Result<(), StoreError>;

    /// Ends a job badly: its artifacts are never published, its message stays.
    async fn fail(&self, fence: Fence, failure: Failure) -> Result<(), StoreError>;

    /// Hands a job back unfinished, because the server stops: it is `queued` with its
    /// checkpoint, and the attempt does not count.
    async fn release(&self, fence: Fence) -> Result<(), StoreError>;

    /// At start, when no worker is left: every running job has lost its worker. A job with
    /// fewer than `max_losses` is queued again with its checkpoint; any other fails as
    /// `worker_lost`.
    async fn recover(
        &self,
        max_losses: u32,
        now: Timestamp,
        expires_at: Timestamp,
    ) -> Result<Recovered, StoreError>;

    /// Fails the queued jobs whose name is not among `known`, because nothing would ever
    /// claim them. Returns them, oldest first.
    async fn fail_orphans(
        &self,
        known: &[String],
        now: Timestamp,
        expires_at: Timestamp,
    ) -> Result<Vec<JobId>, StoreError>;

    /// Where a job stands; `None` where there is no such job. This is what polls read.
    async fn record(&self, id: JobId) -> Result<Option<JobRecord>, StoreError>;

    /// Where a job stands, with its result; `None` where there is no such job.
    async fn outcome(&self, id: JobId) -> Result<Option<Outcome>, StoreError>;

    /// The artifact called `name` of a job that has succeeded, or its first one.
    async fn published(
        &self,
        id: JobId,
        name: Option<&str>,
    ) -> Result<Option<PublishedArtifact>, StoreError>;

    /// The artifacts that the finished stages of a running job left, in the order they were
    /// first made; empty where the fence is stale.
    async fn staged(&self, fence: Fence) -> Result<Vec<Artifact>, StoreError>;

    /// The jobs that are not over, oldest first; their files are still in use.
    async fn unfinished(&self) -> Result<Vec<JobId>, StoreError>;

    /// Where the artifacts are that are published or still may be. Any other file is a stray:
    /// of a job that failed, of a stage that was lost, or replaced by a later one.
    async fn artifact_locations(&self) -> Result<Vec<String>, StoreError>;

    /// The secret called `name`; `fresh` becomes it where there is none yet.
    ///
    /// Secrets that several servers share live here, so that all of them have the same.
    async fn secret(&self, name: &str, fresh: [u8; 32]) -> Result<[u8; 32], StoreError>;

    /// Reads something, to see that reading works.
    async fn ping(&self) -> Result<(), StoreError>;

    /// Brings everything into its final place and lets go of it; what is asked afterwards is
    /// [`StoreError::Closed`].
    async fn close(&self);
}
