//! Takes up what an earlier run left behind, once, before the first job runs.
//!
//! The data folder is locked, so whatever is `running` in the store has lost its worker.

use std::collections::HashSet;

use farcall_artifacts::ArtifactError;
use farcall_core::{clock::Timestamp, job::DEFAULT_KEEP_FOR, problem::Problem};
use farcall_store::StoreError;

use crate::runner::Services;

/// Puts lost jobs back into the queue, ends the ones nobody can run, and removes stray files.
pub(crate) async fn recover(services: &Services, max_losses: u32) -> Result<(), Problem> {
    let now = services.clock.now();
    let keep_for = i64::try_from(DEFAULT_KEEP_FOR.as_millis()).unwrap_or(i64::MAX);
    let expires_at = Timestamp(now.0.saturating_add(keep_for));
    let store = &services.store;

    let recovered = store
        .recover(max_losses, now, expires_at)
        .await
        .map_err(StoreError::problem)?;
    for job in &recovered.requeued {
        tracing::info!(%job, "the job lost its worker and goes on");
    }
    for job in &recovered.lost {
        tracing::warn!(%job, "the job lost its worker too often and has failed");
    }
    let known = services.programs.names();
    let orphans = store
        .fail_orphans(known, now, expires_at)
        .await
        .map_err(StoreError::problem)?;
    for job in &orphans {
        tracing::warn!(%job, "the job has failed, its program no longer exists");
    }

    let locations: HashSet<_> = store
        .artifact_locations()
        .await
        .map_err(StoreError::problem)?
        .into_iter()
        .collect();
    let unfinished: HashSet<_> = store
        .unfinished()
        .await
        .map_err(StoreError::problem)?
        .into_iter()
        .collect();
    let artifacts = services.artifacts.clone();
    let swept = tokio::task::spawn_blocking(move || artifacts.sweep(&locations, &unfinished));
    let swept = swept.await?.map_err(ArtifactError::into_problem)?;
    tracing::debug!(?swept, "stray files are removed");
    Ok(())
}
