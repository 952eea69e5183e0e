//! Jobs that are not wanted any more.

use std::time::Duration;

use farcall_core::{job::state::JobState, problem::ErrorCode};

use super::fixture::{
    EXPIRY, LEASE, START, enqueued, failure, nothing_to_claim, outcome, record, running, standing,
    success, unique_id, worker_lost,
};
use crate::{Cancelled, JobStore, Reach};

pub async fn a_job_that_waits_is_over_at_once(store: &dyn JobStore) {
    let id = enqueued(store).await;
    let Some(Cancelled::Now(over)) = store.cancel(id, Reach::All).await.unwrap() else {
        panic!("it waited");
    };
    assert_eq!(over, record(store, id).await);
    assert_eq!(over.state, JobState::Failed);
    assert_eq!(
        (over.finished_at, over.expires_at),
        (Some(START), Some(EXPIRY))
    );
    assert_eq!(over.error.unwrap().code, ErrorCode::Cancelled);
    nothing_to_claim(store).await;
}

pub async fn a_job_that_runs_is_told_once_and_may_still_succeed(store: &dyn JobStore) {
    let fence = running(store).await;
    let worker = record(store, fence.id).await.worker.unwrap();
    for _ in 0..2 {
        let answer = store.cancel(fence.id, Reach::All).await.unwrap();
        let Some(Cancelled::Requested(asked)) = answer else {
            panic!("it runs: {answer:?}");
        };
        assert!(asked.cancel_requested && asked.state == JobState::Running);
    }
    let beat = store.beat(worker, LEASE).await.unwrap();
    assert_eq!(beat.cancelled, [fence]);
    store.succeed(fence, success()).await.unwrap();
    let beat = store.beat(worker, LEASE).await.unwrap();
    assert_eq!(beat.cancelled, []);
    assert_eq!(record(store, fence.id).await.state, JobState::Succeeded);
}

pub async fn what_is_over_stays_as_it_is(store: &dyn JobStore) {
    for state in [JobState::Succeeded, JobState::Failed] {
        let id = standing(store, state).await;
        let before = outcome(store, id).await;
        let answer = store.cancel(id, Reach::All).await.unwrap();
        assert_eq!(answer, Some(Cancelled::WasOver(before.record.clone())));
        assert_eq!(outcome(store, id).await, before);
    }
    assert_eq!(store.cancel(unique_id(), Reach::All).await.unwrap(), None);
}

/// P10: a cancelled job does not come back, whatever its worker does.
pub async fn a_cancelled_job_never_goes_back_into_the_queue(store: &dyn JobStore) {
    for way in ["released", "retried", "lost"] {
        let fence = running(store).await;
        store.cancel(fence.id, Reach::All).await.unwrap();
        match way {
            "released" => store.release(fence).await.unwrap(),
            "retried" => {
                let again = store.retry(fence, Duration::ZERO, String::new());
                again.await.unwrap();
            }
            _ => assert_eq!(worker_lost(store).await[0].became, JobState::Failed),
        }
        let found = record(store, fence.id).await;
        assert_eq!(found.state, JobState::Failed, "{way}");
        assert_eq!(found.error.unwrap().code, ErrorCode::Cancelled, "{way}");
        assert_eq!(found.finished_at, Some(START), "{way}");
    }
    let fence = running(store).await;
    store.cancel(fence.id, Reach::All).await.unwrap();
    store.fail(fence, failure()).await.unwrap();
    assert_eq!(record(store, fence.id).await.error, Some(failure()));
}
