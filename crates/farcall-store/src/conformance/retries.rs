//! Errors that are not the end.

use std::time::Duration;

use farcall_core::{clock::Timestamp, job::state::JobState};

use super::{
    TestClock,
    fixture::{START, checkpoint, claimed, nothing_to_claim, record, report, running},
};
use crate::JobStore;

/// P8: a job that is tried again waits, and the wait is on disk.
pub async fn a_retry_waits_and_goes_on_after_the_last_checkpoint(
    store: &dyn JobStore,
    clock: &dyn TestClock,
) {
    let fence = running(store).await;
    store
        .checkpoint(fence, checkpoint(1), vec![])
        .await
        .unwrap();
    store.report(fence, report(2)).await.unwrap();
    let after = Duration::from_secs(5);
    let message = "tries again in 5 s".to_owned();
    store.retry(fence, after, message.clone()).await.unwrap();

    let waiting = record(store, fence.id).await;
    assert_eq!((waiting.state, waiting.stage), (JobState::Queued, 1));
    assert_eq!((waiting.attempt, waiting.losses), (1, 0));
    assert_eq!(waiting.run_at, Timestamp(START.0 + 5_000));
    assert_eq!(waiting.message, message);
    clock.advance(4_999).await;
    nothing_to_claim(store).await;
    clock.advance(1).await;
    let again = claimed(store).await;
    assert_eq!((again.attempt, again.checkpoint), (2, Some(checkpoint(1))));
}
