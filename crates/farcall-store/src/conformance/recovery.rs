//! Lost workers, lost programs; and the end of a store.

use std::time::Duration;

use farcall_core::{clock::Timestamp, job::state::JobState, problem::ErrorCode};

use super::{
    TestClock,
    fixture::{
        EXPIRY, START, artifact, checkpoint, claimed, employed, enqueued, locations, new_job,
        outcome, record, report, running, standing, unique_id, worker_lost,
    },
};
use crate::{JobStore, Lost, NewJob, Reach, StoreError, message};

pub async fn a_job_goes_on_after_its_last_checkpoint(store: &dyn JobStore) {
    let fence = running(store).await;
    let made = vec![artifact("notes.txt", "1/notes.txt")];
    store.checkpoint(fence, checkpoint(1), made).await.unwrap();
    store.report(fence, report(2)).await.unwrap();

    let lost = Lost {
        id: fence.id,
        became: JobState::Queued,
        counted: false,
    };
    assert_eq!(worker_lost(store).await, [lost]);
    let waiting = record(store, fence.id).await;
    assert_eq!(
        (waiting.state, waiting.attempt, waiting.losses),
        (JobState::Queued, 1, 1)
    );
    assert_eq!((waiting.stage, waiting.progress), (1, None));
    assert_eq!(
        (waiting.message.as_str(), waiting.worker),
        (message::QUEUED, None)
    );

    let again = claimed(store).await;
    assert_eq!((again.attempt, again.losses, again.fence.epoch), (2, 1, 2));
    assert_eq!(again.checkpoint, Some(checkpoint(1)));
    assert_eq!(locations(store, fence.id).await, ["1/notes.txt"]);
}

pub async fn only_running_jobs_have_lost_a_worker(store: &dyn JobStore) {
    let mut others = Vec::new();
    for state in [JobState::Succeeded, JobState::Failed, JobState::Queued] {
        let id = standing(store, state).await;
        others.push(outcome(store, id).await);
    }
    assert_eq!(worker_lost(store).await, []);
    for before in others {
        assert_eq!(outcome(store, before.record.id).await, before);
    }

    let mut expected = vec![claimed(store).await.fence.id];
    for _ in 0..5 {
        expected.push(running(store).await.id);
    }
    let lost = worker_lost(store).await.into_iter();
    assert_eq!(lost.map(|lost| lost.id).collect::<Vec<_>>(), expected);
}

pub async fn jobs_that_nobody_knows_fail_with_a_sentence(
    store: &dyn JobStore,
    clock: &dyn TestClock,
) {
    let after = Duration::from_secs(10);
    let mut orphans = Vec::new();
    for _ in 0..3 {
        let orphan = NewJob {
            job: "encode".to_owned(),
            ..new_job()
        };
        orphans.push(orphan.id);
        store.enqueue(orphan).await.unwrap();
    }
    let waiting = enqueued(store).await;
    clock.advance(10_000).await;
    let offered = ["render"];
    // Without a worker nobody can say what is known.
    assert_eq!(store.give_up(&offered, after).await.unwrap(), []);
    employed(store).await;
    let early = store.give_up(&offered, after * 2).await.unwrap();
    assert_eq!(early, [], "too early");
    assert_eq!(store.give_up(&offered, after).await.unwrap(), orphans);

    let orphan = record(store, orphans[0]).await;
    assert_eq!((orphan.state, orphan.started_at), (JobState::Failed, None));
    assert_eq!(orphan.finished_at, Some(Timestamp(START.0 + 10_000)));
    assert_eq!(orphan.expires_at, Some(Timestamp(EXPIRY.0 + 10_000)));
    let error = orphan.error.unwrap();
    assert_eq!(error.code, ErrorCode::Internal);
    assert!(error.message.contains("`encode`"), "{}", error.message);
    assert_eq!(store.give_up(&offered, after).await.unwrap(), []);
    assert_eq!(record(store, waiting).await.state, JobState::Queued);
}

/// P9: workers of a kind may be away for a while, and a new kind of job may be taken in before any
/// worker knows it.
pub async fn what_was_offered_not_long_ago_has_not_vanished(
    store: &dyn JobStore,
    clock: &dyn TestClock,
) {
    let after = Duration::from_secs(10);
    let waiting = enqueued(store).await;
    employed(store).await;
    clock.advance(10_000).await;
    assert_eq!(store.give_up(&["render", "edit"], after).await.unwrap(), []);
    clock.advance(9_999).await;
    assert_eq!(store.give_up(&["edit"], after).await.unwrap(), []);
    // Whoever gives it no time does not rely on anybody's word, nor leaves one.
    let nothing = Duration::ZERO;
    assert_eq!(store.give_up(&["render"], nothing).await.unwrap(), []);
    clock.advance(1).await;
    assert_eq!(store.give_up(&["edit"], after).await.unwrap(), [waiting]);

    let next = enqueued(store).await;
    assert_eq!(store.give_up(&["edit"], nothing).await.unwrap(), [next]);
}

pub async fn a_store_that_is_closed_says_so(store: &dyn JobStore) {
    let id = enqueued(store).await;
    store.close().await;
    store.close().await;
    assert!(matches!(
        store.record(id, Reach::All).await,
        Err(StoreError::Closed)
    ));
    assert!(matches!(store.ping().await, Err(StoreError::Closed)));
    assert!(matches!(
        store.enqueue(new_job()).await,
        Err(StoreError::Closed)
    ));
    assert!(matches!(
        store.record(unique_id(), Reach::All).await,
        Err(StoreError::Closed)
    ));
}
