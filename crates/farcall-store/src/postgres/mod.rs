//! Jobs in a PostgreSQL database, for one machine or several.
//!
//! Files and names are those of the SQLite backend. What differs: every write of one step is one
//! statement and so its own transaction, the time is the server's, and others write at the same
//! moment. Statements are for the isolation `READ COMMITTED`: each sees what was committed before
//! it, and one that finds a row locked goes on with what that has become.

mod artifacts;
mod callers;
mod claim;
mod enqueue;
mod error;
mod finish;
mod hints;
mod life;
mod list;
mod log;
mod open;
#[cfg(all(test, feature = "postgres-tests"))]
mod plans;
mod pool;
mod progress;
mod questions;
mod read;
mod rescue;
mod retention;
mod row;
mod secrets;
mod workers;

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use async_trait::async_trait;
use farcall_core::{artifact::Artifact, id::JobId, question::Question};
use serde_json::Value;
use tokio::sync::broadcast;

pub(crate) use self::error::{Meaning, meaning};
pub use self::life::LifeStatements;
use self::{hints::SharedHints, pool::Pool};
use crate::{
    Beat, CallerName, CallerStore, Callers, Cancelled, Checkpoint, Claim, Details, Edition,
    Enqueued, Fence, Hint, JobError, JobRecord, JobStore, Listed, LogPage, Lost, Needed, NewJob,
    NewToken, NewWorker, Outcome, PublishedArtifact, Reach, Report, Revoked, Rights, Rotation,
    Secrets, StoreError, Success, Tally, TokenId, Wanted, Worker, WorkerId,
};

/// A [`JobStore`] in a PostgreSQL database that any number of processes may use.
///
/// An operation waits at most 5 s for a connection, a statement runs at most 10 s, and no answer
/// takes longer than 20 s; what does is [`StoreError::Unavailable`]. Reports and beats do not wait
/// for the disk: the last of them, and no others, may be lost with the server, not with this
/// process.
#[derive(Debug)]
pub struct PostgresStore {
    durable: Arc<Pool>,
    // Its commits do not wait for the disk.
    relaxed: Pool,
    hints: SharedHints,
}

impl PostgresStore {
    fn tell(&self, hints: impl IntoIterator<Item = Hint>) {
        self.hints.local().tell(hints);
    }

    /// Passes the answer of a write to the job `id` on, and tells of it where it succeeded.
    fn changed<T>(&self, id: JobId, answer: Result<T, StoreError>) -> Result<T, StoreError> {
        if answer.is_ok() {
            self.tell([Hint::Changed(id)]);
        }
        answer
    }

    /// The same where the job may be claimed again.
    fn queued<T>(&self, id: JobId, answer: Result<T, StoreError>) -> Result<T, StoreError> {
        if answer.is_ok() {
            self.tell([Hint::Queued]);
        }
        self.changed(id, answer)
    }
}

#[async_trait]
impl JobStore for PostgresStore {
    async fn enqueue(&self, job: NewJob) -> Result<Enqueued, StoreError> {
        let enqueued = enqueue::enqueue(&self.durable, job).await?;
        if enqueued.was_there.is_none() {
            self.tell([Hint::Queued, Hint::Changed(enqueued.record.id)]);
            self.hints.spread(Hint::Queued);
        }
        Ok(enqueued)
    }

    async fn earlier(&self, job: &NewJob) -> Result<Option<Enqueued>, StoreError> {
        enqueue::earlier(&self.durable, job).await
    }

    async fn register(&self, worker: NewWorker, lease: Duration) -> Result<(), StoreError> {
        workers::register(&self.durable, worker, lease).await
    }

    async fn learn(
        &self,
        worker: WorkerId,
        programs: BTreeMap<String, String>,
    ) -> Result<(), StoreError> {
        workers::learn(&self.durable, worker, &programs).await
    }

    async fn beat(&self, worker: WorkerId, lease: Duration) -> Result<Beat, StoreError> {
        workers::beat(&self.relaxed, worker, lease).await
    }

