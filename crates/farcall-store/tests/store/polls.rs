//! Polls that share a statement are told what each would have been told alone.

use std::sync::Arc;

use farcall_store::{
    JobStore, NewJob, Reach, SqliteStore,
    conformance::fixture::{new_job, unique_id},
};
use tokio::task::JoinSet;

use crate::suite::open_in;

/// How many callers poll at once; more than one statement takes.
const CALLERS: usize = 100;

/// How often each of them looks.
const ROUNDS: usize = 20;

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn polls_at_once_see_all_that_was_acknowledged_before_them_and_nothing_of_others() {
    let folder = tempfile::tempdir().unwrap();
    let store = Arc::new(open_in(folder.path()).await.unwrap());
    let mut callers = JoinSet::new();
    for caller in 0..CALLERS {
        callers.spawn(poll(Arc::clone(&store), format!("caller-{caller}")));
    }
    while let Some(ended) = callers.join_next().await {
        ended.unwrap();
    }
}

async fn poll(store: Arc<SqliteStore>, owner: String) {
    for _ in 0..ROUNDS {
        let id = unique_id();
        let job = NewJob {
            id,
            owner: owner.clone(),
            ..new_job()
        };
        store.enqueue(job).await.unwrap();
        let own = Reach::Owner(&owner);
        let (queued, foreign, all) = tokio::join!(
            store.record(id, own),
            store.record(id, Reach::Owner("somebody else")),
            store.record(id, Reach::All),
        );
        let queued = queued.unwrap().expect("it was acknowledged");
        assert_eq!((queued.id, &queued.owner), (id, &owner));
        assert!(foreign.unwrap().is_none(), "it is told to a stranger");
        assert_eq!(all.unwrap().map(|record| record.id), Some(id));

        store.cancel(id, own).await.unwrap();
        let cancelled = store.record(id, own).await.unwrap().unwrap();
        assert!(
            cancelled.error.is_some(),
            "its end was acknowledged and is not seen"
        );
    }
}

#[tokio::test]
async fn a_poll_of_a_store_that_was_closed_is_told_so() {
    let folder = tempfile::tempdir().unwrap();
    let store = open_in(folder.path()).await.unwrap();
    store.close().await;
    let asked = store.record(unique_id(), Reach::All).await;
    assert_eq!(asked.unwrap_err().to_string(), "the job store is closed");
}
