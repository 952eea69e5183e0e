//! Two stores on one database, as two processes have them.

use std::time::Duration;

use farcall_store::{
    Hint, JobStore, PostgresStore, Reach,
    conformance::fixture::{enqueued, running},
};
use tokio::{sync::broadcast::Receiver, time::timeout};

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
