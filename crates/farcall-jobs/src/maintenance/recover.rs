//! Takes up what an earlier run left behind, once, before the first job runs.

use std::{collections::HashSet, time::Duration};

use farcall_artifacts::ArtifactError;
use farcall_core::{id::JobId, job::state::JobState, problem::Problem};
use farcall_store::StoreError;

use crate::runner::Services;

/// How many jobs the store is asked about at once.
const BATCH: usize = 500;

/// Puts lost jobs back into the queue, ends the ones nobody can run, and removes stray files.
pub(crate) async fn recover(services: &Services) -> Result<(), Problem> {
    let store = &services.store;
    let lost = store.rescue(&[]).await.map_err(StoreError::problem)?;
    for job in lost {
        if job.became == JobState::Failed {
            tracing::warn!(job = %job.id, "the job lost its worker once too often and has failed");
        } else {
            tracing::info!(job = %job.id, "the job lost its worker and goes on");
        }
    }
    // The folder is this process's alone, so what it does not know nobody knows.
    let orphans = store.give_up(Duration::ZERO).await;
    for job in orphans.map_err(StoreError::problem)? {
        tracing::warn!(%job, "the job has failed, its program no longer exists");
    }
    sweep(services).await
}

async fn sweep(services: &Services) -> Result<(), Problem> {
    let artifacts = services.artifacts.clone();
    let jobs = tokio::task::spawn_blocking(move || artifacts.jobs()).await?;
    let jobs = jobs.map_err(ArtifactError::into_problem)?;
    let jobs: Vec<JobId> = jobs.into_iter().collect();
    let (mut locations, mut unfinished) = (HashSet::new(), HashSet::new());
    for batch in jobs.chunks(BATCH) {
        let needed = services.store.needed(batch).await;
        for job in needed.map_err(StoreError::problem)? {
            locations.extend(job.locations);
            if !job.is_over {
                unfinished.insert(job.id);
            }
        }
    }
    let artifacts = services.artifacts.clone();
    let swept = tokio::task::spawn_blocking(move || artifacts.sweep(&locations, &unfinished));
    let swept = swept.await?.map_err(ArtifactError::into_problem)?;
    tracing::debug!(?swept, "stray files are removed");
    Ok(())
}
