//! Two stores on one database, as two processes have them.

use std::{collections::HashSet, time::Duration};

use farcall_core::job::state::JobState;
use farcall_store::{
    Hint, JobStore, NewJob, PostgresStore, Reach, StoreError,
    conformance::fixture::{
        enqueued, new_job, record, report, running, success, unique_id, worker_lost,
    },
};
use tokio::{sync::broadcast::Receiver, task::JoinSet, time::timeout};

use crate::pg::{SERVER, database};

async fn two_stores() -> (PostgresStore, PostgresStore) {
    let url = SERVER.url(&database().await);
    let (one, other) = tokio::join!(PostgresStore::open(&url), PostgresStore::open(&url));
    (one.unwrap(), other.unwrap())
}

async fn heard(hints: &mut Receiver<Hint>, awaited: Hint) {
    let wait = async { while hints.recv().await.unwrap() != awaited {} };
    let in_time = timeout(Duration::from_secs(10), wait).await;
    assert!(in_time.is_ok(), "{awaited:?} was not heard");
}

#[tokio::test]
async fn stores_hear_of_each_others_starts_and_cancels() {
    let (one, other) = two_stores().await;
    let (mut of_one, mut of_other) = (one.hints(), other.hints());
    let fence = running(&one).await;
    heard(&mut of_other, Hint::Queued).await;
    other.cancel(fence.id, Reach::All).await.unwrap();
    heard(&mut of_one, Hint::CancelRequested(fence.id)).await;
    // Also many at once.
    for _ in 0..50 {
        enqueued(&other).await;
    }
    heard(&mut of_one, Hint::Queued).await;
    one.close().await;
    other.close().await;
}

/// P2: the same start at two replicas is one job.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn identical_starts_at_two_stores_are_one_job() {
    let url = SERVER.url(&database().await);
    let stores = [
        std::sync::Arc::new(PostgresStore::open(&url).await.unwrap()),
        std::sync::Arc::new(PostgresStore::open(&url).await.unwrap()),
    ];
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
        let mut starts = JoinSet::new();
        for start in 0..64 {
            let store = std::sync::Arc::clone(&stores[start % 2]);
            let job = NewJob {
                id: unique_id(),
                ..job.clone()
            };
            starts.spawn(async move { store.enqueue(job).await.unwrap() });
        }
        let starts = starts.join_all().await;
        let made = starts.iter().filter(|start| start.was_there.is_none());
        assert_eq!(made.count(), 1);
        let ids: HashSet<_> = starts.iter().map(|start| start.record.id).collect();
        assert_eq!(ids.len(), 1);
    }
    for store in stores {
        store.close().await;
    }
}

/// P5, P6: a worker that was declared lost elsewhere can write nothing any more.
#[tokio::test]
async fn a_worker_that_was_declared_lost_elsewhere_is_stale() {
    let (one, other) = two_stores().await;
    let fence = running(&one).await;
    let worker = record(&one, fence.id).await.worker.unwrap();
    worker_lost(&other).await;
    let beat = one.beat(worker, Duration::from_secs(30)).await;
    assert!(matches!(beat, Err(StoreError::StaleClaim)), "{beat:?}");
    for answer in [
        one.report(fence, report(1)).await,
        one.succeed(fence, success()).await,
        one.release(fence).await,
    ] {
        assert!(matches!(answer, Err(StoreError::StaleClaim)), "{answer:?}");
    }
    assert_eq!(record(&other, fence.id).await.state, JobState::Queued);
    one.close().await;
    other.close().await;
}
