//! Ends an attempt: its result is published once, its failure is written down, or it is queued again.

use std::{io::Write, time::Duration};

use farcall_artifacts::{ArtifactError, Artifacts};
use farcall_core::{
    artifact::{Artifact, media_type_of},
    crash_point,
    id::JobId,
    job::StopReason,
    problem::{ErrorCode, Problem},
};
use farcall_metrics::AttemptOutcome;
use farcall_store::{Claim, Fence, JobError, StoreError, Success, message};
use serde_json::Value;

use crate::{insist::insist, report::one_line, retry, runner::Services};

/// The file that holds the result of a job that wrote no file of its own.
const RESULT_FILE: &str = "result.json";

/// How soon the store is asked again to take an ending that it refused.
const ASK_AGAIN_AFTER: Duration = Duration::from_secs(5);

/// Publishes what the last stage returned, with the files of all stages; where that cannot be
/// kept, the job has failed.
pub(crate) async fn succeed(
    services: &Services,
    claim: &Claim,
    value: Value,
    artifacts: Vec<Artifact>,
) -> AttemptOutcome {
    match publish(services, claim, value, artifacts).await {
        Ok(()) => {
            remove_work_dir(&services.artifacts, claim.fence.id).await;
            AttemptOutcome::Succeeded
        }
        Err(problem) => fail(services, claim, &problem).await,
    }
}

/// Ends an attempt that came to `problem`: it is tried again where its job asks for that, else the
/// job has failed.
pub(crate) async fn fail_or_retry(
    services: &Services,
    claim: &Claim,
    problem: &Problem,
) -> AttemptOutcome {
    let known = services.programs.get(&claim.job);
    let pause = known.and_then(|known| {
        let options = &known.job.options;
        retry::pause(options, claim, problem, retry::chance())
    });
    match pause {
        Some(pause) => try_again(services, claim, problem, pause).await,
        None => fail(services, claim, problem).await,
    }
}

async fn try_again(
    services: &Services,
    claim: &Claim,
    problem: &Problem,
    pause: Duration,
) -> AttemptOutcome {
    let cause = problem.cause().map(ToString::to_string);
    tracing::warn!(job = %claim.fence.id, kind = claim.job, ?pause, code = %problem.code(), error = %problem, cause, "the attempt has failed, the job is tried again");
    let why = problem.public_message();
    let message = one_line(&format!("attempt {} failed: {why}", claim.attempt));
    let write = || {
        let (store, message) = (&services.store, message.clone());
        store.retry(claim.fence, pause, message)
    };
    match until_it_is_kept(services, claim.fence, write).await {
        Ok(()) => AttemptOutcome::Retried,
        Err(not_kept) => not_kept.into(),
    }
}

/// Writes a failure down, and removes the files that nobody can fetch any more.
pub(crate) async fn fail(services: &Services, claim: &Claim, problem: &Problem) -> AttemptOutcome {
    let cause = problem.cause().map(ToString::to_string);
    tracing::warn!(job = %claim.fence.id, kind = claim.job, code = %problem.code(), error = %problem, cause, "the job has failed");
    let code = match problem.code() {
        ErrorCode::UnknownJob => ErrorCode::UserError,
        code => code,
    };
    let message = problem.public_message();
    let error = JobError { code, message };
    let write = || services.store.fail(claim.fence, error.clone());
    if let Err(not_kept) = until_it_is_kept(services, claim.fence, write).await {
        return not_kept.into();
    }
    clean_up(&services.artifacts, claim.fence.id).await;
    match code {
        ErrorCode::Cancelled => AttemptOutcome::Cancelled,
        ErrorCode::Timeout => AttemptOutcome::Timeout,
        _ => AttemptOutcome::Failed,
    }
}

/// Removes everything on disk of a job that has failed.
pub(crate) async fn clean_up(artifacts: &Artifacts, job: JobId) {
    let files = artifacts.clone();
    let removed = tokio::task::spawn_blocking(move || files.remove_files(job)).await;
    if let Ok(Err(error)) = removed {
        tracing::warn!(%job, %error, "files of the failed job are left behind");
    }
    crash_point!("finish.files_removed");
    remove_work_dir(artifacts, job).await;
}

async fn remove_work_dir(artifacts: &Artifacts, job: JobId) {
    let artifacts = artifacts.clone();
    let removed = tokio::task::spawn_blocking(move || artifacts.remove_work_dir(job)).await;
    if let Ok(Err(error)) = removed {
        tracing::warn!(%job, %error, "the work folder of the job is left behind");
    }
}

