//! Ends a job: its result is published once, or its failure is written down.

use std::{io::Write, time::Duration};

use farcall_artifacts::ArtifactError;
use farcall_core::{
    artifact::{Artifact, media_type_of},
    problem::{ErrorCode, Problem},
};
use farcall_store::{Claim, Fence, JobError, StoreError, Success};
use serde_json::Value;

use crate::{insist::insist, runner::Services};

/// The file that holds the result of a job that wrote no file of its own.
const RESULT_FILE: &str = "result.json";

/// How soon the store is asked again to take an ending that it refused.
const RETRY_AFTER: Duration = Duration::from_secs(5);

/// Publishes what the last stage returned, with the files of all stages; where that cannot be
/// kept, the job has failed.
pub(crate) async fn succeed(
    services: &Services,
    claim: &Claim,
    value: Value,
    artifacts: Vec<Artifact>,
) {
    match publish(services, claim, value, artifacts).await {
        Ok(()) => remove_work_dir(services, claim.fence).await,
        Err(problem) => fail(services, claim, &problem).await,
    }
}

/// Writes a failure down, and removes the files that nobody can fetch any more.
pub(crate) async fn fail(services: &Services, claim: &Claim, problem: &Problem) {
    if !fail_for_certain(services, claim, problem).await {
        return;
    }
    let (artifacts, job) = (services.artifacts.clone(), claim.fence.id);
    let removed = tokio::task::spawn_blocking(move || artifacts.remove_files(job)).await;
    if let Ok(Err(error)) = removed {
        tracing::warn!(%job, %error, "files of the failed job are left behind");
    }
    remove_work_dir(services, claim.fence).await;
}

async fn remove_work_dir(services: &Services, fence: Fence) {
    let artifacts = services.artifacts.clone();
    let removed = tokio::task::spawn_blocking(move || artifacts.remove_work_dir(fence.id)).await;
    if let Ok(Err(error)) = removed {
        tracing::warn!(job = %fence.id, %error, "the work folder of the job is left behind");
    }
}

/// Puts a job back into the queue because the server stops.
pub(crate) async fn hand_back(services: &Services, fence: Fence) {
    match services.store.release(fence).await {
        Ok(()) => {
            tracing::info!(job = %fence.id, "the job is handed back, it goes on with the next start");
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
    let has_value = known.is_some_and(|known| known.job.program.has_value());
    let has_files = !artifacts.is_empty() || has_recorded_files(services, claim).await?;
    if !has_files {
        artifacts.push(write_result(services, claim.fence, value.clone()).await?);
    }
    let success = Success {
        value: has_value.then_some(value),
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

/// Writes a failure down, however long the store takes to accept it: a job must not stay
/// `running` because the disk was full for a while. `false` where it is no longer this worker's,
/// or the server stops first; then the next start takes it up, and needs its work folder.
async fn fail_for_certain(services: &Services, claim: &Claim, problem: &Problem) -> bool {
    let job = claim.fence.id;
    loop {
        match write_failure(services, claim, problem).await {
            Ok(()) => return true,
            Err(StoreError::StaleClaim) => {
                tracing::warn!(%job, "the job is no longer this worker's, its ending is dropped");
                return false;
            }
            Err(error) => tracing::error!(%job, %error, "the ending of the job is not kept yet"),
        }
        tokio::select! {
            () = tokio::time::sleep(RETRY_AFTER) => {}
            () = services.hard_stop.cancelled() => {
                // Handed back, it is at least not counted as a loss.
                hand_back(services, claim.fence).await;
                return false;
            }
        }
    }
}

async fn write_failure(
    services: &Services,
    claim: &Claim,
    problem: &Problem,
) -> Result<(), StoreError> {
    let cause = problem.cause().map(ToString::to_string);
    tracing::warn!(job = %claim.fence.id, kind = claim.job, code = %problem.code(), error = %problem, cause, "the job has failed");
    let code = match problem.code() {
        ErrorCode::UnknownJob => ErrorCode::UserError,
        code => code,
    };
    let error = JobError {
        code,
        message: problem.public_message(),
    };
    services.store.fail(claim.fence, error).await
}
