//! Where jobs come in, and where callers look after them.

use std::{sync::Arc, time::Duration};

use farcall_artifacts::{Artifacts, Granted, Shortage};
#[cfg(debug_assertions)]
use farcall_core::planted;
use farcall_core::{
    JsonObject, crash_point,
    id::JobId,
    job::{BeforeStart, Job, JobOptions, state::JobState},
    principal::Principal,
    problem::{ErrorCode, Problem},
    question::Askable,
    trace::TraceParent,
};
use farcall_store::{
    Cancelled, Enqueued, JobRecord, JobStore, LogPage, NewJob, Outcome, Reach, StoreError, Terms,
};
use serde_json::Value;
use sha2::{Digest, Sha256};
use tokio_util::sync::CancellationToken;

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

/// How a job is started, beside its arguments.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct How {
    /// The key by which its caller knows a repetition of this start, 1 to 255 bytes.
    pub key: Option<String>,
    /// How its caller can be asked while it runs.
    pub can_ask: Askable,
    /// Where the start stands in a trace.
    pub trace: Option<TraceParent>,
}

/// A job that has been taken in: it is on disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Started {
    /// Its identity.
    pub id: JobId,
    /// Where it stands; `queued`, unless it was there before.
    pub state: JobState,
    /// How many stages it has.
    pub total_stages: u32,
    /// Whether an earlier start made it: the same by its key, or by its arguments.
    pub was_there: bool,
}

impl From<Enqueued> for Started {
    fn from(enqueued: Enqueued) -> Self {
        let record = enqueued.record;
        Self {
            id: record.id,
            state: record.state,
            total_stages: record.total_stages,
            was_there: enqueued.was_there.is_some(),
        }
    }
}

/// What a start takes at most beside its arguments, in bytes. Measured as growth of the store's log:
/// 25 to 37 KiB to take a job in and 16 to 29 KiB to claim it, where each has a commit of its own.
const START_BYTES: u64 = 64 << 10;

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
        let how = How::default();
        self.start_with(job, arguments, owner, how).await
    }

    /// The same, for a caller that says more; or returns the job that an earlier start made,
    /// where this one is its repetition.
    ///
    /// # Errors
    /// As [`start`](Self::start), and `idempotency_conflict` where the key came with other
    /// arguments before.
    pub async fn start_with(
        &self,
        job: &str,
        arguments: JsonObject,
        owner: &Principal,
        how: How,
    ) -> Result<Started, Problem> {
        let known = self
            .programs
            .get(job)
            .ok_or_else(|| Problem::internal(format!("no program for `{job}`")))?;
        known.job.program.check_input(&arguments)?;
        let id = fresh_id()?;
        let total_stages = known.job.program.total_stages();
        let text = in_one_form(&arguments);
        let new = NewJob {
            id,
            owner: owner.id().to_owned(),
            job: job.to_owned(),
            args_hash: Sha256::digest(&text).into(),
            arguments,
            total_stages,
            fingerprint: known.fingerprint.clone(),
            terms: terms(&known.job.options),
            key: how.key,
            unique_for: known.job.options.unique_for,
            can_ask: how.can_ask,
            trace: how.trace,
            max_open: owner.max_open_jobs(),
        };
        let granted = match self.room_for(&text).await {
            Ok(granted) => granted,
            Err(shortage) => return self.repeated(&new, shortage).await,
        };
        crash_point!("queue.start.begun");
        // What is repeated is committed, and nobody looks for a task before there is one.
        #[cfg(debug_assertions)]
        let is_early = planted!("early-ack")
            && new.can_ask == Askable::NOBODY
            && matches!(self.store.earlier(&new).await, Ok(None));
        // A caller that leaves now must not take the job with it half way into the store.
        let store = Arc::clone(&self.store);
        let kept = tokio::spawn(async move {
            let _granted = granted;
            store.enqueue(new).await
        });
        #[cfg(debug_assertions)]
        if is_early {
            return Ok(Started {
                id,
                state: JobState::Queued,
                total_stages,
                was_there: false,
            });
        }
        let enqueued = kept.await?.map_err(StoreError::problem)?;
        crash_point!("queue.start.kept");
        Ok(enqueued.into())
    }

    /// Room for a start with these arguments; none is needed where it is not known where files are.
    async fn room_for(&self, arguments: &str) -> Result<Option<Granted>, Shortage> {
        let Some(artifacts) = &self.artifacts else {
            return Ok(None);
        };
        // In the log, and then in the database.
        let bytes = START_BYTES + 2 * arguments.len() as u64;
        artifacts.space().grant(bytes).await.map(Some)
    }

    /// What to answer to a start for which there is no room: the job that it made before, where it
    /// is a repetition.
    async fn repeated(&self, new: &NewJob, shortage: Shortage) -> Result<Started, Problem> {
        let earlier = self.store.earlier(new).await;
        let earlier = earlier.map_err(StoreError::problem)?.map(Started::from);
        earlier.ok_or_else(|| {
            Problem::new(
                ErrorCode::StorageFull,
                "the server has too little space left to start a job",
            )
            .hint("try again later; its operator has to free some space")
            .because(shortage)
        })
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

/// What of a job's options holds whoever ends it.
fn terms(options: &JobOptions) -> Terms {
    Terms {
        priority: options.priority,
        keep_for: options.keep_for,
        queue_timeout: options.queue_timeout,
        max_losses: options.max_losses(),
    }
}

/// Arguments as text, the same whatever the order in which they were written.
fn in_one_form(arguments: &JsonObject) -> String {
    fn sorted(value: &Value) -> Value {
        match value {
            Value::Array(items) => items.iter().map(sorted).collect(),
            Value::Object(fields) => {
                let mut fields: Vec<_> = fields.iter().collect();
                fields.sort_unstable_by_key(|(name, _)| *name);
                let sorted = fields
                    .into_iter()
                    .map(|(name, field)| (name.clone(), sorted(field)));
                Value::Object(sorted.collect())
            }
            plain => plain.clone(),
        }
    }
    sorted(&Value::Object(arguments.clone())).to_string()
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

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn form_of(arguments: &Value) -> String {
        in_one_form(arguments.as_object().unwrap())
    }

    #[test]
    fn the_order_of_arguments_does_not_matter_and_everything_else_does() {
        let one = form_of(&json!({"a": 1, "b": {"c": [1, 2], "d": null}}));
        assert_eq!(
            one,
            form_of(&json!({"b": {"d": null, "c": [1, 2]}, "a": 1}))
        );
        for other in [
            json!({"a": 1, "b": {"c": [2, 1], "d": null}}),
            json!({"a": 1, "b": {"c": [1, 2]}}),
            json!({"a": "1", "b": {"c": [1, 2], "d": null}}),
            json!({}),
        ] {
            assert_ne!(one, form_of(&other), "{other}");
        }
    }
}
