//! Jobs in an embedded SQLite database, for one machine.
//!
//! One connection writes, four read. Readers see the last commit and never wait for the
//! writer (WAL); writers wait for each other in memory, in order, and not in SQLite.

mod artifacts;
mod claim;
mod enqueue;
mod finish;
mod folder;
mod log;
mod open;
mod progress;
mod questions;
mod read;
mod rescue;
mod retention;
mod row;
mod secrets;
mod workers;
mod writer;

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use async_trait::async_trait;
use farcall_core::{
    artifact::Artifact,
    clock::{Clock, Timestamp},
    id::JobId,
    question::Question,
};
use serde_json::Value;
use sqlx::SqlitePool;
use tokio::sync::broadcast;

use self::{folder::FolderLock, workers::lease_until, writer::Writer};
use crate::{
    Beat, Cancelled, Checkpoint, Claim, Enqueued, Fence, Hint, JobError, JobRecord, JobStore,
    Listed, LogPage, Lost, Needed, NewJob, NewWorker, Outcome, PublishedArtifact, Reach, Report,
    StoreError, Success, Wanted, Worker, WorkerId, hints::Hints,
};

/// A [`JobStore`] in the file `jobs.sqlite3` of a folder that it alone uses.
#[derive(Debug)]
pub struct SqliteStore {
    readers: SqlitePool,
    writer: Writer,
    clock: Arc<dyn Clock>,
    hints: Hints,
    lock: FolderLock,
}

impl SqliteStore {
    fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Passes the answer of a write to the job `id` on, and tells of it where it succeeded.
    fn changed<T>(&self, id: JobId, answer: Result<T, StoreError>) -> Result<T, StoreError> {
        if answer.is_ok() {
            self.hints.tell([Hint::Changed(id)]);
        }
        answer
    }

    /// The same where the job may be claimed again.
    fn queued<T>(&self, id: JobId, answer: Result<T, StoreError>) -> Result<T, StoreError> {
        if answer.is_ok() {
            self.hints.tell([Hint::Queued]);
        }
        self.changed(id, answer)
    }
}

#[async_trait]
impl JobStore for SqliteStore {
    async fn enqueue(&self, job: NewJob) -> Result<Enqueued, StoreError> {
        let enqueued = enqueue::enqueue(&self.writer, self.now(), job).await?;
        if enqueued.was_there.is_none() {
            self.hints
                .tell([Hint::Queued, Hint::Changed(enqueued.record.id)]);
        }
        Ok(enqueued)
    }

    async fn register(&self, worker: NewWorker, lease: Duration) -> Result<(), StoreError> {
        let until = lease_until(self.clock.steady(), lease);
        workers::register(&self.writer, self.now(), until, worker).await
    }

    async fn beat(&self, worker: WorkerId, lease: Duration) -> Result<Beat, StoreError> {
        let until = lease_until(self.clock.steady(), lease);
        workers::beat(&self.writer, self.now(), until, worker).await
    }

    async fn unregister(&self, worker: WorkerId) -> Result<(), StoreError> {
        let lost = workers::unregister(&self.writer, self.now(), worker).await?;
        self.hints.tell_of_lost(&lost);
        Ok(())
    }

    async fn workers(&self) -> Result<Vec<Worker>, StoreError> {
        workers::workers(&self.readers, self.now(), self.clock.steady()).await
    }

    async fn claim(&self, wanted: Wanted<'_>) -> Result<Vec<Claim>, StoreError> {
        let claims = claim::claim(&self.writer, self.now(), self.clock.steady(), wanted).await?;
        let changed = claims.iter().map(|claim| Hint::Changed(claim.fence.id));
        self.hints.tell(changed);
        Ok(claims)
    }

    async fn report(&self, fence: Fence, report: Report) -> Result<(), StoreError> {
        let answer = progress::report(&self.writer, self.now(), fence, report).await;
        self.changed(fence.id, answer)
    }

    async fn checkpoint(
        &self,
        fence: Fence,
        checkpoint: Checkpoint,
        artifacts: Vec<Artifact>,
    ) -> Result<(), StoreError> {
        let now = self.now();
        let answer = progress::checkpoint(&self.writer, now, fence, checkpoint, artifacts).await;
        self.changed(fence.id, answer)
    }

    async fn restart(
        &self,
        fence: Fence,
        total_stages: u32,
        fingerprint: String,
    ) -> Result<(), StoreError> {
        let now = self.now();
        let answer = progress::restart(&self.writer, now, fence, total_stages, fingerprint).await;
        self.changed(fence.id, answer)
    }

    async fn succeed(&self, fence: Fence, success: Success) -> Result<(), StoreError> {
        let answer = finish::succeed(&self.writer, self.now(), fence, success).await;
        self.changed(fence.id, answer)
    }

    async fn fail(&self, fence: Fence, error: JobError) -> Result<(), StoreError> {
        let answer = finish::fail(&self.writer, self.now(), fence, error).await;
        self.changed(fence.id, answer)
    }

