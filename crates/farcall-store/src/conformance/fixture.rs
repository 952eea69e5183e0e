//! Jobs for the suite, and the ways to bring them somewhere.

use std::sync::atomic::{AtomicU64, Ordering};

use farcall_core::{
    JsonObject, artifact::Artifact, clock::Timestamp, id::JobId, job::state::JobState,
    problem::ErrorCode,
};
use serde_json::json;

use crate::{
    Checkpoint, Claim, Failure, Fence, JobError, JobRecord, JobStore, NewJob, Outcome, Report,
    Success,
};

/// When everything in the suite begins.
pub const START: Timestamp = Timestamp(1_000);
/// When everything in the suite ends.
pub const END: Timestamp = Timestamp(2_000);
/// Until when everything in the suite is kept.
pub const EXPIRY: Timestamp = Timestamp(9_000);

/// An id that no other call returns, nor one in a process that shares the folder.
pub fn unique_id() -> JobId {
    static LAST: AtomicU64 = AtomicU64::new(0);
    let number = LAST.fetch_add(1, Ordering::Relaxed);
    // The oldest job must not always have the smallest id.
    let process = u128::from(std::process::id()) << 64;
    JobId::from_random((process | u128::from(number.reverse_bits())).to_be_bytes())
}

/// A job called `render`, with three stages.
pub fn new_job() -> NewJob {
    NewJob {
        id: unique_id(),
        owner: "alice".to_owned(),
        job: "render".to_owned(),
        arguments: JsonObject::from_iter([("frames".to_owned(), json!(48))]),
        total_stages: 3,
        fingerprint: "f1".to_owned(),
        created_at: START,
    }
}

/// The names that the suite's worker knows.
pub fn known() -> Vec<String> {
    vec!["render".to_owned()]
}

/// An artifact whose bytes are at `location`.
pub fn artifact(name: &str, location: &str) -> Artifact {
    Artifact::new(name, "text/plain", 3, "ab".repeat(32), location)
}

/// The checkpoint after `stage` stages.
pub fn checkpoint(stage: u32) -> Checkpoint {
    Checkpoint {
        stage,
        value: json!({"finished": stage}),
    }
}

/// A report of `stage`.
pub fn report(stage: u32) -> Report {
    Report {
        stage,
        message: format!("[{stage}/3] working"),
        progress: Some(0.5),
    }
}

/// A success with a value and one more artifact.
pub fn success() -> Success {
    Success {
        value: Some(json!({"frames": 48})),
        artifacts: vec![artifact("film.gif", "1/film.gif")],
        finished_at: END,
        expires_at: EXPIRY,
    }
}

/// A failure of the program.
pub fn failure() -> Failure {
    Failure {
        error: JobError {
            code: ErrorCode::UserError,
            message: "no such scene".to_owned(),
        },
        finished_at: END,
        expires_at: EXPIRY,
    }
}

/// Accepts [`new_job`].
pub async fn enqueued(store: &dyn JobStore) -> JobId {
    let job = new_job();
    let id = job.id;
    store.enqueue(job).await.unwrap();
    id
}

/// Claims the oldest job.
pub async fn claimed(store: &dyn JobStore) -> Claim {
    store
        .claim(&known(), START)
        .await
        .unwrap()
        .expect("a job is queued")
}

/// Accepts a job and claims it, where no other is queued.
pub async fn running(store: &dyn JobStore) -> Fence {
    let id = enqueued(store).await;
    let claim = claimed(store).await;
    assert_eq!(claim.fence.id, id, "another job was queued");
    claim.fence
}

/// A job in `state`. Unless it is queued, it is in its second claim (the first was released),
/// has finished two of three stages, and has left `notes.txt` in them.
pub async fn standing(store: &dyn JobStore, state: JobState) -> JobId {
    if state == JobState::Queued {
        return enqueued(store).await;
    }
    let first = running(store).await;
    store.release(first).await.unwrap();
    let fence = claimed(store).await.fence;
    assert_eq!(fence.id, first.id, "another job was queued");
    let notes = vec![artifact("notes.txt", "1/notes.txt")];
    store.checkpoint(fence, checkpoint(2), notes).await.unwrap();
    match state {
        JobState::Queued | JobState::Running => {}
        JobState::Succeeded => store.succeed(fence, success()).await.unwrap(),
        JobState::Failed => store.fail(fence, failure()).await.unwrap(),
    }
    fence.id
}

/// The record of a job that is there.
pub async fn record(store: &dyn JobStore, id: JobId) -> JobRecord {
    store
        .record(id)
        .await
        .unwrap()
        .expect("the job has a record")
}

/// The outcome of a job that is there.
pub async fn outcome(store: &dyn JobStore, id: JobId) -> Outcome {
    store
        .outcome(id)
        .await
        .unwrap()
        .expect("the job has a record")
}

/// The names of artifacts, in order.
pub fn names(artifacts: &[Artifact]) -> Vec<&str> {
    artifacts
        .iter()
        .map(|artifact| artifact.name.as_str())
        .collect()
}
