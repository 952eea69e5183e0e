//! A record as JSON; the names are those of the contract.

use farcall_core::{id::JobId, job::state::JobState};
use farcall_store::JobRecord;
use serde::Serialize;

use crate::words::rfc3339;

/// What everybody who is shown a job sees of it; what there is nothing to say of is left out.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(super) struct View {
    job_id: JobId,
    job: String,
    owner: String,
    state: JobState,
    stage: u32,
    total_stages: u32,
    message: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    progress: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error_code: Option<&'static str>,
    #[serde(skip_serializing_if = "is_not")]
    asking: bool,
    #[serde(skip_serializing_if = "is_not")]
    cancel_requested: bool,
    attempt: u32,
    losses: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    worker: Option<String>,
    created_at: String,
    updated_at: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    started_at: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    retry_at: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    finished_at: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    expires_at: Option<String>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks like this")]
fn is_not(flag: &bool) -> bool {
    !flag
}

impl View {
    pub(super) fn of(record: &JobRecord) -> Self {
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
            error_code: error.map(|error| error.code.as_str()),
            asking: record.is_asking,
            cancel_requested: record.cancel_requested,
            attempt: record.attempt,
            losses: record.losses,
            worker: record.worker.map(|worker| worker.to_string()),
            created_at: rfc3339(record.created_at),
            updated_at: rfc3339(record.updated_at),
            started_at: record.started_at.map(rfc3339),
            retry_at: waits.then(|| rfc3339(record.run_at)),
            finished_at: record.finished_at.map(rfc3339),
            expires_at: record.expires_at.map(rfc3339),
        }
    }
}
