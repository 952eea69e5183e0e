//! Takes up what an earlier run left behind, once, before the first job runs.

use farcall_core::problem::Problem;
use farcall_store::StoreError;

use super::strays;
use crate::{processes, runner::Services};

/// Puts lost jobs back into the queue, ends the ones nobody can run, and removes stray files
/// where nobody else can be writing any.
pub(crate) async fn recover(services: &Services) -> Result<(), Problem> {
    let workers = services.store.workers().await;
    let workers = workers.map_err(StoreError::problem)?;
    let dead: Vec<_> = workers
        .into_iter()
        .map(|known| known.worker)
        .filter(|worker| processes::is_dead(&worker.identity))
        .map(|worker| worker.id)
        .collect();
    let swept = services.sweep().once(&dead).await;
    swept.map_err(StoreError::problem)?;
    if services.options.is_shared {
        return Ok(());
    }
    strays::remove_all(services).await
}