/// Ends an attempt that had to stop for `reason`, and has not come to its end.
pub(crate) async fn stopped(
    services: &Services,
    claim: &Claim,
    reason: StopReason,
) -> AttemptOutcome {
    match reason {
        StopReason::Cancelled => {
            let problem = Problem::new(ErrorCode::Cancelled, message::CANCELLED);
            fail(services, claim, &problem).await
        }
        StopReason::TimedOut => {
            let limit = services.programs.timeout(&claim.job).unwrap_or_default();
            let sentence = format!(
                "the job ran longer than its limit of {} s and was stopped",
                limit.as_secs_f64()
            );
            let problem = Problem::new(ErrorCode::Timeout, sentence);
            fail(services, claim, &problem).await
        }
        StopReason::Stopping => {
            hand_back(services, claim.fence).await;
            AttemptOutcome::HandedBack
        }
        // Whatever it writes would be refused.
        _ => {
            tracing::warn!(job = %claim.fence.id, "the job is no longer this worker's, the attempt is dropped");
            AttemptOutcome::Lost
        }
    }
}

/// Puts a job back into the queue that cannot go on here. Tried for a while, because a job that is not handed back
/// counts as lost with its worker; after the hard stop it is tried twice, without a pause.
pub(crate) async fn hand_back(services: &Services, fence: Fence) {
    let release = || services.store.release(fence);
    note_hand_back(fence, insist(&services.hard_stop, release).await);
}

/// The same, tried once, by somebody who comes again.
pub(crate) async fn hand_back_for_now(services: &Services, fence: Fence) {
    note_hand_back(fence, services.store.release(fence).await);
}

fn note_hand_back(fence: Fence, released: Result<(), StoreError>) {
    match released {
        Ok(()) => {
            tracing::info!(job = %fence.id, "the job is handed back");
        }
        Err(StoreError::StaleClaim) => {}
        Err(error) => tracing::error!(job = %fence.id, %error, "the job cannot be handed back"),
    }
}

async fn publish(
    services: &Services,
    claim: &Claim,
    value: Value,
    mut artifacts: Vec<Artifact>,
) -> Result<(), Problem> {
    let known = services.programs.get(&claim.job);
    let is_result = known.is_some_and(|known| known.job.program.is_result(&value));
    let has_files = !artifacts.is_empty() || has_recorded_files(services, claim).await?;
    if !has_files {
        let result = write_result(services, claim.fence, value.clone()).await?;
        services.metrics().written().add(result.size);
        artifacts.push(result);
    }
    let success = Success {
        value: is_result.then_some(value),
        artifacts,
    };
    let write = || services.store.succeed(claim.fence, success.clone());
    let written = insist(&services.hard_stop, write).await;
    written.map_err(StoreError::problem)?;
    tracing::info!(job = %claim.fence.id, kind = claim.job, "the job has succeeded");
    Ok(())
}

/// Whether an earlier stage recorded a file with its checkpoint.
async fn has_recorded_files(services: &Services, claim: &Claim) -> Result<bool, Problem> {
    let outcome = services
        .store
        .staged(claim.fence)
        .await
        .map_err(StoreError::problem)?;
    Ok(!outcome.is_empty())
}

async fn write_result(
    services: &Services,
    fence: Fence,
    value: Value,
) -> Result<Artifact, Problem> {
    let artifacts = services.artifacts.clone();
    let write = move || {
        let sink = artifacts.create(
            fence.id,
            fence.epoch,
            RESULT_FILE,
            media_type_of(RESULT_FILE),
        );
        let mut sink = sink.map_err(ArtifactError::into_problem)?;
        sink.write_all(&serde_json::to_vec(&value)?)?;
        sink.finish()
    };
    tokio::task::spawn_blocking(write).await?
}

/// Why the ending of an attempt is not in the store.
enum NotKept {
    /// The server stopped first, and the job is handed back.
    HandedBack,
    /// It is no longer this worker's.
    Lost,
}

impl From<NotKept> for AttemptOutcome {
    fn from(not_kept: NotKept) -> Self {
        match not_kept {
            NotKept::HandedBack => Self::HandedBack,
            NotKept::Lost => Self::Lost,
        }
    }
}

/// Does the `write` that ends an attempt, however long the store takes to accept it: a job must not
/// stay `running` because the disk was full for a while.
///
/// # Errors
/// [`NotKept`] where it is no longer this worker's, or the server stops first; then the next start takes it
/// up, and needs its work folder.
async fn until_it_is_kept<W>(
    services: &Services,
    fence: Fence,
    mut write: impl FnMut() -> W,
) -> Result<(), NotKept>
where
    W: Future<Output = Result<(), StoreError>>,
{
    let job = fence.id;
    loop {
        match write().await {
            Ok(()) => return Ok(()),
            Err(StoreError::StaleClaim) => {
                tracing::warn!(%job, "the job is no longer this worker's, its ending is dropped");
                return Err(NotKept::Lost);
            }
            Err(error) => tracing::error!(%job, %error, "the ending of the job is not kept yet"),
        }
        tokio::select! {
            () = tokio::time::sleep(ASK_AGAIN_AFTER) => {}
            () = services.hard_stop.cancelled() => {
                // Handed back, it is at least not counted as a loss.
                hand_back(services, fence).await;
                return Err(NotKept::HandedBack);
            }
        }
    }
}
