//! A worker that is not the job's any more cannot write.

use std::time::Duration;

use farcall_core::job::state::JobState;

use super::fixture::{
    artifact, checkpoint, claimed, failure, locations, outcome, report, running, standing, success,
    worker_lost,
};
use crate::{Fence, JobStore, StoreError};

pub async fn a_claim_that_was_handed_on_is_stale(store: &dyn JobStore) {
    let first = running(store).await;
    store
        .checkpoint(first, checkpoint(1), vec![])
        .await
        .unwrap();
    store.release(first).await.unwrap();
    every_write_is_stale(store, first).await;

    let second = claimed(store).await.fence;
    every_write_is_stale(store, first).await;
    worker_lost(store).await;
    every_write_is_stale(store, second).await;

    let third = claimed(store).await;
    every_write_is_stale(store, second).await;
    assert_eq!(
        (third.fence.epoch, third.checkpoint),
        (3, Some(checkpoint(1)))
    );
    store.succeed(third.fence, success()).await.unwrap();
}

pub async fn a_claim_that_was_never_made_is_stale(store: &dyn JobStore) {
    let id = standing(store, JobState::Queued).await;
    every_write_is_stale(store, Fence { id, epoch: 0 }).await;
    every_write_is_stale(store, Fence { id, epoch: 1 }).await;
    let fence = claimed(store).await.fence;
    every_write_is_stale(store, Fence { epoch: 2, ..fence }).await;
}

pub async fn a_job_that_is_over_makes_its_claim_stale(store: &dyn JobStore) {
    for state in [JobState::Succeeded, JobState::Failed] {
        let id = standing(store, state).await;
        every_write_is_stale(store, Fence { id, epoch: 2 }).await;
    }
}

async fn every_write_is_stale(store: &dyn JobStore, fence: Fence) {
    let before = outcome(store, fence.id).await;
    let needed = locations(store, fence.id).await;
    let made = || vec![artifact("late.txt", "0/late.txt")];
    let answers = [
        ("report", store.report(fence, report(3)).await),
        (
            "checkpoint",
            store.checkpoint(fence, checkpoint(3), made()).await,
        ),
        ("restart", store.restart(fence, 9, "f9".to_owned()).await),
        ("succeed", store.succeed(fence, success()).await),
        ("fail", store.fail(fence, failure()).await),
        ("release", store.release(fence).await),
        (
            "retry",
            store.retry(fence, Duration::ZERO, String::new()).await,
        ),
        ("ask", store.ask(fence, &[]).await.map(drop)),
    ];
    for (write, answer) in answers {
        assert!(
            matches!(answer, Err(StoreError::StaleClaim)),
            "{write}: {answer:?}"
        );
    }
    assert_eq!(outcome(store, fence.id).await, before);
    assert_eq!(locations(store, fence.id).await, needed);
}
