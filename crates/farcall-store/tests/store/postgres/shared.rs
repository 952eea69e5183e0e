//! Two stores on one database, as two processes have them.

use std::time::Duration;

use farcall_store::{
    Hint, JobStore, PostgresStore, Reach, StoreError,
    conformance::fixture::{LEASE, claimed, employed, enqueued, record, running},
};
use sqlx::{Connection, PgConnection};
use tokio::{sync::broadcast::Receiver, time::timeout};

use crate::pg::{SERVER, database, empty_database};

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

/// `farcall jobs` beside running servers.
#[tokio::test]
async fn a_process_that_only_looks_makes_nothing_and_may_start_and_cancel() {
    let empty = SERVER.url(&empty_database().await);
    let error = PostgresStore::attach(&empty).await.unwrap_err();
    assert!(matches!(error, StoreError::NoStore { .. }), "{error:?}");
    let mut connection = PgConnection::connect(&empty).await.unwrap();
    let tables = "SELECT count(*) FROM pg_class WHERE relnamespace = 'public'::regnamespace";
    let tables: i64 = sqlx::query_scalar(tables)
        .fetch_one(&mut connection)
        .await
        .unwrap();
    assert_eq!(tables, 0, "a look has made something");
    connection.close().await.unwrap();

    let url = SERVER.url(&database().await);
    let store = PostgresStore::open(&url).await.unwrap();
    let fence = running(&store).await;
    let beside = PostgresStore::attach(&url).await.unwrap();
    assert_eq!(
        record(&beside, fence.id).await,
        record(&store, fence.id).await
    );
    beside.cancel(fence.id, Reach::All).await.unwrap();
    let queued = enqueued(&beside).await;
    beside.close().await;
    let worker = employed(&store).await;
    assert_eq!(store.beat(worker, LEASE).await.unwrap().cancelled, [fence]);
    assert_eq!(claimed(&store).await.fence.id, queued);
    store.close().await;

    for (statement, version) in [
        ("UPDATE _sqlx_migrations SET version = -version", -1),
        (
            "UPDATE _sqlx_migrations SET version = version + 10000",
            9_999,
        ),
    ] {
        let mut connection = PgConnection::connect(&url).await.unwrap();
        let changed = sqlx::query(statement).execute(&mut connection);
        changed.await.unwrap();
        connection.close().await.unwrap();
        let is_refused = match PostgresStore::attach(&url).await.unwrap_err() {
            StoreError::OlderSchema { version: found } => version == -1 && found == -1,
            StoreError::NewerSchema { version: found } => found == version,
            _ => false,
        };
        assert!(is_refused, "{statement}");
    }
}