    async fn unregister(&self, worker: WorkerId) -> Result<(), StoreError> {
        let lost = workers::unregister(&self.durable, worker).await?;
        self.hints.local().tell_of_lost(&lost);
        Ok(())
    }

    async fn workers(&self) -> Result<Vec<Worker>, StoreError> {
        workers::workers(&self.durable).await
    }

    async fn claim(&self, wanted: Wanted<'_>) -> Result<Vec<Claim>, StoreError> {
        let claims = claim::claim(&self.durable, wanted).await?;
        let changed = claims.iter().map(|claim| Hint::Changed(claim.fence.id));
        self.tell(changed);
        Ok(claims)
    }

    async fn report(&self, fence: Fence, report: Report) -> Result<(), StoreError> {
        let answer = progress::report(&self.relaxed, fence, report).await;
        self.changed(fence.id, answer)
    }

    async fn checkpoint(
        &self,
        fence: Fence,
        checkpoint: Checkpoint,
        artifacts: Vec<Artifact>,
    ) -> Result<(), StoreError> {
        let answer = progress::checkpoint(&self.durable, fence, checkpoint, artifacts).await;
        self.changed(fence.id, answer)
    }

    async fn restart(
        &self,
        fence: Fence,
        total_stages: u32,
        fingerprint: String,
    ) -> Result<(), StoreError> {
        let answer = progress::restart(&self.durable, fence, total_stages, fingerprint).await;
        self.changed(fence.id, answer)
    }

    async fn succeed(&self, fence: Fence, success: Success) -> Result<(), StoreError> {
        let answer = finish::succeed(&self.durable, fence, success).await;
        self.changed(fence.id, answer)
    }

    async fn fail(&self, fence: Fence, error: JobError) -> Result<(), StoreError> {
        let answer = finish::fail(&self.durable, fence, error).await;
        self.changed(fence.id, answer)
    }

    async fn retry(
        &self,
        fence: Fence,
        after: Duration,
        message: String,
    ) -> Result<(), StoreError> {
        let answer = finish::retry(&self.durable, fence, after, message).await;
        self.queued(fence.id, answer)
    }

    async fn release(&self, fence: Fence) -> Result<(), StoreError> {
        let answer = finish::release(&self.durable, fence).await;
        self.queued(fence.id, answer)
    }

    async fn ask(
        &self,
        fence: Fence,
        questions: &[(String, Question)],
    ) -> Result<BTreeMap<String, Value>, StoreError> {
        let answer = questions::ask(&self.durable, fence, questions).await;
        self.changed(fence.id, answer)
    }

    async fn staged(&self, fence: Fence) -> Result<Vec<Artifact>, StoreError> {
        read::staged(&self.durable, fence).await
    }

    async fn record(&self, id: JobId, reach: Reach<'_>) -> Result<Option<JobRecord>, StoreError> {
        read::record(&self.durable, id, reach).await
    }

    async fn records(&self, ids: &[JobId]) -> Result<Vec<JobRecord>, StoreError> {
        read::records(&self.durable, ids).await
    }

    async fn outcome(&self, id: JobId, reach: Reach<'_>) -> Result<Option<Outcome>, StoreError> {
        read::outcome(&self.durable, id, reach).await
    }

    async fn questions(
        &self,
        id: JobId,
        reach: Reach<'_>,
    ) -> Result<Vec<(String, Question)>, StoreError> {
        questions::open(&self.durable, id, reach).await
    }

    async fn answer(
        &self,
        id: JobId,
        reach: Reach<'_>,
        answers: &BTreeMap<String, Value>,
    ) -> Result<bool, StoreError> {
        let is_there = questions::answer(&self.durable, id, reach, answers).await?;
        if is_there {
            self.tell([Hint::Answered(id), Hint::Changed(id)]);
        }
        Ok(is_there)
    }

    async fn cancel(&self, id: JobId, reach: Reach<'_>) -> Result<Option<Cancelled>, StoreError> {
        let cancelled = finish::cancel(&self.durable, id, reach).await?;
        self.hints.local().tell_of_cancel(id, cancelled.as_ref());
        if let Some(Cancelled::Requested(_)) = cancelled {
            self.hints.spread(Hint::CancelRequested(id));
        }
        Ok(cancelled)
    }

