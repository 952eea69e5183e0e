//! Which servers are taken, and what is said of them.

use std::error::Error;

use farcall_store::{
    JobStore, NewJob, PostgresStore, StoreError,
    conformance::fixture::{enqueued, new_job},
};
use farcall_testpg::PASSWORD;
use sqlx::PgPool;

use crate::pg::{SERVER, administer, database, empty_database};

/// Everything that anybody could write of an error into a log.
fn everything_about(error: StoreError) -> String {
    let mut texts = vec![format!("{error} {error:?} {:?}", error.hint())];
    let mut source = error.source();
    while let Some(cause) = source {
        texts.push(format!("{cause} {cause:?}"));
        source = cause.source();
    }
    texts.push(format!("{:?}", error.problem()));
    texts.join(" ")
}

#[tokio::test]
async fn the_password_is_in_no_error_and_in_no_store() {
    let (name, server) = (database().await, SERVER.server());
    let url = SERVER.tcp_url(server, &name);
    let store = PostgresStore::open(&url).await.unwrap();
    assert!(!format!("{store:?}").contains(PASSWORD));
    store.close().await;

    for wrong in [
        SERVER.tcp_url(server, "nowhere"),
        format!("postgres://postgres:wrong-{PASSWORD}@{server}/{name}"),
        format!("postgres://nobody:{PASSWORD}@{server}/{name}"),
        format!("postgres://postgres:{PASSWORD}@127.0.0.1:1/{name}"),
        format!("postgres://postgres:{PASSWORD}@{server}/{name}?sslmode=verify-full"),
        // With characters that should have been escaped.
        format!("postgres://postgres:/{PASSWORD}@{server}/{name}"),
        format!("postgres://postgres:{PASSWORD}?@{server}/{name}"),
        format!("postgres://postgres:{PASSWORD}@host:port/{name}"),
        format!("postgres://postgres:{PASSWORD}"),
    ] {
        let text = everything_about(PostgresStore::open(&wrong).await.unwrap_err());
        assert!(!text.contains(PASSWORD), "{text}");
    }
}

#[tokio::test]
async fn an_address_that_is_none_is_refused_with_what_it_should_be() {
    for wrong in ["jobs", "postgres://host:port/jobs"] {
        let error = PostgresStore::open(wrong).await.unwrap_err();
        assert!(matches!(error, StoreError::Address(_)), "{error:?}");
        assert!(error.hint().unwrap().contains("postgres://USER:PASSWORD@"));
    }
}

async fn refusal(name: &str) -> StoreError {
    let error = PostgresStore::open(&SERVER.url(name)).await.unwrap_err();
    assert!(matches!(error, StoreError::UnfitServer { .. }), "{error:?}");
    error
}

#[tokio::test]
async fn a_server_that_takes_no_writes_is_refused() {
    let name = empty_database().await;
    let read_only = format!("ALTER DATABASE {name} SET default_transaction_read_only = on");
    administer(&SERVER, read_only).await;
    let error = refusal(&name).await;
    assert!(error.to_string().contains("takes no writes"), "{error}");
}

/// P1: an answered start is on the disk, also where somebody thought otherwise.
#[tokio::test]
async fn a_database_whose_commits_do_not_wait_for_the_disk_is_refused() {
    let name = empty_database().await;
    let hasty = format!("ALTER DATABASE {name} SET synchronous_commit = off");
    administer(&SERVER, hasty).await;
    let error = refusal(&name).await;
    assert!(error.to_string().contains("wait for the disk"), "{error}");
}

#[tokio::test]
async fn a_database_that_cannot_hold_every_character_is_refused() {
    let other = "CREATE DATABASE other_encoding ENCODING 'SQL_ASCII' LC_COLLATE 'C' LC_CTYPE 'C'
                 TEMPLATE template0";
    administer(&SERVER, other.to_owned()).await;
    let error = refusal("other_encoding").await;
    assert!(error.to_string().contains("`SQL_ASCII`"), "{error}");
}

#[tokio::test]
async fn a_full_disk_is_told_apart_and_goes_by_itself() {
    let url = SERVER.url(&database().await);
    let store = PostgresStore::open(&url).await.unwrap();
    let raw = PgPool::connect(&url).await.unwrap();
    // What the server says when its disk is full, without one.
    let fill = "
        CREATE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN RAISE EXCEPTION USING ERRCODE = 'disk_full'; END $$;
        CREATE TRIGGER full_disk BEFORE INSERT ON jobs EXECUTE FUNCTION full_disk()";
    sqlx::raw_sql(fill).execute(&raw).await.unwrap();
    let answer = store.enqueue(new_job()).await;
    assert!(matches!(answer, Err(StoreError::Full(_))), "{answer:?}");
    let freed = sqlx::raw_sql("DROP TRIGGER full_disk ON jobs");
    freed.execute(&raw).await.unwrap();
    enqueued(&store).await;
    store.close().await;
}

/// What a rule is called is what its sentence is in every backend.
#[tokio::test]
async fn a_rule_that_is_broken_is_told_by_its_sentence() {
    let store = PostgresStore::open(&SERVER.url(&database().await))
        .await
        .unwrap();
    let without_stages = NewJob {
        total_stages: 0,
        ..new_job()
    };
    let long_key = NewJob {
        key: Some("k".repeat(256)),
        ..new_job()
    };
    let twin = NewJob {
        id: enqueued(&store).await,
        ..new_job()
    };
    for (job, sentence) in [
        (without_stages, "there is a stage"),
        (long_key, "a key is 1 to 255 bytes"),
        (twin, "there is a job with this id or key"),
    ] {
        let Err(StoreError::Refused { rule }) = store.enqueue(job).await else {
            panic!("it was not refused: {sentence}");
        };
        assert_eq!(rule, sentence);
    }
    store.close().await;
}
