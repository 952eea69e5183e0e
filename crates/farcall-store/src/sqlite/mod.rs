//! Jobs in an embedded SQLite database, for one machine.
//!
//! One connection writes, four read. Readers see the last commit and never wait for the
//! writer (WAL); writers wait for each other in memory, in order, and not in SQLite.

mod artifacts;
mod callers;
mod claim;
mod copy;
mod enqueue;
mod fence;
mod finish;
mod folder;
mod list;
mod log;
mod open;
mod polls;
mod progress;
mod questions;
mod read;
mod rescue;
mod retention;
mod room;
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

pub use self::copy::{StoreCopy, Volume};
use self::{
    callers::{Admit, Revoke, Rotate, Used},
    claim::Take,
    enqueue::Enqueue,
    finish::{Cancel, Fail, Release, Retry, Succeed},
    polls::{Polls, Unanswered},
    questions::{Answer, Ask},
    rescue::{GiveUp, Rescue},
    retention::Delete,
    room::Room,
    secrets::{MakeSecret, RotateSecrets},
    workers::{Learn, Register, Renew, Unregister},
    writer::Writer,
};
use crate::{
    Beat, CallerName, CallerStore, Callers, Cancelled, Checkpoint, Claim, Details, Edition,
    Enqueued, Fence, Hint, JobError, JobRecord, JobStore, Listed, LogPage, Lost, Needed, NewJob,
    NewToken, NewWorker, Outcome, PublishedArtifact, Reach, Report, Revoked, Rights, Rotation,
    Secrets, StoreError, Success, Tally, TokenId, Wanted, Worker, WorkerId, hints::Hints,
    moment::Moment,
};

/// A [`JobStore`] in the file `jobs.sqlite3` of a folder.
#[derive(Debug)]
pub struct SqliteStore {
    readers: SqlitePool,
    polls: Polls,
    writer: Writer,
    clock: Arc<dyn Clock>,
    hints: Hints,
    room: Room,
}

impl SqliteStore {
    /// What is damaged in the file, one sentence of SQLite; `None` where every page of it is sound. It reads all of
    /// them, and holds up nobody.
    ///
    /// # Errors
    /// What the database says, where that alone shows the damage.
    pub async fn damage(&self) -> Result<Option<String>, StoreError> {
        let found: String = sqlx::query_scalar("PRAGMA quick_check(1)")
            .fetch_one(&self.readers)
            .await?;
        Ok((found != "ok").then_some(found))
    }

    fn now(&self) -> Timestamp {
        self.clock.now()
    }
}

#[async_trait]
impl JobStore for SqliteStore {
    async fn enqueue(&self, job: NewJob) -> Result<Enqueued, StoreError> {
        self.writer.write(Enqueue::new(job)?).await
    }

    async fn earlier(&self, job: &NewJob) -> Result<Option<Enqueued>, StoreError> {
        enqueue::earlier(&self.readers, self.now(), job).await
    }

    async fn register(&self, worker: NewWorker, lease: Duration) -> Result<(), StoreError> {
        self.writer.write(Register { worker, lease }).await
    }

    async fn learn(
        &self,
        worker: WorkerId,
        programs: BTreeMap<String, String>,
    ) -> Result<(), StoreError> {
        self.writer.write(Learn { worker, programs }).await
    }

    async fn beat(&self, worker: WorkerId, lease: Duration) -> Result<Beat, StoreError> {
        self.writer.write(Renew { worker, lease }).await
    }

    async fn unregister(&self, worker: WorkerId) -> Result<(), StoreError> {
        self.writer.write(Unregister { worker }).await.map(drop)
    }

    async fn workers(&self) -> Result<Vec<Worker>, StoreError> {
        workers::workers(&self.readers, Moment::of(self.clock.as_ref())).await
    }

    async fn claim(&self, wanted: Wanted<'_>) -> Result<Vec<Claim>, StoreError> {
        self.writer.write(Take::new(wanted)).await
    }

    async fn report(&self, fence: Fence, report: Report) -> Result<(), StoreError> {
        self.writer.write(progress::Report { fence, report }).await
    }

    async fn checkpoint(
        &self,
        fence: Fence,
        checkpoint: Checkpoint,
        artifacts: Vec<Artifact>,
    ) -> Result<(), StoreError> {
        let keep = progress::Keep {
            fence,
            checkpoint,
            artifacts,
        };
        self.writer.write(keep).await
    }

    async fn restart(
        &self,
        fence: Fence,
        total_stages: u32,
        fingerprint: String,
    ) -> Result<(), StoreError> {
        let restart = progress::Restart {
            fence,
            total_stages,
            fingerprint,
        };
        self.writer.write(restart).await
    }

    async fn succeed(&self, fence: Fence, success: Success) -> Result<(), StoreError> {
        self.writer.write(Succeed { fence, success }).await
    }

