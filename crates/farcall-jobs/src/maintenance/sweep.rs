//! Looks again and again for jobs that nobody will end: their worker is lost, they have waited too
//! long, or nobody knows them any more.

use std::{sync::Arc, time::Duration};

use farcall_artifacts::Artifacts;
use farcall_core::job::state::JobState;
use farcall_store::{JobStore, StoreError, WorkerId};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::{Programs, RunnerOptions, finish, retry::chance};

/// What it takes to look for such jobs; any process can, whether it runs jobs or not.
pub(crate) struct Sweep {
    pub(crate) store: Arc<dyn JobStore>,
    pub(crate) artifacts: Artifacts,
    pub(crate) offered: watch::Receiver<Programs>,
    pub(crate) options: Arc<RunnerOptions>,
}

impl Sweep {
    /// Sweeps until `stop`, whenever `may` says so.
    pub(crate) async fn keep_on(self, may: impl Fn() -> bool, stop: CancellationToken) {
        loop {
            tokio::select! {
                () = tokio::time::sleep(spread(self.options.sweep)) => {}
                () = stop.cancelled() => return,
            }
            if !may() {
                continue;
            }
            if let Err(error) = self.once(&[]).await {
                tracing::warn!(%error, "lost jobs cannot be looked for");
            }
        }
    }

    /// Takes their jobs from workers that are lost, and from those in `dead`; ends what cannot be
    /// run.
    pub(crate) async fn once(&self, dead: &[WorkerId]) -> Result<(), StoreError> {
        for lost in self.store.rescue(dead).await? {
            if lost.became == JobState::Failed {
                tracing::warn!(job = %lost.id, "the job lost its worker once too often and has failed");
                finish::clean_up(&self.artifacts, lost.id).await;
            } else {
                tracing::info!(job = %lost.id, "the job lost its worker and goes on");
            }
        }
        let programs = self.offered.borrow().clone();
        let offered: Vec<_> = programs.names().collect();
        let given_up = self.store.give_up(&offered, self.options.vanished).await?;
        for job in given_up {
            tracing::warn!(%job, "the job has failed, no worker began with it in time, or none knows it");
            finish::clean_up(&self.artifacts, job).await;
        }
        Ok(())
    }
}

/// Shorter by up to two fifths, so that servers which were started together do not sweep together;
/// never longer, because a lost job waits for this.
fn spread(pause: Duration) -> Duration {
    pause.mul_f64(0.6 + 0.4 * chance())
}
