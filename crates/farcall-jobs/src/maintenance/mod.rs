//! What keeps jobs and their files in order around the work itself.

mod prune;
mod recover;
mod strays;
pub(crate) mod sweep;

use std::sync::Arc;

use farcall_artifacts::Artifacts;
use farcall_store::{JobStore, StoreError};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

pub(crate) use self::recover::recover;
use self::sweep::Sweep;
use crate::{Programs, RunnerOptions, StartError, runner::Services};

/// Looks after jobs until `stop` in a server that runs none: what lost its worker goes on, and what
/// nobody will run ends, also where no worker is left that would see to it.
///
/// # Errors
/// [`StartError`] where the store cannot be put in order.
pub async fn look_on(
    store: Arc<dyn JobStore>,
    artifacts: Artifacts,
    offered: watch::Receiver<Programs>,
    options: RunnerOptions,
    stop: CancellationToken,
) -> Result<(), StartError> {
    let sweep = Sweep {
        store,
        artifacts,
        offered,
        options: Arc::new(options),
    };
    let swept = sweep.once(&[]).await;
    swept.map_err(StoreError::problem)?;
    tokio::spawn(sweep.keep_on(|| true, stop));
    Ok(())
}

/// Begins what is done again and again until the server stops.
pub(crate) fn start(services: &Services) {
    // Whoever stood still for a while beats first, and so loses nothing to himself.
    let worker = Arc::clone(&services.worker);
    let may = move || worker.holds_its_lease();
    tokio::spawn(services.sweep().keep_on(may, services.soft_stop.clone()));
    tokio::spawn(prune::keep_pruning(services.clone()));
    tokio::spawn(strays::keep_tidy(services.clone()));
}
