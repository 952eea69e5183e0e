//! What a store keeps about a job, and what can be done with it.
//!
//! The types are told apart by who uses them: `enqueue` callers that start a job, `record` those
//! that read, `claim` and `write` workers, `maintain` those who keep order.

mod claim;
mod enqueue;
mod maintain;
mod record;
mod write;
pub(crate) mod written;

use std::{collections::BTreeMap, time::Duration};

use async_trait::async_trait;
use farcall_core::{artifact::Artifact, id::JobId, question::Question};
use serde_json::Value;
use tokio::sync::broadcast;

pub use self::{
    claim::{
        Beat, Checkpoint, Claim, Fence, NewWorker, Wanted, WantedJob, Which, Worker, WorkerId,
    },
    enqueue::{Enqueued, NewJob, Same, Terms},
    maintain::{Hint, Lost, Needed},
    record::{
        Cancelled, Details, JobError, JobRecord, Listed, LogLine, LogPage, Outcome,
        PublishedArtifact, Reach, Tally,
    },
    write::{Report, Success},
};
use crate::{CallerStore, Rotation, Secrets, StoreError};

/// The messages that a store writes by itself.
pub mod message {
    /// The job waits for a worker.
    pub const QUEUED: &str = "queued";
    /// A worker has taken the job and has not reported yet.
    pub const STARTING: &str = "starting";
    /// The job has succeeded.
    pub const DONE: &str = "done";
    /// Why a job has failed that was cancelled.
    pub const CANCELLED: &str = "the job was cancelled";
}

/// Keeps jobs; those to whom they belong are a [`CallerStore`]'s.
///
/// Public, so that backends and tests can be written outside of this crate, but not
/// stable: it grows with every version.
///
/// Every method is atomic: it does all of what it says or, with an error, nothing. What it
/// has answered is durable. A method that takes a [`Fence`] answers
/// [`StoreError::StaleClaim`] where the job is not running under that claim any more. What
/// breaks the rules of the record is [`StoreError::Refused`]. All times are the store's own,
/// and what has expired on its clock is not there for any reader.
#[async_trait]
pub trait JobStore: CallerStore {
    // Into the queue.

    /// Accepts a job: `queued`, at stage 0. Or returns the one that is the same, by its key or,
    /// within `unique_for`, by its arguments.
    ///
    /// [`StoreError::KeyConflict`] where the key came with other arguments before,
    /// [`StoreError::TooManyOpen`] where its owner may not have one more.
    async fn enqueue(&self, job: NewJob) -> Result<Enqueued, StoreError>;

    /// The job that [`enqueue`](Self::enqueue) would return in the place of a new one; with the same
    /// error where the key came with other arguments. Nothing is taken in.
    async fn earlier(&self, job: &NewJob) -> Result<Option<Enqueued>, StoreError>;

    // Workers.

    /// Makes a worker known, with a lease.
    async fn register(&self, worker: NewWorker, lease: Duration) -> Result<(), StoreError>;

    /// Notes what a worker can run from now on, in the place of what it said when it made itself known.
    /// [`StoreError::StaleClaim`] where it was declared lost.
    async fn learn(
        &self,
        worker: WorkerId,
        programs: BTreeMap<String, String>,
    ) -> Result<(), StoreError>;

    /// Renews the lease of a worker, also one that is over already while nobody has noticed, and
    /// tells it what it should know. [`StoreError::StaleClaim`] where it was declared lost.
    async fn beat(&self, worker: WorkerId, lease: Duration) -> Result<Beat, StoreError>;

    /// Takes a worker out of the list, because it stops; jobs that it still has are lost.
    async fn unregister(&self, worker: WorkerId) -> Result<(), StoreError>;

    /// The workers there are and those that were lost in the last hour, oldest first.
    async fn workers(&self) -> Result<Vec<Worker>, StoreError>;

