//! Two doors to the same jobs, as two processes have them.

use std::{collections::HashSet, time::Duration};

use farcall_core::job::state::JobState;
use futures_util::future::join_all;

use super::fixture::{
    LEASE, claimed, enqueued, new_job, record, report, running, success, unique_id, worker_lost,
};
use crate::{Cancelled, JobStore, NewJob, Reach, StoreError};

/// P2: the same start at two replicas is one job.
pub async fn identical_starts_at_two_doors_are_one_job(one: &dyn JobStore, other: &dyn JobStore) {
    let keyed = NewJob {
        key: Some("k".to_owned()),
        ..new_job()
    };
    let unique = NewJob {
        unique_for: Some(Duration::from_secs(15)),
        args_hash: [1; 32],
        ..new_job()
    };
    for job in [keyed, unique] {
        let starts = (0..64).map(|start| {
            let door = if start % 2 == 0 { one } else { other };
            door.enqueue(NewJob {
                id: unique_id(),
                ..job.clone()
            })
        });
        let starts = join_all(starts).await;
        let starts: Vec<_> = starts.into_iter().map(Result::unwrap).collect();
        let made = starts.iter().filter(|start| start.was_there.is_none());
        assert_eq!(made.count(), 1);
        let ids: HashSet<_> = starts.iter().map(|start| start.record.id).collect();
        assert_eq!(ids.len(), 1);
    }
}

pub async fn what_is_written_at_one_door_is_read_at_the_other(
    one: &dyn JobStore,
    other: &dyn JobStore,
) {
    let id = enqueued(other).await;
    assert_eq!(record(one, id).await, record(other, id).await);
    let fence = claimed(one).await.fence;
    let worker = record(other, id).await.worker.unwrap();
    // P10: whoever cancels need not be where it runs.
    let cancelled = other.cancel(id, Reach::All).await.unwrap();
    assert!(matches!(cancelled, Some(Cancelled::Requested(_))));
    assert_eq!(one.beat(worker, LEASE).await.unwrap().cancelled, [fence]);
    one.succeed(fence, success()).await.unwrap();
    assert_eq!(record(other, id).await.state, JobState::Succeeded);
}

/// P5, P6: a worker that was declared lost elsewhere can write nothing any more.
pub async fn a_worker_that_was_declared_lost_elsewhere_is_stale(
    one: &dyn JobStore,
    other: &dyn JobStore,
) {
    let fence = running(one).await;
    let worker = record(one, fence.id).await.worker.unwrap();
    worker_lost(other).await;
    let beat = one.beat(worker, LEASE).await;
    assert!(matches!(beat, Err(StoreError::StaleClaim)), "{beat:?}");
    for answer in [
        one.report(fence, report(1)).await,
        one.succeed(fence, success()).await,
        one.release(fence).await,
    ] {
        assert!(matches!(answer, Err(StoreError::StaleClaim)), "{answer:?}");
    }
    assert_eq!(record(other, fence.id).await.state, JobState::Queued);
}
