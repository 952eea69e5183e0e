//! A record as JSON, and back.

use std::{fmt, time::Duration};

use farcall_core::{clock::Timestamp, id::JobId, job::state::JobState, problem::ErrorCode};
use farcall_store::{JobError, JobRecord, WorkerId};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// What everybody who is shown a job sees of it; what there is nothing to say of is left out.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the fields are those of the contract")]
pub struct JobView {
    pub job_id: JobId,
    pub job: String,
    pub owner: String,
    pub state: JobState,
    pub stage: u32,
    pub total_stages: u32,
    pub message: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub progress: Option<f64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error_code: Option<ErrorCode>,
    #[serde(default, skip_serializing_if = "is_not")]
    pub asking: bool,
    #[serde(default, skip_serializing_if = "is_not")]
    pub cancel_requested: bool,
    pub attempt: u32,
    pub losses: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub worker: Option<String>,
    pub created_at: Moment,
    pub updated_at: Moment,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started_at: Option<Moment>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_at: Option<Moment>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub finished_at: Option<Moment>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Moment>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks like this")]
fn is_not(flag: &bool) -> bool {
    !flag
}

impl JobView {
    /// What is seen of `record`.
    pub fn of(record: &JobRecord) -> Self {
        let waits = record.state == JobState::Queued && record.run_at > record.read_at;
        let error = record.error.as_ref();
        Self {
            job_id: record.id,
            job: record.job.clone(),
            owner: record.owner.clone(),
            state: record.state,
            stage: record.stage,
            total_stages: record.total_stages,
            message: record.message.clone(),
            progress: record.progress,
            error: error.map(|error| error.message.clone()),
            error_code: error.map(|error| error.code),
            asking: record.is_asking,
            cancel_requested: record.cancel_requested,
            attempt: record.attempt,
            losses: record.losses,
            worker: record.worker.map(|worker| worker.to_string()),
            created_at: Moment(record.created_at),
            updated_at: Moment(record.updated_at),
            started_at: record.started_at.map(Moment),
            retry_at: waits.then_some(Moment(record.run_at)),
            finished_at: record.finished_at.map(Moment),
            expires_at: record.expires_at.map(Moment),
        }
    }

    /// The record that this is seen of at `read_at`, as far as it is seen: priority, counted losses and how
    /// long it is kept are not.
    pub fn record(self, read_at: Moment) -> JobRecord {
        let code = self.error_code.unwrap_or(ErrorCode::Internal);
        JobRecord {
            id: self.job_id,
            owner: self.owner,
            job: self.job,
            state: self.state,
            stage: self.stage,
            total_stages: self.total_stages,
            message: self.message,
            progress: self.progress,
            error: self.error.map(|message| JobError { code, message }),
            attempt: self.attempt,
            losses: self.losses,
            counted_losses: 0,
            priority: 0,
            worker: self.worker.as_deref().and_then(WorkerId::parse),
            is_asking: self.asking,
            cancel_requested: self.cancel_requested,
            keep_for: Duration::ZERO,
            created_at: self.created_at.0,
            updated_at: self.updated_at.0,
            run_at: self.retry_at.unwrap_or(self.created_at).0,
            started_at: self.started_at.map(|at| at.0),
            finished_at: self.finished_at.map(|at| at.0),
            expires_at: self.expires_at.map(|at| at.0),
            read_at: read_at.0,
        }
    }
}

/// A time of day, to the millisecond; in JSON as RFC 3339.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Moment(pub Timestamp);

impl fmt::Display for Moment {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0.rfc3339())
    }
}

impl Serialize for Moment {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Moment {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let at: jiff::Timestamp = text.parse().map_err(de::Error::custom)?;
        Ok(Self(Timestamp(at.as_millisecond())))
    }
}