    /// Takes up to `limit` jobs, best rank first: each is `running`, under a new epoch, and its
    /// attempt is counted. Empty where there is none, or where the worker's lease is over.
    ///
    /// A rank is the moment of acceptance, a minute earlier for each point of priority.
    async fn claim(&self, wanted: Wanted<'_>) -> Result<Vec<Claim>, StoreError>;

    // Writes under a fence.

    /// Says how far a job is. A report of an earlier stage than the record's is late, and only
    /// its log is kept; one of a stage above the total is refused.
    async fn report(&self, fence: Fence, report: Report) -> Result<(), StoreError>;

    /// Keeps where a job goes on, together with the artifacts that were made since the last time.
    ///
    /// An artifact takes the place of an earlier one of the same name. The record's stage is
    /// at least the checkpoint's afterwards.
    async fn checkpoint(
        &self,
        fence: Fence,
        checkpoint: Checkpoint,
        artifacts: Vec<Artifact>,
    ) -> Result<(), StoreError>;

    /// Starts a claimed job over, because its program has changed: without checkpoint,
    /// artifacts and answers, at stage 0 of `total_stages`.
    async fn restart(
        &self,
        fence: Fence,
        total_stages: u32,
        fingerprint: String,
    ) -> Result<(), StoreError>;

    /// Ends a job well: its artifacts, those of its last step included, are published with it.
    async fn succeed(&self, fence: Fence, success: Success) -> Result<(), StoreError>;

    /// Ends a job badly: its artifacts are never published, its message stays.
    async fn fail(&self, fence: Fence, error: JobError) -> Result<(), StoreError>;

    /// Queues a job again after an error of its own, not to be claimed before `after` has
    /// passed. The attempt counts. Where it was cancelled meanwhile, it has failed as that.
    async fn retry(&self, fence: Fence, after: Duration, message: String)
    -> Result<(), StoreError>;

    /// Hands a job back unfinished, because the server stops: it is `queued` with its
    /// checkpoint, and the attempt does not count. Cancelled meanwhile: as [`retry`](Self::retry).
    async fn release(&self, fence: Fence) -> Result<(), StoreError>;

    /// Puts the questions that have not been put yet, and returns the answers there are to any
    /// of them. The job is asking while one of its questions has none.
    async fn ask(
        &self,
        fence: Fence,
        questions: &[(String, Question)],
    ) -> Result<BTreeMap<String, Value>, StoreError>;

    /// The artifacts that the finished stages of a running job left, in the order they were
    /// first made; empty where the fence is stale.
    async fn staged(&self, fence: Fence) -> Result<Vec<Artifact>, StoreError>;

    // Callers. A job that is unknown, out of reach or expired is `None`.

    /// Where a job stands. This is what polls read.
    async fn record(&self, id: JobId, reach: Reach<'_>) -> Result<Option<JobRecord>, StoreError>;

    /// Where these jobs stand, in any order; for a watcher that [`record`](Self::record) has let
    /// in before.
    async fn records(&self, ids: &[JobId]) -> Result<Vec<JobRecord>, StoreError>;

    /// Where a job stands, with its result.
    async fn outcome(&self, id: JobId, reach: Reach<'_>) -> Result<Option<Outcome>, StoreError>;

    /// The open questions of a running job, in the order of their keys; empty for any other.
    async fn questions(
        &self,
        id: JobId,
        reach: Reach<'_>,
    ) -> Result<Vec<(String, Question)>, StoreError>;

    /// Keeps answers to open questions of a running job; others are dropped. `false` where there
    /// is no such job.
    async fn answer(
        &self,
        id: JobId,
        reach: Reach<'_>,
        answers: &BTreeMap<String, Value>,
    ) -> Result<bool, StoreError>;

    /// Cancels a job: one that waits has failed, one that runs is told to stop.
    async fn cancel(&self, id: JobId, reach: Reach<'_>) -> Result<Option<Cancelled>, StoreError>;

    /// At most `lines` lines of a job's log, from the number `from` on.
    async fn log(
        &self,
        id: JobId,
        reach: Reach<'_>,
        from: u64,
        lines: u32,
    ) -> Result<Option<LogPage>, StoreError>;

    /// The artifact called `name` of a job that has succeeded, or its first one.
    async fn published(
        &self,
        id: JobId,
        reach: Reach<'_>,
        name: Option<&str>,
    ) -> Result<Option<PublishedArtifact>, StoreError>;

    // Operators, who see the jobs of everyone.

    /// Jobs, newest first.
    async fn list(&self, listed: Listed) -> Result<Vec<JobRecord>, StoreError>;

    /// How many jobs there are, and for how long they wait.
    async fn tally(&self) -> Result<Tally, StoreError>;

    /// Where a job stands, and how it came there.
    async fn details(&self, id: JobId) -> Result<Option<Details>, StoreError>;

    /// What a job was started with, also its id and its key, to start another one like it.
    async fn order(&self, id: JobId) -> Result<Option<NewJob>, StoreError>;

    // Order. Any number of processes may do these at once, and as often as they like.

    /// Takes their jobs from workers whose lease is over, and from those in `dead`; these
    /// workers are gone for good. Says what became of the jobs, oldest first.
    ///
    /// A job is queued again with its checkpoint, as a [suspect](Which::Suspect). It fails as
    /// `worker_lost` at its last loss, and as `cancelled` where it was cancelled.
    async fn rescue(&self, dead: &[WorkerId]) -> Result<Vec<Lost>, StoreError>;

    /// Fails queued jobs whose time to start is over, and those that have waited for `after`
    /// while nobody offered a job of their name, unless there is no worker at all. Forgets workers
    /// that have been gone for an hour. Returns the jobs, oldest first.
    ///
    /// `offered` is what the caller offers. It is noted for the others, unless `after` is no time
    /// at all.
    async fn give_up(&self, offered: &[&str], after: Duration) -> Result<Vec<JobId>, StoreError>;

    /// At most `limit` jobs that have expired, those that expired first at the beginning.
    async fn expired(&self, limit: u32) -> Result<Vec<JobId>, StoreError>;

    /// Deletes those of these jobs that have expired, and says how many there were. Their files
    /// have to be gone: nothing is left that knows of them.
    async fn delete(&self, ids: &[JobId]) -> Result<u64, StoreError>;

    /// Which files and folders these jobs still need, also where they have expired; a job that is
    /// not in the answer is gone.
    async fn needed(&self, ids: &[JobId]) -> Result<Vec<Needed>, StoreError>;

    // The rest.

    /// The live secrets called `name`; none where nobody has made one.
    ///
    /// Secrets that several servers share live here, so that all of them have the same.
    async fn secrets(&self, name: &str) -> Result<Secrets, StoreError>;

    /// Makes the first secret called `name`, `fresh`; where there is one, nothing happens.
    async fn make_secret(&self, name: &str, fresh: [u8; 32]) -> Result<(), StoreError>;

    /// Makes a secret of each of these names, which from now on is the newest, and forgets what
    /// `rotation` does not leave: all of that, or nothing of it. Whether it happened: not where it
    /// is too soon for one of them.
    async fn rotate_secrets(
        &self,
        fresh: &[(&str, [u8; 32])],
        rotation: Rotation,
    ) -> Result<bool, StoreError>;

    /// What happens from now on, where it can be heard.
    fn hints(&self) -> broadcast::Receiver<Hint>;

    /// Reads something, to see that reading works.
    async fn ping(&self) -> Result<(), StoreError>;

    /// Brings everything into its final place and lets go of it; what is asked afterwards is
    /// [`StoreError::Closed`].
    async fn close(&self);
}