    async fn retry(
        &self,
        fence: Fence,
        after: Duration,
        message: String,
    ) -> Result<(), StoreError> {
        let answer = finish::retry(&self.writer, self.now(), fence, after, message).await;
        self.queued(fence.id, answer)
    }

    async fn release(&self, fence: Fence) -> Result<(), StoreError> {
        let answer = finish::release(&self.writer, self.now(), fence).await;
        self.queued(fence.id, answer)
    }

    async fn ask(
        &self,
        fence: Fence,
        questions: &[(String, Question)],
    ) -> Result<BTreeMap<String, Value>, StoreError> {
        let answer = questions::ask(&self.writer, self.now(), fence, questions).await;
        self.changed(fence.id, answer)
    }

    async fn staged(&self, fence: Fence) -> Result<Vec<Artifact>, StoreError> {
        read::staged(&self.readers, fence).await
    }

    async fn record(&self, id: JobId, reach: Reach<'_>) -> Result<Option<JobRecord>, StoreError> {
        read::record(&self.readers, self.now(), id, reach).await
    }

    async fn records(&self, ids: &[JobId]) -> Result<Vec<JobRecord>, StoreError> {
        read::records(&self.readers, self.now(), ids).await
    }

    async fn outcome(&self, id: JobId, reach: Reach<'_>) -> Result<Option<Outcome>, StoreError> {
        read::outcome(&self.readers, self.now(), id, reach).await
    }

    async fn questions(
        &self,
        id: JobId,
        reach: Reach<'_>,
    ) -> Result<Vec<(String, Question)>, StoreError> {
        questions::open(&self.readers, id, reach).await
    }

    async fn answer(
        &self,
        id: JobId,
        reach: Reach<'_>,
        answers: &BTreeMap<String, Value>,
    ) -> Result<bool, StoreError> {
        let is_there = questions::answer(&self.writer, self.now(), id, reach, answers).await?;
        if is_there {
            self.hints.tell([Hint::Answered(id), Hint::Changed(id)]);
        }
        Ok(is_there)
    }

    async fn cancel(&self, id: JobId, reach: Reach<'_>) -> Result<Option<Cancelled>, StoreError> {
        let cancelled = finish::cancel(&self.writer, self.now(), id, reach).await?;
        self.hints.tell_of_cancel(id, cancelled.as_ref());
        Ok(cancelled)
    }

    async fn log(
        &self,
        id: JobId,
        reach: Reach<'_>,
        from: u64,
        lines: u32,
    ) -> Result<Option<LogPage>, StoreError> {
        log::page(&self.readers, self.now(), id, reach, from, lines).await
    }

    async fn published(
        &self,
        id: JobId,
        reach: Reach<'_>,
        name: Option<&str>,
    ) -> Result<Option<PublishedArtifact>, StoreError> {
        read::published(&self.readers, self.now(), id, reach, name).await
    }

    async fn list(&self, listed: Listed) -> Result<Vec<JobRecord>, StoreError> {
        read::list(&self.readers, self.now(), listed).await
    }

    async fn order(&self, id: JobId) -> Result<Option<NewJob>, StoreError> {
        enqueue::order(&self.readers, self.now(), id).await
    }

    async fn rescue(&self, dead: &[WorkerId]) -> Result<Vec<Lost>, StoreError> {
        let lost = rescue::rescue(&self.writer, self.now(), self.clock.steady(), dead).await?;
        self.hints.tell_of_lost(&lost);
        Ok(lost)
    }

    async fn give_up(&self, after: Duration) -> Result<Vec<JobId>, StoreError> {
        let (now, steady) = (self.now(), self.clock.steady());
        let ids = rescue::give_up(&self.writer, now, steady, after).await?;
        self.hints.tell(ids.iter().copied().map(Hint::Changed));
        Ok(ids)
    }

    async fn expired(&self, limit: u32) -> Result<Vec<JobId>, StoreError> {
        retention::expired(&self.readers, self.now(), limit).await
    }

    async fn delete(&self, ids: &[JobId]) -> Result<u64, StoreError> {
        retention::delete(&self.writer, self.now(), ids).await
    }

    async fn needed(&self, ids: &[JobId]) -> Result<Vec<Needed>, StoreError> {
        retention::needed(&self.readers, ids).await
    }

    async fn secret(&self, name: &str, fresh: [u8; 32]) -> Result<[u8; 32], StoreError> {
        secrets::get_or_create(&self.writer, name, fresh).await
    }

    fn hints(&self) -> broadcast::Receiver<Hint> {
        self.hints.subscribe()
    }

    async fn ping(&self) -> Result<(), StoreError> {
        read::ping(&self.readers).await
    }

    async fn close(&self) {
        self.readers.close().await;
        self.writer.close().await;
        self.lock.release();
    }
}
