//! Looks again and again for jobs that nobody will end: their worker is lost, they have waited too
//! long, or nobody knows them any more.

use std::time::Duration;

use farcall_core::job::state::JobState;
use farcall_store::{StoreError, WorkerId};

use crate::{finish, retry::chance, runner::Services};

/// Sweeps until the server stops.
pub(crate) async fn keep_sweeping(services: Services) {
    loop {
        tokio::select! {
            () = tokio::time::sleep(spread(services.options.sweep)) => {}
            () = services.soft_stop.cancelled() => return,
        }
        // Whoever stood still for a while beats first, and so loses nothing to himself.
        if !services.worker.holds_its_lease() {
            continue;
        }
        if let Err(error) = sweep(&services, &[]).await {
            tracing::warn!(%error, "lost jobs cannot be looked for");
        }
    }
}

/// Takes their jobs from workers that are lost, and from those in `dead`; ends what cannot be run.
pub(crate) async fn sweep(services: &Services, dead: &[WorkerId]) -> Result<(), StoreError> {
    for lost in services.store.rescue(dead).await? {
        if lost.became == JobState::Failed {
            tracing::warn!(job = %lost.id, "the job lost its worker once too often and has failed");
            finish::clean_up(services, lost.id).await;
        } else {
            tracing::info!(job = %lost.id, "the job lost its worker and goes on");
        }
    }
    for job in services.store.give_up(services.options.vanished).await? {
        tracing::warn!(%job, "the job has failed, no worker began with it in time, or none knows it");
        finish::clean_up(services, job).await;
    }
    Ok(())
}

/// Shorter by up to two fifths, so that servers which were started together do not sweep together;
/// never longer, because a lost job waits for this.
fn spread(pause: Duration) -> Duration {
    pause.mul_f64(0.6 + 0.4 * chance())
}
