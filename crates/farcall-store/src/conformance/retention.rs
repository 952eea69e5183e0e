//! What is kept, for how long, and for whom.

use farcall_core::job::state::JobState;
use std::collections::BTreeMap;

use super::{
    TestClock,
    fixture::{EXPIRY, START, enqueued, standing, unique_id},
};
use crate::{JobStore, Needed, Reach};

/// Everything that a reader can ask about `id` finds nothing.
async fn nothing_to_see(store: &dyn JobStore, id: farcall_core::id::JobId, reach: Reach<'_>) {
    assert_eq!(store.record(id, reach).await.unwrap(), None);
    assert_eq!(store.outcome(id, reach).await.unwrap(), None);
    assert_eq!(store.published(id, reach, None).await.unwrap(), None);
    assert_eq!(store.log(id, reach, 1, 1).await.unwrap(), None);
    assert_eq!(store.questions(id, reach).await.unwrap(), []);
    assert_eq!(store.cancel(id, reach).await.unwrap(), None);
    let answers = BTreeMap::new();
    assert!(!store.answer(id, reach, &answers).await.unwrap());
}

/// P19: what has expired is gone for everybody, and only that can be deleted.
pub async fn what_has_expired_is_not_there_and_may_be_deleted(
    store: &dyn JobStore,
    clock: &dyn TestClock,
) {
    let succeeded = standing(store, JobState::Succeeded).await;
    let failed = standing(store, JobState::Failed).await;
    let running = standing(store, JobState::Running).await;
    let queued = enqueued(store).await;
    let all = [succeeded, failed, running, queued];
    let kept = u32::try_from(EXPIRY.0 - START.0).unwrap();
    clock.advance(kept - 1).await;
    assert_eq!(store.expired(9).await.unwrap(), []);
    assert_eq!(store.delete(&all).await.unwrap(), 0);
    assert_eq!(store.records(&all).await.unwrap().len(), 4);
    clock.advance(1).await;
    for id in [succeeded, failed] {
        nothing_to_see(store, id, Reach::All).await;
    }
    assert_eq!(store.records(&all).await.unwrap().len(), 2);
    assert_eq!(store.order(failed).await.unwrap(), None);
    assert_eq!(store.expired(1).await.unwrap(), [succeeded]);
    assert_eq!(store.expired(9).await.unwrap(), [succeeded, failed]);
    assert_eq!(store.delete(&all).await.unwrap(), 2);
    assert_eq!(store.expired(9).await.unwrap(), []);
    let left = store.needed(&all).await.unwrap();
    let left: Vec<_> = left.into_iter().map(|needed| needed.id).collect();
    assert_eq!(left, [running, queued]);
}

pub async fn what_a_job_needs_is_told_for_each_that_is_there(store: &dyn JobStore) {
    let succeeded = standing(store, JobState::Succeeded).await;
    let running = standing(store, JobState::Running).await;
    let needed = store.needed(&[running, unique_id(), succeeded]).await;
    let mut needed = needed.unwrap();
    for job in &mut needed {
        job.locations.sort();
    }
    let job = |id, is_over, locations: &[&str]| Needed {
        id,
        is_over,
        epoch: 2,
        locations: locations.iter().map(ToString::to_string).collect(),
    };
    assert_eq!(
        needed,
        [
            job(succeeded, true, &["1/film.gif", "1/notes.txt"]),
            job(running, false, &["1/notes.txt"]),
        ]
    );
}

/// A job of somebody else is answered like one that never was.
pub async fn a_foreign_job_is_not_there(store: &dyn JobStore) {
    for state in JobState::ALL {
        let id = standing(store, state).await;
        nothing_to_see(store, id, Reach::Owner("bob")).await;
        assert!(
            store
                .record(id, Reach::Owner("alice"))
                .await
                .unwrap()
                .is_some()
        );
        store.cancel(id, Reach::Owner("alice")).await.unwrap();
    }
}
