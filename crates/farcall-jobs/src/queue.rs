//! Where jobs come in, and where callers look after them.

mod start;

use std::{sync::Arc, time::Duration};

use farcall_artifacts::Artifacts;
use farcall_core::{
    id::JobId,
    job::{BeforeStart, Job},
    principal::Principal,
    problem::{ErrorCode, Problem},
};
use farcall_store::{Cancelled, JobRecord, JobStore, LogPage, Outcome, Reach, StoreError};
use tokio_util::sync::CancellationToken;

pub use self::start::{How, Started};
use crate::{
    Programs,
    watch::{MAX_FOLLOWED, MAX_WAITING, Watch, Watching},
};

/// Takes jobs in and tells about them; cheap to clone.
///
/// It keeps nothing of its own: every answer is read from the store.
#[derive(Clone)]
pub struct Queue {
    store: Arc<dyn JobStore>,
    programs: Programs,
    watch: Watch,
    artifacts: Option<Artifacts>,
    stopping: CancellationToken,
}

impl Queue {
    /// A queue in front of `store` for the jobs of `programs`.
    pub fn new(store: Arc<dyn JobStore>, programs: Programs) -> Self {
        Self {
            watch: Watch::new(Arc::clone(&store)),
            store,
            programs,
            artifacts: None,
            stopping: CancellationToken::new(),
        }
    }

    /// The same queue for the jobs of other `programs`.
    #[must_use]
    pub fn offering(&self, programs: Programs) -> Self {
        Self {
            programs,
            ..self.clone()
        }
    }

    /// The same queue, at which nobody waits any longer once `stopping` is cancelled.
    #[must_use]
    pub fn until(mut self, stopping: CancellationToken) -> Self {
        self.stopping = stopping;
        self
    }

    /// The same queue, which knows where files are: it can show what stands in short texts, and takes
    /// no job in where too little space is left for what it would write.
    #[must_use]
    pub fn with_files(mut self, artifacts: Artifacts) -> Self {
        self.artifacts = Some(artifacts);
        self
    }

    /// Where the job `id` of the kind `job` stands, for a caller that may know.
    ///
    /// # Errors
    /// The one `unknown_job` problem where there is none, it is another job's, it belongs
    /// to somebody else, or it has expired.
    pub async fn record(
        &self,
        job: &str,
        id: &str,
        caller: &Principal,
    ) -> Result<JobRecord, Problem> {
        let Ok(parsed) = JobId::parse(id) else {
            return Err(unknown(id));
        };
        let record = self
            .store
            .record(parsed, Reach::of(caller))
            .await
            .map_err(StoreError::problem)?;
        record
            .filter(|record| record.job == job)
            .ok_or_else(|| unknown(id))
    }

    /// The same with what the job has left behind.
    ///
    /// # Errors
    /// As [`record`](Self::record).
    pub async fn outcome(
        &self,
        job: &str,
        id: &str,
        caller: &Principal,
    ) -> Result<Outcome, Problem> {
        let Ok(parsed) = JobId::parse(id) else {
            return Err(unknown(id));
        };
        let outcome = self
            .store
            .outcome(parsed, Reach::of(caller))
            .await
            .map_err(StoreError::problem)?;
        outcome
            .filter(|outcome| outcome.record.job == job)
            .ok_or_else(|| unknown(id))
    }

    /// Some of its log: at most `lines` lines, from the number `from` on.
    ///
    /// # Errors
    /// As [`record`](Self::record).
    pub async fn log(
        &self,
        job: &str,
        id: &str,
        caller: &Principal,
        (from, lines): (u64, u32),
    ) -> Result<LogPage, Problem> {
        let record = self.record(job, id, caller).await?;
        let reach = Reach::of(caller);
        let page = self.store.log(record.id, reach, from, lines).await;
        page.map_err(StoreError::problem)?
            .ok_or_else(|| unknown(id))
    }

    /// Waits until `is_news` says that where the job stands is another thing than it was in
    /// `seen`, and returns where it stands then; what it was, where that takes longer than
    /// `limit`, the server stops, or too many wait already.
    ///
    /// # Errors
    /// The one `unknown_job` problem where it expires meanwhile.
    pub async fn next(
        &self,
        seen: JobRecord,
        limit: Duration,
        is_news: impl Fn(&JobRecord, &JobRecord) -> bool,
    ) -> Result<JobRecord, Problem> {
        let Some(mut watching) = self.watch(seen.id) else {
            return Ok(seen);
        };
        let news = async {
            loop {
                let record = watching.next().await?;
                if is_news(&seen, &record) {
                    return Some(record);
                }
            }
        };
        tokio::select! {
            biased;
            record = news => match record {
                Some(record) => return Ok(Arc::unwrap_or_clone(record)),
                None => return Err(unknown(&seen.id.to_string())),
            },
            () = tokio::time::sleep(limit) => {}
            () = self.stopping.cancelled() => {}
        }
        Ok(seen)
    }

    pub(crate) fn watch(&self, id: JobId) -> Option<Watching> {
        let watching = self.watch.job(id, MAX_WAITING);
        if watching.is_none() {
            tracing::warn!(job = %id, "too many callers wait already, this one is answered at once");
        }
        watching
    }

    /// The same for somebody who waits for every change, and can be told that nobody will tell.
    pub(crate) fn follow(&self, id: JobId) -> Option<Watching> {
        let watching = self.watch.job(id, MAX_FOLLOWED);
        if watching.is_none() {
            tracing::warn!(job = %id, "too many tasks are followed already, this one is not");
        }
        watching
    }

    pub(crate) fn artifacts(&self) -> Option<&Artifacts> {
        self.artifacts.as_ref()
    }

    /// Cancelled when nobody should wait any longer.
    pub(crate) fn stopping(&self) -> &CancellationToken {
        &self.stopping
    }

    pub(crate) fn before_start(&self, job: &str) -> Option<&BeforeStart> {
        self.job(job)?.before_start.as_ref()
    }

    /// What is declared about the jobs of the kind `job`.
    pub(crate) fn job(&self, job: &str) -> Option<&Job> {
        self.programs.get(job).map(|known| &known.job)
    }

    pub(crate) fn store(&self) -> &dyn JobStore {
        self.store.as_ref()
    }

    /// Cancels it: one that waits has failed, one that runs is told to stop, one that is over
    /// stays what it is. Returns where it stands then.
    ///
    /// # Errors
    /// As [`record`](Self::record).
    pub async fn cancel(
        &self,
        job: &str,
        id: &str,
        caller: &Principal,
    ) -> Result<JobRecord, Problem> {
        let record = self.record(job, id, caller).await?;
        let cancelled = self.store.cancel(record.id, Reach::of(caller)).await;
        match cancelled.map_err(StoreError::problem)? {
            Some(
                Cancelled::Now(record) | Cancelled::Requested(record) | Cancelled::WasOver(record),
            ) => Ok(record),
            None => Err(unknown(id)),
        }
    }
}

fn unknown(id: &str) -> Problem {
    // Whatever was sent is echoed, but never at a length of the sender's choosing.
    let echoed: String = id.chars().take(64).collect();
    Problem::new(
        ErrorCode::UnknownJob,
        format!("unknown job_id `{}`", echoed.escape_debug()),
    )
    .hint("it may have expired, or it was never started here; start the job again")
    .with("job_id", echoed)
}
