//! Jobs that have lost their worker, and may be why.

use std::time::Duration;

use farcall_core::{job::state::JobState, problem::ErrorCode};

use super::{
    TestClock,
    fixture::{
        LEASE, claim, claimed, employed, enqueued, known, new_job, new_worker, nothing_to_claim,
        record, running, worker_lost,
    },
};
use crate::{JobStore, Which};

/// P7: a job that lost its worker re-runs alone.
pub async fn a_lost_job_is_claimed_only_alone(store: &dyn JobStore, clock: &dyn TestClock) {
    let fence = running(store).await;
    worker_lost(store).await;
    let innocent = enqueued(store).await;
    clock.advance(500).await;
    let beat = store.beat(employed(store).await, LEASE).await.unwrap();
    assert_eq!(beat.suspect_waits, Some(Duration::from_millis(500)));

    let other = claim(store, &known(), Which::Others).await.unwrap();
    assert_eq!((other.fence.id, other.alone), (innocent, false));
    assert_eq!(claim(store, &known(), Which::Others).await, None);
    let suspect = claim(store, &known(), Which::Suspect).await.unwrap();
    assert_eq!((suspect.fence.id, suspect.alone), (fence.id, true));
    assert_eq!(claim(store, &known(), Which::Suspect).await, None);
    let beat = store.beat(employed(store).await, LEASE).await.unwrap();
    assert_eq!(beat.suspect_waits, None);
}

/// P7: not all workers stand still for one job.
pub async fn each_worker_has_its_turn_to_make_room(store: &dyn JobStore, clock: &dyn TestClock) {
    running(store).await;
    worker_lost(store).await;
    clock.advance(500).await;
    let mut workers = Vec::new();
    for knows in [true, true, false, true] {
        let mut worker = new_worker();
        if !knows {
            worker.programs = [("encode".to_owned(), "f1".to_owned())].into();
        }
        workers.push((worker.id, knows));
        store.register(worker, LEASE).await.unwrap();
    }
    workers.sort_unstable();
    let mut turn = 0;
    for (id, knows) in &workers {
        let beat = store.beat(*id, LEASE).await.unwrap();
        let waits = knows.then_some(Duration::from_millis(500));
        let before = if *knows { turn } else { 0 };
        assert_eq!((beat.suspect_waits, beat.before), (waits, before));
        turn += u32::from(*knows);
    }
    // Who is gone is waited for by nobody.
    let first = workers.iter().find(|(_, knows)| *knows).unwrap().0;
    store.rescue(&[first]).await.unwrap();
    let last = workers.iter().rfind(|(_, knows)| *knows).unwrap().0;
    assert_eq!(store.beat(last, LEASE).await.unwrap().before, 1);
}

/// P7: only a loss while alone counts, and the second one ends it.
pub async fn at_its_second_loss_while_alone_a_job_fails_with_a_sentence(store: &dyn JobStore) {
    let fence = running(store).await;
    for (losses, counted_losses, state) in [
        (1, 0, JobState::Queued),
        (2, 1, JobState::Queued),
        (3, 2, JobState::Failed),
    ] {
        let lost = worker_lost(store).await;
        assert_eq!((lost[0].became, lost[0].counted), (state, losses > 1));
        let found = record(store, fence.id).await;
        assert_eq!(
            (found.losses, found.counted_losses),
            (losses, counted_losses)
        );
        assert_eq!(found.state, state);
        if state == JobState::Queued {
            assert!(claimed(store).await.alone);
        }
    }
    let found = record(store, fence.id).await;
    let error = found.error.unwrap();
    assert_eq!((found.attempt, error.code), (3, ErrorCode::WorkerLost));
    assert!(error.message.contains("2 times"), "{}", error.message);
    nothing_to_claim(store).await;
}

pub async fn a_job_that_must_not_run_again_fails_at_its_first_loss(store: &dyn JobStore) {
    let mut job = new_job();
    job.terms.max_losses = 0;
    let id = job.id;
    store.enqueue(job).await.unwrap();
    claimed(store).await;
    worker_lost(store).await;
    let found = record(store, id).await;
    assert_eq!((found.state, found.losses), (JobState::Failed, 1));
    assert_eq!(found.error.unwrap().code, ErrorCode::WorkerLost);
}

pub async fn a_release_keeps_the_suspicion_and_a_retry_clears_it(store: &dyn JobStore) {
    running(store).await;
    worker_lost(store).await;
    let fence = claimed(store).await.fence;
    store.release(fence).await.unwrap();
    assert_eq!(claim(store, &known(), Which::Others).await, None);
    let fence = claimed(store).await.fence;
    let again = "tries again".to_owned();
    store.retry(fence, Duration::ZERO, again).await.unwrap();
    let next = claim(store, &known(), Which::Others).await.unwrap();
    assert!(!next.alone);
}
