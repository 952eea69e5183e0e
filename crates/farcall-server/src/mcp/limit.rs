//! The clocks that cut what takes too long, and what nobody waits for any more.

use std::time::Duration;

use farcall_core::context::CallContext;
use tokio::{sync::watch, time::Instant};

use super::rounds::ANSWER_TIME;

/// How long code may go on when its caller has gone, to tidy up.
pub(super) const TIDY_UP_TIME: Duration = Duration::from_secs(1);

/// Returns when the caller has gone, and the code that answers it has had its time to tidy up:
/// the SDK cancels the token, and leaves the rest to the handler.
pub(super) async fn abandoned(context: &CallContext) {
    context.cancellation().cancelled().await;
    tokio::time::sleep(TIDY_UP_TIME).await;
}

/// Returns when a call has worked for `limit`; waiting for an answer of the client is no work,
/// and has a limit of its own.
pub(super) async fn reached(mut limit: Duration, mut waiting: watch::Receiver<bool>) {
    loop {
        let began = Instant::now();
        tokio::select! {
            () = tokio::time::sleep(limit) => return,
            _ = waiting.wait_for(|is_waiting| *is_waiting) => {}
        }
        limit = limit.saturating_sub(began.elapsed());
        if tokio::time::timeout(ANSWER_TIME, waiting.wait_for(|is_waiting| !is_waiting))
            .await
            .is_err()
        {
            return;
        }
    }
}
