//! Jobs in an embedded SQLite database, for one machine.
//!
//! One connection writes, four read. Readers see the last commit and never wait for the
//! writer (WAL); writers wait for each other in memory, in order, and not in SQLite.

mod artifacts;
mod finish;
mod folder;
mod open;
mod progress;
mod queue;
mod read;
mod recovery;
mod row;
mod secrets;
mod text;
mod writer;

use async_trait::async_trait;
use farcall_core::{artifact::Artifact, clock::Timestamp, id::JobId};
use sqlx::SqlitePool;

use self::{folder::FolderLock, writer::Writer};
use crate::{
    Checkpoint, Claim, Failure, Fence, JobRecord, JobStore, NewJob, Outcome, PublishedArtifact,
    Recovered, Report, StoreError, Success,
};

/// A [`JobStore`] in the file `jobs.sqlite3` of a folder that it alone uses.
#[derive(Debug)]
pub struct SqliteStore {
    readers: SqlitePool,
    writer: Writer,
    lock: FolderLock,
}

#[async_trait]
impl JobStore for SqliteStore {
    async fn enqueue(&self, job: NewJob) -> Result<(), StoreError> {
        queue::enqueue(&self.writer, job).await
    }

    async fn claim(&self, known: &[String], now: Timestamp) -> Result<Option<Claim>, StoreError> {
        queue::claim(&self.writer, known, now).await
    }

    async fn report(&self, fence: Fence, report: Report) -> Result<(), StoreError> {
        progress::report(&self.writer, fence, report).await
    }

    async fn checkpoint(
        &self,
        fence: Fence,
        checkpoint: Checkpoint,
        artifacts: Vec<Artifact>,
    ) -> Result<(), StoreError> {
        progress::checkpoint(&self.writer, fence, checkpoint, artifacts).await
    }

    async fn restart(
        &self,
        fence: Fence,
        total_stages: u32,
        fingerprint: String,
    ) -> Result<(), StoreError> {
        progress::restart(&self.writer, fence, total_stages, fingerprint).await
    }

    async fn succeed(&self, fence: Fence, success: Success) -> Result<(), StoreError> {
        finish::succeed(&self.writer, fence, success).await
    }

    async fn fail(&self, fence: Fence, failure: Failure) -> Result<(), StoreError> {
        finish::fail(&self.writer, fence, failure).await
    }

    async fn release(&self, fence: Fence) -> Result<(), StoreError> {
        queue::release(&self.writer, fence).await
    }

    async fn recover(
        &self,
        max_losses: u32,
        now: Timestamp,
        expires_at: Timestamp,
    ) -> Result<Recovered, StoreError> {
        recovery::recover(&self.writer, max_losses, now, expires_at).await
    }

    async fn fail_orphans(
        &self,
        known: &[String],
        now: Timestamp,
        expires_at: Timestamp,
    ) -> Result<Vec<JobId>, StoreError> {
        recovery::fail_orphans(&self.writer, known, now, expires_at).await
    }

    async fn record(&self, id: JobId) -> Result<Option<JobRecord>, StoreError> {
        read::record(&self.readers, id).await
    }

    async fn outcome(&self, id: JobId) -> Result<Option<Outcome>, StoreError> {
        read::outcome(&self.readers, id).await
    }

    async fn published(
        &self,
        id: JobId,
        name: Option<&str>,
    ) -> Result<Option<PublishedArtifact>, StoreError> {
        read::published(&self.readers, id, name).await
    }

    async fn staged(&self, fence: Fence) -> Result<Vec<Artifact>, StoreError> {
        read::staged(&self.readers, fence).await
    }

    async fn unfinished(&self) -> Result<Vec<JobId>, StoreError> {
        read::unfinished(&self.readers).await
    }

    async fn artifact_locations(&self) -> Result<Vec<String>, StoreError> {
        read::artifact_locations(&self.readers).await
    }

    async fn secret(&self, name: &str, fresh: [u8; 32]) -> Result<[u8; 32], StoreError> {
        secrets::get_or_create(&self.writer, name, fresh).await
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
