//! Where jobs come in, and where callers look after them.

use std::sync::Arc;

use farcall_core::{
    JsonObject,
    clock::Clock,
    id::JobId,
    principal::Principal,
    problem::{ErrorCode, Problem},
};
use farcall_store::{JobRecord, JobStore, NewJob, Outcome};
use tokio::sync::Notify;

use crate::Programs;

/// Takes jobs in and tells about them; cheap to clone.
///
/// It keeps nothing of its own: every answer is read from the store.
#[derive(Clone)]
pub struct Queue {
    store: Arc<dyn JobStore>,
    programs: Programs,
    clock: Arc<dyn Clock>,
    arrival: Arc<Notify>,
}

/// A job that has been taken in: it is on disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Started {
    /// Its identity.
    pub id: JobId,
    /// How many stages it has.
    pub total_stages: u32,
}

impl Queue {
    /// A queue in front of `store` for the jobs of `programs`.
    pub fn new(store: Arc<dyn JobStore>, programs: Programs, clock: Arc<dyn Clock>) -> Self {
        Self {
            store,
            programs,
            clock,
            arrival: Arc::new(Notify::new()),
        }
    }

    /// Takes a job in; when this returns, it survives the loss of power.
    ///
    /// # Errors
    /// A problem where the store cannot keep it.
    pub async fn start(
        &self,
        job: &str,
        arguments: JsonObject,
        owner: &Principal,
    ) -> Result<Started, Problem> {
        let known = self
            .programs
            .get(job)
            .ok_or_else(|| Problem::internal(format!("no program for `{job}`")))?;
        known.job.program.check_input(&arguments)?;
        let id = fresh_id()?;
        let total_stages = known.job.program.total_stages();
        let new = NewJob {
            id,
            owner: owner.id().to_owned(),
            job: job.to_owned(),
            arguments,
            total_stages,
            fingerprint: known.fingerprint.clone(),
            created_at: self.clock.now(),
        };
        // A caller that leaves now must not take the job with it half way into the store.
        let store = Arc::clone(&self.store);
        let arrival = Arc::clone(&self.arrival);
        let kept = tokio::spawn(async move {
            store.enqueue(new).await?;
            arrival.notify_one();
            Ok::<_, farcall_store::StoreError>(())
        });
        kept.await?.map_err(farcall_store::StoreError::problem)?;
        Ok(Started { id, total_stages })
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
            .record(parsed)
            .await
            .map_err(farcall_store::StoreError::problem)?;
        record
            .filter(|record| record.job == job && self.may_see(record, caller))
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
            .outcome(parsed)
            .await
            .map_err(farcall_store::StoreError::problem)?;
        let may_see =
            |outcome: &Outcome| outcome.record.job == job && self.may_see(&outcome.record, caller);
        outcome.filter(may_see).ok_or_else(|| unknown(id))
    }

    /// The time, as everything about jobs sees it.
    pub fn clock(&self) -> &dyn Clock {
        self.clock.as_ref()
    }

    pub(crate) fn arrival(&self) -> &Notify {
        &self.arrival
    }

    fn may_see(&self, record: &JobRecord, caller: &Principal) -> bool {
        caller.may_see(&record.owner, record.expires_at, self.clock.now())
    }
}

fn fresh_id() -> Result<JobId, Problem> {
    let mut bits = [0; 16];
    getrandom::fill(&mut bits)?;
    Ok(JobId::from_random(bits))
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
