//! Who works on jobs in this process, and with what.

use std::{sync::Arc, time::Duration};

use farcall_config::Config;
use farcall_jobs::{Programs, Runner, RunnerOptions};
use farcall_metrics::Metrics;
use farcall_server::JobFiles;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::offering::Supply;
use crate::Failure;

/// How long a job of a database waits for a worker that knows its name; longer than a rollout of
/// another version takes.
const VANISHED: Duration = Duration::from_mins(10);

/// What the program says about running jobs, unless the configuration says otherwise.
pub(super) fn options(
    mut options: RunnerOptions,
    config: &Config,
    metrics: &Metrics,
) -> RunnerOptions {
    options.metrics = metrics.clone();
    if let Some(concurrency) = config.jobs.concurrency {
        options.concurrency = concurrency.into();
    }
    if !config.jobs.slots.is_empty() {
        options.slots.clone_from(&config.jobs.slots);
    }
    if config.storage.database_url.is_some() {
        options.is_shared = true;
        options.vanished = options.vanished.max(VANISHED);
    }
    options
}

/// Works on jobs as `supply` says; a server that runs none looks after those of others, until it stops.
///
/// # Errors
/// A [`Failure`] where the store or the folder for files is in the way.
pub(super) async fn begin(
    jobs: &JobFiles,
    programs: &watch::Sender<Programs>,
    supply: &Supply,
    stopping: &CancellationToken,
) -> Result<Option<Runner>, Failure> {
    let (store, artifacts) = (Arc::clone(&jobs.store), jobs.artifacts.clone());
    let (programs, options) = (programs.subscribe(), supply.options.clone());
    if supply.role.works() {
        let runner = Runner::start(store, artifacts, programs, options).await;
        return runner
            .map(Some)
            .map_err(|error| Failure::failed(error.to_string()));
    }
    farcall_jobs::look_on(store, artifacts, programs, options, stopping.clone())
        .await
        .map_err(|error| Failure::failed(error.to_string()))?;
    Ok(None)
}
