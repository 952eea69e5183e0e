//! A store of an earlier version is opened, with jobs in every state.

use std::{
    collections::BTreeSet,
    io::{BufRead, BufReader},
    path::Path,
    process::{Command, Stdio},
    sync::Arc,
    time::Duration,
};

use farcall_core::{
    clock::{ManualClock, Timestamp},
    id::JobId,
    job::state::JobState,
    problem::ErrorCode,
};
use farcall_store::{
    JobStore, Reach, SqliteStore, Which,
    conformance::fixture::{claim, known, outcome, record, secrets, worker_lost},
};
use serde_json::json;
use sqlx::{
    Connection, SqlSafeStr, SqliteConnection,
    migrate::{Migration, MigrationType, Migrator},
    sqlite::SqliteConnectOptions,
};

use crate::suite::open_in;

const FIRST: &str = include_str!("../../src/sqlite/migrations/0001_jobs.sql");

/// Jobs in each state, as the first version wrote them.
const JOBS: &str = include_str!("migrations/0001_rows.sql");

fn id(digit: &str) -> JobId {
    JobId::parse(&digit.repeat(32)).unwrap()
}

/// A folder as the first version left it, without a stop in order.
async fn first_version(folder: &Path) {
    let options = SqliteConnectOptions::new()
        .filename(folder.join("jobs.sqlite3"))
        .create_if_missing(true);
    let mut connection = SqliteConnection::connect_with(&options).await.unwrap();
    let migration = Migration::new(
        1,
        "jobs".into(),
        MigrationType::Simple,
        FIRST.into_sql_str(),
        false,
    );
    let migrator = Migrator::with_migrations(vec![migration]);
    migrator.run(&mut connection).await.unwrap();
    sqlx::raw_sql(JOBS).execute(&mut connection).await.unwrap();
    connection.close().await.unwrap();
}

#[tokio::test]
async fn every_job_of_the_first_version_is_there_as_it_was() {
    let folder = tempfile::tempdir().unwrap();
    first_version(folder.path()).await;
    let clock = Arc::new(ManualClock::at(Timestamp(5_000)));
    let store = SqliteStore::open(folder.path(), clock.clone())
        .await
        .unwrap();

    let succeeded = outcome(&store, id("a")).await;
    assert_eq!(succeeded.value, Some(json!({"frames": 48})));
    assert_eq!(succeeded.artifacts[0].location, "a/1-film.gif");
    assert_eq!(succeeded.record.expires_at, Some(Timestamp(90_000)));
    assert_eq!(succeeded.record.updated_at, Timestamp(2_000));
    assert_eq!(succeeded.record.keep_for, Duration::from_hours(7 * 24));
    let failed = record(&store, id("b")).await;
    assert_eq!(failed.error.unwrap().code, ErrorCode::UserError);
    let queued = record(&store, id("c")).await;
    assert_eq!(
        (queued.state, queued.created_at),
        (JobState::Queued, Timestamp(1_003))
    );
    assert_eq!((queued.run_at, queued.priority), (Timestamp(1_003), 0));
    let order = store.order(id("c")).await.unwrap().unwrap();
    assert_eq!((order.terms.max_losses, order.key), (2, None));

    // The process that ran it is not there any more.
    let running = record(&store, id("d")).await;
    assert_eq!((running.state, running.stage), (JobState::Running, 2));
    let lost = store.rescue(&[]).await.unwrap();
    assert_eq!(lost.len(), 2);
    let again = claim(&store, &known(), Which::Suspect).await.unwrap();
    assert_eq!((again.fence.id, again.fence.epoch), (id("d"), 2));
    let checkpoint = again.checkpoint.unwrap();
    assert_eq!((checkpoint.stage, checkpoint.value), (2, json!(["x"])));
    assert_eq!(again.arguments["frames"], 4);
    let staged = store.staged(again.fence).await.unwrap();
    assert_eq!(staged[0].location, "d/1-notes.txt");
    // What was lost before counts as it did.
    let once = record(&store, id("e")).await;
    assert_eq!((once.losses, once.counted_losses), (2, 1));

    store.make_secret("links", [1; 32]).await.unwrap();
    assert_eq!(secrets(&store, "links").await, [[7; 32]]);
    // And the order in which they came.
    let next = claim(&store, &known(), Which::Others).await.unwrap();
    assert_eq!(next.fence.id, id("c"));
    worker_lost(&store).await;
    clock.advance(90_000);
    assert_eq!(store.record(id("a"), Reach::All).await.unwrap(), None);
    assert_eq!(store.delete(&[id("a")]).await.unwrap(), 1);
}

#[tokio::test]
async fn a_folder_that_was_brought_up_to_date_opens_again() {
    let folder = tempfile::tempdir().unwrap();
    first_version(folder.path()).await;
    for _ in 0..2 {
        let store = open_in(folder.path()).await.unwrap();
        assert_eq!(record(&store, id("c")).await.state, JobState::Queued);
        store.close().await;
    }
}

const FOLDER: &str = "FARCALL_STORE_TEST_FOLDER";

/// What runs in the process that is killed.
#[tokio::test]
#[ignore = "another test runs it, in a process of its own"]
async fn the_process_that_migrates() {
    let Ok(folder) = std::env::var(FOLDER) else {
        return;
    };
    println!("\nbegins");
    open_in(Path::new(&folder)).await.unwrap();
}

/// P21: each kill comes a little later than the one before, until one comes too late.
#[tokio::test]
async fn a_migration_that_is_killed_at_any_moment_costs_no_job() {
    const STEP: Duration = Duration::from_micros(400);
    let mut versions = BTreeSet::new();
    for kill in 0.. {
        let folder = tempfile::tempdir().unwrap();
        first_version(folder.path()).await;
        let mut process = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "--ignored", "--nocapture"])
            .arg("migrations::the_process_that_migrates")
            .env(FOLDER, folder.path())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
        assert!(lines.any(|line| line.unwrap() == "begins"));
        tokio::time::sleep(kill * STEP).await;
        process.kill().unwrap();
        let is_late = process.wait().unwrap().success();

        versions.insert(version(folder.path()).await);
        let store = open_before_they_expire(folder.path()).await;
        for (digit, state) in [
            ("a", JobState::Succeeded),
            ("b", JobState::Failed),
            ("c", JobState::Queued),
            ("d", JobState::Running),
        ] {
            assert_eq!(record(&store, id(digit)).await.state, state, "{kill}");
        }
        store.close().await;
        if is_late {
            break;
        }
    }
    assert!(
        versions.len() > 1,
        "no kill came in the middle: {versions:?}"
    );
}

async fn open_before_they_expire(folder: &Path) -> SqliteStore {
    let clock = Arc::new(ManualClock::at(Timestamp(5_000)));
    SqliteStore::open(folder, clock).await.unwrap()
}

/// How far the schema is.
async fn version(folder: &Path) -> i64 {
    let options = SqliteConnectOptions::new().filename(folder.join("jobs.sqlite3"));
    let mut connection = SqliteConnection::connect_with(&options).await.unwrap();
    let version = sqlx::query_scalar("SELECT max(version) FROM _sqlx_migrations");
    let version = version.fetch_one(&mut connection).await.unwrap();
    connection.close().await.unwrap();
    version
}
