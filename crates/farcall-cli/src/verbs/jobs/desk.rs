//! Where the jobs are that are looked after: in a store, or behind a server.

use std::sync::Arc;

use async_trait::async_trait;
use farcall_core::id::JobId;
use farcall_jobs::{
    Links,
    operators::{self, Seen},
};
use farcall_store::{Cancelled, JobRecord, JobStore, Listed, Reach, StoreError};

use crate::Failure;

/// Everybody's jobs.
#[async_trait]
pub(super) trait Desk: Send + Sync {
    async fn list(&self, listed: Listed) -> Result<Vec<JobRecord>, Trouble>;

    /// Those of these jobs that there are.
    async fn records(&self, ids: &[JobId]) -> Result<Vec<JobRecord>, Trouble>;

    async fn look(&self, id: JobId, lines: u32) -> Result<Option<Seen>, Trouble>;

    async fn cancel(&self, id: JobId) -> Result<Option<Cancelled>, Trouble>;

    /// Starts a failed job again, and returns the new one.
    async fn retry(&self, id: JobId) -> Result<Option<JobRecord>, Trouble>;
}

/// Why there is no answer.
pub(super) struct Trouble {
    pub(super) failure: Failure,
    /// Whether it may pass by itself.
    pub(super) may_pass: bool,
}

impl Trouble {
    pub(super) fn lasting(message: impl Into<String>) -> Self {
        Self {
            failure: Failure::failed(message),
            may_pass: false,
        }
    }
}

impl From<StoreError> for Trouble {
    fn from(error: StoreError) -> Self {
        Self {
            may_pass: matches!(error, StoreError::Unavailable(_)),
            failure: error.into(),
        }
    }
}

impl From<Trouble> for Failure {
    fn from(trouble: Trouble) -> Self {
        trouble.failure
    }
}

/// A store, beside the server that has it.
pub(super) struct Beside {
    pub(super) store: Arc<dyn JobStore>,
    /// Where callers fetch files, where this configuration says so.
    pub(super) links: Option<Links>,
}

#[async_trait]
impl Desk for Beside {
    async fn list(&self, listed: Listed) -> Result<Vec<JobRecord>, Trouble> {
        Ok(self.store.list(listed).await?)
    }

    async fn records(&self, ids: &[JobId]) -> Result<Vec<JobRecord>, Trouble> {
        Ok(self.store.records(ids).await?)
    }

    async fn look(&self, id: JobId, lines: u32) -> Result<Option<Seen>, Trouble> {
        Ok(Seen::look(self.store.as_ref(), self.links.as_ref(), id, lines).await?)
    }

    async fn cancel(&self, id: JobId) -> Result<Option<Cancelled>, Trouble> {
        Ok(self.store.cancel(id, Reach::All).await?)
    }

    async fn retry(&self, id: JobId) -> Result<Option<JobRecord>, Trouble> {
        let mut bits = [0; 16];
        getrandom::fill(&mut bits).map_err(|error| {
            Trouble::lasting(format!("the system gives no random bytes: {error}"))
        })?;
        let fresh = JobId::from_random(bits);
        let started = operators::retry(self.store.as_ref(), id, fresh).await?;
        let started = started.transpose();
        started.map_err(|not_failed| Trouble::lasting(not_failed.sentence(id)))
    }
}
