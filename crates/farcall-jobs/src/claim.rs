//! Gives queued jobs to workers, a few at a time.

use std::sync::Arc;

use farcall_store::Claim;
use tokio::{
    sync::Semaphore,
    task::{JoinError, JoinSet},
    time::{Instant, sleep_until},
};

use crate::{Queue, RunnerOptions, execute, runner::Services};

/// Claims and runs jobs until it is told to stop, then waits for the ones that run.
pub(crate) async fn dispatch(services: Services, queue: Queue, options: RunnerOptions) {
    let places = Arc::new(Semaphore::new(
        options.concurrency.clamp(1, Semaphore::MAX_PERMITS),
    ));
    let mut running = JoinSet::new();
    loop {
        let place = tokio::select! {
            place = Arc::clone(&places).acquire_owned() => place,
            () = services.soft_stop.cancelled() => break,
        };
        let Ok(place) = place else { break };
        let Some(claim) = next(&services, &queue, &options).await else {
            break;
        };
        let services = services.clone();
        running.spawn(async move {
            execute::run(services, claim).await;
            drop(place);
        });
        while let Some(ended) = running.try_join_next() {
            note(ended);
        }
    }
    while let Some(ended) = running.join_next().await {
        note(ended);
    }
}

/// A task of ours that panicked must not go unnoticed; its job is taken up by the next start.
fn note(ended: Result<(), JoinError>) {
    if let Err(error) = ended {
        tracing::error!(%error, "a worker ended badly");
    }
}

/// The next job, or `None` when it is time to stop.
async fn next(services: &Services, queue: &Queue, options: &RunnerOptions) -> Option<Claim> {
    loop {
        // Interest comes before the look, so that a job that arrives in between is not missed.
        let arrival = queue.arrival().notified();
        if services.soft_stop.is_cancelled() {
            return None;
        }
        let known = services.programs.names();
        match services.store.claim(known, services.clock.now()).await {
            Ok(Some(claim)) => return Some(claim),
            Ok(None) => {}
            Err(error) => tracing::error!(%error, "no job can be claimed"),
        }
        tokio::select! {
            () = arrival => {}
            () = sleep_until(Instant::now() + options.poll_interval) => {}
            () = services.soft_stop.cancelled() => return None,
        }
    }
}
