//! The clock that cuts what takes too long.

use std::time::Duration;

use tokio::{sync::watch, time::Instant};

use super::rounds::ANSWER_TIME;

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
