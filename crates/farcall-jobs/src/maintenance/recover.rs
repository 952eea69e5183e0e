//! Takes up what an earlier run left behind, once, before the first job runs.

use std::time::Duration;

use farcall_artifacts::Needed;
use farcall_core::{id::JobId, problem::Problem};
use farcall_store::StoreError;

use super::sweep::sweep;
use crate::{processes, runner::Services};

/// Puts lost jobs back into the queue, ends the ones nobody can run, and removes stray files.
pub(crate) async fn recover(services: &Services) -> Result<(), Problem> {
    let workers = services.store.workers().await;
    let workers = workers.map_err(StoreError::problem)?;
    let dead: Vec<_> = workers
        .into_iter()
        .map(|known| known.worker)
        .filter(|worker| processes::is_dead(&worker.identity))
        .map(|worker| worker.id)
        .collect();
    let swept = sweep(services, &dead).await;
    swept.map_err(StoreError::problem)?;
    remove_strays(services).await
}

async fn remove_strays(services: &Services) -> Result<(), Problem> {
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
