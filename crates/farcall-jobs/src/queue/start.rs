//! A start: the record of a job is committed before anybody hears of it.

use std::sync::Arc;

use farcall_artifacts::{Granted, Shortage};
#[cfg(debug_assertions)]
use farcall_core::planted;
use farcall_core::{
    JsonObject, crash_point,
    id::JobId,
    job::{JobOptions, state::JobState},
    principal::Principal,
    problem::{ErrorCode, Problem},
    question::Askable,
    trace::TraceParent,
};
use farcall_store::{Enqueued, NewJob, StoreError, Terms};
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::Queue;

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
