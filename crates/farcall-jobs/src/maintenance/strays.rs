//! Removes files that no job needs: of stages that a crash cut off, of claims that were lost.

use std::time::Duration;

use farcall_artifacts::Needed;
use farcall_core::{id::JobId, problem::Problem};
use farcall_store::StoreError;

use crate::{retry::chance, runner::Services};

/// How old a stray is that is removed while jobs run; longer than a worker takes to notice that
/// its claim is lost.
const OLD: Duration = Duration::from_hours(1);

/// Sweeps until the server stops.
pub(crate) async fn keep_tidy(services: Services) {
    // The first time is at any moment, so that it comes also where no server lives that long.
    let mut share = chance();
    loop {
        let pause = services.options.tidy.mul_f64(share);
        share = 0.8 + 0.4 * chance();
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            () = services.soft_stop.cancelled() => return,
        }
        if let Err(problem) = remove(&services, OLD, |epoch| epoch).await {
            let cause = problem.cause().map(ToString::to_string);
            tracing::warn!(%problem, cause, "stray files cannot be looked for");
        }
    }
}

/// Removes all strays, before anything runs: no claim so far may still write.
pub(crate) async fn remove_all(services: &Services) -> Result<(), Problem> {
    remove(services, Duration::ZERO, |_| i64::MAX).await
}

/// Removes strays that are at least `older_than`. Of a job whose last claim is `epoch`, files of
/// claims before `past(epoch)` are strays.
async fn remove(
    services: &Services,
    older_than: Duration,
    past: impl Fn(i64) -> i64 + Copy,
) -> Result<(), Problem> {
    let needed = |jobs: Vec<JobId>| async move {
        let needed = services.store.needed(&jobs).await;
        let needed = needed.map_err(StoreError::problem)?.into_iter();
        let needed = needed.map(|job| Needed {
            job: job.id,
            is_over: job.is_over,
            epoch: past(job.epoch),
            locations: job.locations,
        });
        Ok::<_, Problem>(needed.collect())
    };
    let swept = services.artifacts.strays(older_than, needed).await?;
    tracing::debug!(?swept, "stray files are removed");
    Ok(())
}
