//! Deletes what has expired: first the files of a job, then its record, so that no file is left
//! that nothing knows of.

use farcall_artifacts::ArtifactError;
use farcall_core::{id::JobId, problem::Problem};
use farcall_store::StoreError;

use crate::{retry::chance, runner::Services};

/// How many jobs are deleted at once.
const BATCH: u32 = 100;

/// Prunes until the server stops.
pub(crate) async fn keep_pruning(services: Services) {
    loop {
        let pause = services.options.prune.mul_f64(0.8 + 0.4 * chance());
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            () = services.soft_stop.cancelled() => return,
        }
        match prune(&services).await {
            Ok(0) => {}
            Ok(jobs) => tracing::info!(jobs, "expired jobs are deleted"),
            Err(error) => tracing::warn!(%error, "expired jobs cannot be deleted"),
        }
    }
}

/// Deletes all that has expired, and says how many jobs that were.
async fn prune(services: &Services) -> Result<u64, StoreError> {
    let mut pruned = 0;
    loop {
        let expired = services.store.expired(BATCH).await?;
        let mut bare = Vec::with_capacity(expired.len());
        for job in &expired {
            match remove_files(services, *job).await {
                Ok(()) => bare.push(*job),
                Err(error) => {
                    let cause = error.cause().map(ToString::to_string);
                    tracing::warn!(%job, cause, "the files of an expired job cannot be removed, it is kept");
                }
            }
        }
        let deleted = if bare.is_empty() {
            0
        } else {
            services.store.delete(&bare).await?
        };
        pruned += deleted;
        // What could not be removed comes again with the next round.
        let is_all = expired.len() < BATCH as usize || bare.len() < expired.len();
        if is_all || services.soft_stop.is_cancelled() {
            return Ok(pruned);
        }
    }
}

async fn remove_files(services: &Services, job: JobId) -> Result<(), Problem> {
    let removed = services.artifacts.remove(job).await;
    removed.map_err(ArtifactError::into_problem)?;
    let artifacts = services.artifacts.clone();
    let removed = tokio::task::spawn_blocking(move || artifacts.remove_work_dir(job)).await?;
    removed.map_err(ArtifactError::into_problem)
}