    async fn fail(&self, fence: Fence, error: JobError) -> Result<(), StoreError> {
        self.writer.write(Fail { fence, error }).await
    }

    async fn retry(
        &self,
        fence: Fence,
        after: Duration,
        message: String,
    ) -> Result<(), StoreError> {
        let retry = Retry {
            fence,
            after,
            message,
        };
        self.writer.write(retry).await
    }

    async fn release(&self, fence: Fence) -> Result<(), StoreError> {
        self.writer.write(Release { fence }).await
    }

    async fn ask(
        &self,
        fence: Fence,
        questions: &[(String, Question)],
    ) -> Result<BTreeMap<String, Value>, StoreError> {
        let questions = questions.to_vec();
        self.writer.write(Ask { fence, questions }).await
    }

    async fn staged(&self, fence: Fence) -> Result<Vec<Artifact>, StoreError> {
        read::staged(&self.readers, fence).await
    }

    async fn record(&self, id: JobId, reach: Reach<'_>) -> Result<Option<JobRecord>, StoreError> {
        match self.polls.record(id, reach).await {
            Ok(record) => Ok(record),
            Err(Unanswered) => read::record(&self.readers, self.now(), id, reach).await,
        }
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
        self.writer.write(Answer::new(id, reach, answers)).await
    }

    async fn cancel(&self, id: JobId, reach: Reach<'_>) -> Result<Option<Cancelled>, StoreError> {
        self.writer.write(Cancel::new(id, reach)).await
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
        list::list(&self.readers, self.now(), listed).await
    }

    async fn tally(&self) -> Result<Tally, StoreError> {
        list::tally(&self.readers, self.now()).await
    }

    async fn details(&self, id: JobId) -> Result<Option<Details>, StoreError> {
        list::details(&self.readers, self.now(), id).await
    }

    async fn order(&self, id: JobId) -> Result<Option<NewJob>, StoreError> {
        enqueue::order(&self.readers, self.now(), id).await
    }

    async fn rescue(&self, dead: &[WorkerId]) -> Result<Vec<Lost>, StoreError> {
        let dead = row::list(dead);
        self.writer.write(Rescue { dead }).await
    }

    async fn give_up(&self, offered: &[&str], after: Duration) -> Result<Vec<JobId>, StoreError> {
        let offered = row::list(offered);
        self.writer.write(GiveUp { offered, after }).await
    }

    async fn expired(&self, limit: u32) -> Result<Vec<JobId>, StoreError> {
        retention::expired(&self.readers, self.now(), limit).await
    }

    async fn delete(&self, ids: &[JobId]) -> Result<u64, StoreError> {
        let ids = row::list(ids);
        self.writer.write(Delete { ids }).await
    }

    async fn needed(&self, ids: &[JobId]) -> Result<Vec<Needed>, StoreError> {
        retention::needed(&self.readers, ids).await
    }

    async fn secrets(&self, name: &str) -> Result<Secrets, StoreError> {
        secrets::live(&self.readers, self.now(), name).await
    }

    async fn make_secret(&self, name: &str, fresh: [u8; 32]) -> Result<(), StoreError> {
        let name = name.to_owned();
        self.writer.write(MakeSecret { name, fresh }).await
    }

    async fn rotate_secrets(
        &self,
        fresh: &[(&str, [u8; 32])],
        rotation: Rotation,
    ) -> Result<bool, StoreError> {
        let fresh = fresh.iter();
        let fresh = fresh.map(|(name, fresh)| ((*name).to_owned(), *fresh));
        let rotate = RotateSecrets {
            fresh: fresh.collect(),
            rotation,
        };
        self.writer.write(rotate).await
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
    }
}

#[async_trait]
impl CallerStore for SqliteStore {
    async fn admit(
        &self,
        name: &CallerName,
        rights: &Rights,
        token: &NewToken,
    ) -> Result<bool, StoreError> {
        self.writer.write(Admit::new(name, rights, token)?).await
    }

    async fn rotate(
        &self,
        name: &CallerName,
        token: &NewToken,
        overlap: Duration,
    ) -> Result<bool, StoreError> {
        let (name, token) = (name.clone(), token.clone());
        let rotate = Rotate {
            name,
            token,
            overlap,
        };
        self.writer.write(rotate).await
    }

    async fn revoke(&self, which: &Revoked) -> Result<u64, StoreError> {
        self.writer.write(Revoke(which.clone())).await
    }

    async fn callers(&self) -> Result<Callers, StoreError> {
        callers::all(&self.readers, self.now()).await
    }

    async fn callers_edition(&self) -> Result<Edition, StoreError> {
        callers::edition(&self.readers, self.now()).await
    }

    async fn used(&self, token: &TokenId) -> Result<(), StoreError> {
        self.writer.write(Used(token.clone())).await
    }
}
