//! Out of the queue, into the hands of a worker.

use std::{collections::HashSet, time::Duration};

use farcall_core::job::state::JobState;
use futures_util::future::join_all;

use super::{
    TestClock,
    fixture::{
        START, claim, claimed, employed, enqueued, known, new_job, nothing_to_claim, record,
        running, wanted_job,
    },
};
use crate::{Claim, Fence, JobStore, NewJob, Wanted, Which, message};

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
        losses: 0,
        alone: false,
        total_stages: 3,
        fingerprint: job.fingerprint,
        checkpoint: None,
        can_ask: job.can_ask,
        trace: job.trace,
    };
    assert_eq!(claimed(store).await, expected);

    let record = record(store, job.id).await;
    assert_eq!((record.state, record.stage), (JobState::Running, 0));
    assert_eq!((record.attempt, record.losses), (1, 0));
    assert_eq!(record.message, message::STARTING);
    assert_eq!(record.started_at, Some(START));
    assert_eq!(record.worker, Some(employed(store).await));
    nothing_to_claim(store).await;
}

pub async fn the_start_is_that_of_the_first_claim(store: &dyn JobStore, clock: &dyn TestClock) {
    let fence = running(store).await;
    store.release(fence).await.unwrap();
    clock.advance(500).await;
    claimed(store).await;
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
    for known in [vec![], vec![wanted_job("Render")]] {
        assert_eq!(claim(store, &known, Which::Others).await, None);
    }
    assert_eq!(claimed(store).await.fence.id, id);
    nothing_to_claim(store).await;
}

pub async fn sixty_four_claims_at_once_give_each_job_once(store: &dyn JobStore) {
    let mut waiting = HashSet::new();
    for _ in 0..48 {
        waiting.insert(enqueued(store).await);
    }
    let wanted = Wanted {
        worker: employed(store).await,
        programs: &known(),
        which: Which::Others,
        limit: 1,
        adopt_after: Duration::ZERO,
    };
    let claims = join_all((0..64).map(|_| store.claim(wanted))).await;
    let taken: Vec<_> = claims.into_iter().flat_map(Result::unwrap).collect();
    assert_eq!(taken.len(), 48);
    assert!(taken.iter().all(|claim| claim.fence.epoch == 1));
    let taken: HashSet<_> = taken.into_iter().map(|claim| claim.fence.id).collect();
    assert_eq!(taken, waiting);
}

pub async fn several_are_claimed_at_once_in_their_order(store: &dyn JobStore) {
    let mut waiting = Vec::new();
    for _ in 0..5 {
        waiting.push(enqueued(store).await);
    }
    let wanted = Wanted {
        worker: employed(store).await,
        programs: &known(),
        which: Which::Others,
        limit: 3,
        adopt_after: Duration::ZERO,
    };
    let mut taken = Vec::new();
    for expected in [3, 2, 0] {
        let claims = store.claim(wanted).await.unwrap();
        assert_eq!(claims.len(), expected);
        taken.extend(claims.into_iter().map(|claim| claim.fence.id));
    }
    assert_eq!(taken, waiting);
}