    async fn log(
        &self,
        id: JobId,
        reach: Reach<'_>,
        from: u64,
        lines: u32,
    ) -> Result<Option<LogPage>, StoreError> {
        log::page(&self.durable, id, reach, from, lines).await
    }

    async fn published(
        &self,
        id: JobId,
        reach: Reach<'_>,
        name: Option<&str>,
    ) -> Result<Option<PublishedArtifact>, StoreError> {
        read::published(&self.durable, id, reach, name).await
    }

    async fn list(&self, listed: Listed) -> Result<Vec<JobRecord>, StoreError> {
        list::list(&self.durable, listed).await
    }

    async fn tally(&self) -> Result<Tally, StoreError> {
        list::tally(&self.durable).await
    }

    async fn details(&self, id: JobId) -> Result<Option<Details>, StoreError> {
        list::details(&self.durable, id).await
    }

    async fn order(&self, id: JobId) -> Result<Option<NewJob>, StoreError> {
        enqueue::order(&self.durable, id).await
    }

    async fn rescue(&self, dead: &[WorkerId]) -> Result<Vec<Lost>, StoreError> {
        let lost = rescue::rescue(&self.durable, dead).await?;
        self.hints.local().tell_of_lost(&lost);
        Ok(lost)
    }

    async fn give_up(&self, offered: &[&str], after: Duration) -> Result<Vec<JobId>, StoreError> {
        let ids = rescue::give_up(&self.durable, offered, after).await?;
        self.tell(ids.iter().copied().map(Hint::Changed));
        Ok(ids)
    }

    async fn expired(&self, limit: u32) -> Result<Vec<JobId>, StoreError> {
        retention::expired(&self.durable, limit).await
    }

    async fn delete(&self, ids: &[JobId]) -> Result<u64, StoreError> {
        retention::delete(&self.durable, ids).await
    }

    async fn needed(&self, ids: &[JobId]) -> Result<Vec<Needed>, StoreError> {
        retention::needed(&self.durable, ids).await
    }

    async fn secrets(&self, name: &str) -> Result<Secrets, StoreError> {
        secrets::live(&self.durable, name).await
    }

    async fn make_secret(&self, name: &str, fresh: [u8; 32]) -> Result<(), StoreError> {
        secrets::make(&self.durable, name, fresh).await
    }

    async fn rotate_secrets(
        &self,
        fresh: &[(&str, [u8; 32])],
        rotation: Rotation,
    ) -> Result<bool, StoreError> {
        secrets::rotate(&self.durable, fresh, rotation).await
    }

    fn hints(&self) -> broadcast::Receiver<Hint> {
        self.hints.local().subscribe()
    }

    async fn ping(&self) -> Result<(), StoreError> {
        read::ping(&self.durable).await
    }

    async fn close(&self) {
        self.hints.close().await;
        self.relaxed.close().await;
        self.durable.close().await;
    }
}

#[async_trait]
impl CallerStore for PostgresStore {
    async fn admit(
        &self,
        name: &CallerName,
        rights: &Rights,
        token: &NewToken,
    ) -> Result<bool, StoreError> {
        callers::admit(&self.durable, name, rights, token).await
    }

    async fn rotate(
        &self,
        name: &CallerName,
        token: &NewToken,
        overlap: Duration,
    ) -> Result<bool, StoreError> {
        callers::rotate(&self.durable, name, token, overlap).await
    }

    async fn revoke(&self, which: &Revoked) -> Result<u64, StoreError> {
        callers::revoke(&self.durable, which).await
    }

    async fn callers(&self) -> Result<Callers, StoreError> {
        callers::all(&self.durable).await
    }

    async fn callers_edition(&self) -> Result<Edition, StoreError> {
        callers::edition(&self.durable).await
    }

    async fn used(&self, token: &TokenId) -> Result<(), StoreError> {
        callers::used(&self.relaxed, token).await
    }
}
