//! Takes up what an earlier run left behind, once, before the first job runs.

use std::time::Duration;

use farcall_artifacts::Needed;
use farcall_core::{id::JobId, job::state::JobState, problem::Problem};
use farcall_store::StoreError;

use crate::runner::Services;

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
    let needed = |jobs: Vec<JobId>| async move {
        let needed = services.store.needed(&jobs).await;
        let needed = needed.map_err(StoreError::problem)?.into_iter();
        let needed = needed.map(|job| Needed {
            job: job.id,
            is_over: job.is_over,
            // Nothing runs yet, so no claim so far may still write.
            epoch: i64::MAX,
            locations: job.locations,
        });
        Ok::<_, Problem>(needed.collect())
    };
    let swept = services.artifacts.strays(Duration::ZERO, needed).await?;
    tracing::debug!(?swept, "stray files are removed");
    Ok(())
}
