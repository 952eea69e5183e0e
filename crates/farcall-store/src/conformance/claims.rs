//! Out of the queue, into the hands of a worker.

use std::collections::HashSet;

use farcall_core::{clock::Timestamp, job::state::JobState};
use futures_util::future::join_all;

use super::fixture::{START, claimed, enqueued, known, new_job, record, running};
use crate::{Claim, Fence, JobStore, NewJob, message};

pub async fn a_claim_starts_the_job_and_counts(store: &dyn JobStore) {
    let job = new_job();
    store.enqueue(job.clone()).await.unwrap();
    let expected = Claim {
        fence: Fence {
            id: job.id,
            epoch: 1,
        },
        owner: job.owner,
        job: job.job,
        arguments: job.arguments,
        attempt: 1,
        total_stages: 3,
        fingerprint: job.fingerprint,
        checkpoint: None,
    };
    assert_eq!(claimed(store).await, expected);

    let record = record(store, job.id).await;
    assert_eq!((record.state, record.stage), (JobState::Running, 0));
    assert_eq!((record.attempt, record.losses), (1, 0));
    assert_eq!(record.message, message::STARTING);
    assert_eq!(record.started_at, Some(START));
    assert_eq!(store.claim(&known(), START).await.unwrap(), None);
}

pub async fn the_start_is_that_of_the_first_claim(store: &dyn JobStore) {
    let fence = running(store).await;
    store.release(fence).await.unwrap();
    let later = Timestamp(START.0 + 500);
    assert!(store.claim(&known(), later).await.unwrap().is_some());
    assert_eq!(record(store, fence.id).await.started_at, Some(START));
}

pub async fn the_oldest_job_is_claimed_first(store: &dyn JobStore) {
    let mut waiting = Vec::new();
    for _ in 0..5 {
        waiting.push(enqueued(store).await);
    }
    for id in &waiting {
        assert_eq!(claimed(store).await.fence.id, *id);
    }
    // A job that comes back is still as old as it was.
    store
        .release(Fence {
            id: waiting[3],
            epoch: 1,
        })
        .await
        .unwrap();
    store
        .release(Fence {
            id: waiting[1],
            epoch: 1,
        })
        .await
        .unwrap();
    assert_eq!(claimed(store).await.fence.id, waiting[1]);
}

pub async fn names_that_are_not_known_are_not_claimed(store: &dyn JobStore) {
    store
        .enqueue(NewJob {
            job: "encode".to_owned(),
            ..new_job()
        })
        .await
        .unwrap();
    let id = enqueued(store).await;
    assert_eq!(store.claim(&[], START).await.unwrap(), None);
    assert_eq!(
        store.claim(&["Render".to_owned()], START).await.unwrap(),
        None
    );
    assert_eq!(claimed(store).await.fence.id, id);
    assert_eq!(store.claim(&known(), START).await.unwrap(), None);
}

pub async fn sixty_four_claims_at_once_give_each_job_once(store: &dyn JobStore) {
    let mut waiting = HashSet::new();
    for _ in 0..48 {
        waiting.insert(enqueued(store).await);
    }
    let known = known();
    let claims = join_all((0..64).map(|_| store.claim(&known, START))).await;
    let taken: Vec<_> = claims
        .into_iter()
        .filter_map(|claim| claim.unwrap())
        .collect();
    assert_eq!(taken.len(), 48);
    assert!(taken.iter().all(|claim| claim.fence.epoch == 1));
    let taken: HashSet<_> = taken.into_iter().map(|claim| claim.fence.id).collect();
    assert_eq!(taken, waiting);
}
