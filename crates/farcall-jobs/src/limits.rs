//! When an attempt has to stop, and how long it may take to.

use std::time::Duration;

use farcall_core::{id::JobId, job::StopReason};
use farcall_store::{Claim, Hint, WorkerId};
use tokio::{sync::broadcast::error::RecvError, time::Instant};

use crate::{runner::Services, stop::Stop};

/// How long stages may take to stop when the server stops; it has no more time itself.
const WIND_DOWN: Duration = Duration::from_secs(2);

/// Tells `work` to stop as soon as there is a reason to, and returns it when the time to react to
/// it is over.
pub(crate) async fn overrun(
    services: &Services,
    claim: &Claim,
    by: WorkerId,
    work: &Stop,
) -> StopReason {
    let told = tokio::select! {
        reason = services.worker.news_of(claim.fence, by) => reason,
        () = cancelled(services, claim.fence.id) => StopReason::Cancelled,
        // Only a report that was refused as stale tells it from elsewhere.
        () = work.token().cancelled() => StopReason::Lost,
        () = timed_out(services, claim, work) => StopReason::TimedOut,
        () = services.hard_stop.cancelled() => StopReason::Stopping,
    };
    let reason = work.because(told);
    let grace = if reason == StopReason::Stopping {
        WIND_DOWN
    } else {
        services.options.grace
    };
    tokio::select! {
        () = tokio::time::sleep(grace) => {}
        () = wound_down(services) => {}
    }
    reason
}

/// Returns when the attempt has worked for as long as its job may; to wait for an answer of its
/// caller is no work.
async fn timed_out(services: &Services, claim: &Claim, work: &Stop) {
    let Some(mut left) = services.programs.timeout(&claim.job) else {
        return std::future::pending().await;
    };
    let mut waiting = work.waiting();
    loop {
        let began = Instant::now();
        tokio::select! {
            () = tokio::time::sleep(left) => return,
            _ = waiting.wait_for(|places| *places > 0) => {}
        }
        left = left.saturating_sub(began.elapsed());
        // The sender is there as long as `work` is.
        let _ = waiting.wait_for(|places| *places == 0).await;
    }
}

/// Returns when the server has stopped for so long that it waits for nothing any more.
async fn wound_down(services: &Services) {
    services.hard_stop.cancelled().await;
    tokio::time::sleep(WIND_DOWN).await;
}

/// Returns when it is heard that the job was cancelled. Whatever is not heard comes with a beat.
async fn cancelled(services: &Services, job: JobId) {
    let mut hints = services.store.hints();
    loop {
        match hints.recv().await {
            Ok(Hint::CancelRequested(cancelled)) if cancelled == job => return,
            Ok(_) | Err(RecvError::Lagged(_)) => {}
            Err(RecvError::Closed) => std::future::pending().await,
        }
    }
}
