//! Starts that are repetitions of others.

use std::{collections::HashSet, time::Duration};

use farcall_core::{id::JobId, job::state::JobState};
use futures_util::future::join_all;

use super::{
    TestClock,
    fixture::{KEPT, claimed, enqueued, failure, new_job, record, running, success, unique_id},
};
use crate::{Cancelled, JobStore, NewJob, Reach, Same, StoreError};

fn keyed(key: &str) -> NewJob {
    NewJob {
        key: Some(key.to_owned()),
        ..new_job()
    }
}

fn unique() -> NewJob {
    NewJob {
        unique_for: Some(Duration::from_secs(15)),
        ..new_job()
    }
}

/// The job that a start came to, and why it is an earlier one.
async fn start(store: &dyn JobStore, job: NewJob) -> (JobId, Option<Same>) {
    let job = NewJob {
        id: unique_id(),
        ..job
    };
    let enqueued = store.enqueue(job).await.unwrap();
    (enqueued.record.id, enqueued.was_there)
}

/// P2: the same key gives the same job.
pub async fn sixty_four_starts_of_one_key_are_one_job(store: &dyn JobStore) {
    let starts = join_all((0..64).map(|_| start(store, keyed("k")))).await;
    let made: Vec<_> = starts.iter().filter(|start| start.1.is_none()).collect();
    assert_eq!(made.len(), 1);
    let ids: HashSet<_> = starts.iter().map(|start| start.0).collect();
    assert_eq!(ids.len(), 1);
    // What became of it does not matter.
    store
        .succeed(claimed(store).await.fence, success())
        .await
        .unwrap();
    let again = store.enqueue(keyed("k")).await.unwrap();
    assert_eq!(again.record.state, JobState::Succeeded);
    assert_eq!(again.was_there, Some(Same::Key));
}

/// P2: the same key with other arguments is an error.
pub async fn a_key_with_other_arguments_is_a_conflict(store: &dyn JobStore) {
    let (id, _) = start(store, keyed("k")).await;
    let other = NewJob {
        args_hash: [0xcd; 32],
        ..keyed("k")
    };
    let answer = store.enqueue(other.clone()).await;
    assert!(matches!(answer, Err(StoreError::KeyConflict)), "{answer:?}");
    // A key belongs to one caller and one kind of job.
    for free in [
        NewJob {
            owner: "bob".to_owned(),
            ..other.clone()
        },
        NewJob {
            job: "encode".to_owned(),
            ..other
        },
    ] {
        let (made, was_there) = start(store, free).await;
        assert!(made != id && was_there.is_none());
    }
    for wrong in ["", &"k".repeat(256)] {
        let answer = store.enqueue(keyed(wrong)).await;
        assert!(
            matches!(answer, Err(StoreError::Refused { .. })),
            "{answer:?}"
        );
    }
}

/// P15: who repeats a start is told of its job, also where no other is taken in.
pub async fn a_repetition_is_told_and_takes_nothing_in(
    store: &dyn JobStore,
    clock: &dyn TestClock,
) {
    let earlier = async |job: NewJob| {
        let found = store.earlier(&job).await.unwrap();
        found.map(|found| (found.record.id, found.was_there))
    };
    for job in [keyed("k"), unique(), new_job()] {
        assert_eq!(earlier(job.clone()).await, None);
        assert_eq!(earlier(job).await, None, "it was only asked for");
    }
    let (key, _) = start(store, keyed("k")).await;
    let (arguments, _) = start(store, unique()).await;
    assert_eq!(earlier(keyed("k")).await, Some((key, Some(Same::Key))));
    let same = Some((arguments, Some(Same::Arguments)));
    assert_eq!(earlier(unique()).await, same);
    assert_eq!(earlier(new_job()).await, None);
    let other = NewJob {
        args_hash: [0xcd; 32],
        ..keyed("k")
    };
    let answer = store.earlier(&other).await;
    assert!(matches!(answer, Err(StoreError::KeyConflict)), "{answer:?}");
    clock.advance(15_000).await;
    assert_eq!(earlier(unique()).await, None);

    store
        .fail(claimed(store).await.fence, failure())
        .await
        .unwrap();
    clock
        .advance(u32::try_from(KEPT.as_millis()).unwrap())
        .await;
    assert_eq!(earlier(keyed("k")).await, None);
}

pub async fn the_key_of_an_expired_job_is_free(store: &dyn JobStore, clock: &dyn TestClock) {
    let (id, _) = start(store, keyed("k")).await;
    store
        .fail(claimed(store).await.fence, failure())
        .await
        .unwrap();
    assert_eq!(start(store, keyed("k")).await, (id, Some(Same::Key)));
    clock
        .advance(u32::try_from(KEPT.as_millis()).unwrap())
        .await;
    let (next, was_there) = start(store, keyed("k")).await;
    assert!(next != id && was_there.is_none());
}

pub async fn identical_starts_within_their_time_are_one_job(
    store: &dyn JobStore,
    clock: &dyn TestClock,
) {
    let (id, was_there) = start(store, unique()).await;
    assert_eq!(was_there, None);
    clock.advance(14_999).await;
    assert_eq!(start(store, unique()).await, (id, Some(Same::Arguments)));
    for other in [
        NewJob {
            args_hash: [0xcd; 32],
            ..unique()
        },
        NewJob {
            owner: "bob".to_owned(),
            ..unique()
        },
        // Whoever gives keys says by them what is the same.
        NewJob {
            key: Some("k".to_owned()),
            ..unique()
        },
    ] {
        assert_eq!(start(store, other).await.1, None);
    }
}

pub async fn what_failed_or_is_too_old_does_not_count_as_identical(
    store: &dyn JobStore,
    clock: &dyn TestClock,
) {
    let (old, _) = start(store, unique()).await;
    clock.advance(15_000).await;
    let (next, was_there) = start(store, unique()).await;
    assert!(next != old && was_there.is_none());
    for id in [old, next] {
        let cancelled = store.cancel(id, Reach::All).await.unwrap();
        assert!(matches!(cancelled, Some(Cancelled::Now(_))));
    }
    let fence = running(store).await;
    assert_eq!(start(store, unique()).await.0, fence.id);
    store.cancel(fence.id, Reach::All).await.unwrap();
    assert_eq!(start(store, unique()).await.1, None, "it is about to end");
    // Without the wish, nothing is the same.
    let plain = enqueued(store).await;
    assert_eq!(record(store, plain).await.state, JobState::Queued);
}
