//! P21: schemas that come into being once, whoever starts or ends meanwhile.

use std::{
    fs,
    process::{Command, Stdio},
    time::Duration,
};

use farcall_store::{
    JobStore, PostgresStore, Reach, StoreError,
    conformance::fixture::{enqueued, secrets},
};
use futures_util::future::join_all;
use sqlx::{
    AssertSqlSafe, Connection, PgConnection, SqlSafeStr,
    migrate::{Migration, MigrationType, Migrator},
};
use tokio::time::sleep;

use crate::pg::{SERVER, database, empty_database};

const URL: &str = "FARCALL_STORE_TEST_URL";

/// The last migration of a later version.
const NEXT: i64 = 9999;

#[tokio::test]
async fn of_several_that_start_together_one_migrates() {
    let url = SERVER.url(&empty_database().await);
    let stores = join_all((0..8).map(|_| PostgresStore::open(&url))).await;
    let mut connection = PgConnection::connect(&url).await.unwrap();
    let applied = sqlx::query_scalar("SELECT count(*) FROM _sqlx_migrations WHERE success");
    let applied: i64 = applied.fetch_one(&mut connection).await.unwrap();
    let own = migrations_of_the_next().len() - 1;
    assert_eq!(usize::try_from(applied).unwrap(), own);
    for store in stores {
        let store = store.unwrap();
        enqueued(&store).await;
        store.close().await;
    }
}

/// The migrations of this version, and one more: those of the next.
fn migrations_of_the_next() -> Vec<Migration> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/src/postgres/migrations");
    let mut files: Vec<_> = fs::read_dir(folder).unwrap().flatten().collect();
    files.sort_by_key(fs::DirEntry::file_name);
    let own = files.into_iter().map(|file| {
        let name = file.file_name().into_string().unwrap();
        let (version, _) = name.split_once('_').unwrap();
        let sql = fs::read_to_string(file.path()).unwrap();
        migration(version.parse().unwrap(), sql)
    });
    own.chain([migration(NEXT, "CREATE TABLE next (id int)".to_owned())])
        .collect()
}

fn migration(version: i64, sql: String) -> Migration {
    let sql = AssertSqlSafe(sql).into_sql_str();
    Migration::new(version, "x".into(), MigrationType::Simple, sql, false)
}

#[tokio::test]
async fn of_two_versions_that_start_together_the_newer_migrates_once() {
    for _ in 0..3 {
        let url = SERVER.url(&empty_database().await);
        let older = join_all((0..4).map(|_| PostgresStore::open(&url)));
        let newer = join_all((0..4).map(async |_| {
            let mut connection = PgConnection::connect(&url).await.unwrap();
            let migrator = Migrator::with_migrations(migrations_of_the_next());
            migrator.run_direct(None, &mut connection, false).await
        }));
        let (older, newer) = tokio::join!(older, newer);
        assert!(newer.iter().all(Result::is_ok), "{newer:?}");
        for store in older {
            match store {
                // It was there first, and goes on while the newer one takes over.
                Ok(store) => {
                    enqueued(&store).await;
                    store.close().await;
                }
                Err(error) => is_refused(&error),
            }
        }
        let mut connection = PgConnection::connect(&url).await.unwrap();
        let applied = sqlx::query_scalar("SELECT count(*) FROM _sqlx_migrations WHERE success");
        let applied: i64 = applied.fetch_one(&mut connection).await.unwrap();
        let all = migrations_of_the_next().len();
        assert_eq!(usize::try_from(applied).unwrap(), all);
        let too_late = PostgresStore::open(&url).await.unwrap_err();
        is_refused(&too_late);
    }
}

fn is_refused(error: &StoreError) {
    let is_right = matches!(error, StoreError::NewerSchema { version: NEXT });
    assert!(is_right, "{error:?}");
}

/// What runs in the process that ends.
#[tokio::test]
#[ignore = "another test runs it, in a process of its own"]
async fn the_process_that_ends() {
    let Ok(url) = std::env::var(URL) else { return };
    PostgresStore::open(&url).await.unwrap();
}

#[tokio::test]
async fn a_migration_that_was_cut_off_is_there_or_not_but_never_half() {
    let url = SERVER.url(&empty_database().await);
    // The last table has its name taken until this transaction ends, so the migration waits
    // there, with everything before it done.
    let mut other = PgConnection::connect(&url).await.unwrap();
    let mut transaction = other.begin().await.unwrap();
    let take = "CREATE TABLE secrets (name text)";
    sqlx::query(take).execute(&mut *transaction).await.unwrap();

    let mut child = Command::new(std::env::current_exe().unwrap())
        .args([
            "--exact",
            "--ignored",
            "postgres::migrations::the_process_that_ends",
        ])
        .env(URL, &url)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let waiting = "SELECT count(*) FROM pg_stat_activity
                   WHERE datname = current_database() AND wait_event_type = 'Lock'
                     AND query LIKE '-- The record of jobs.%'";
    // Not in the transaction, in which this list would never change.
    let mut watcher = PgConnection::connect(&url).await.unwrap();
    loop {
        let waiting = sqlx::query_scalar::<_, i64>(waiting);
        if waiting.fetch_one(&mut watcher).await.unwrap() == 1 {
            break;
        }
        assert_eq!(child.try_wait().unwrap(), None, "it did not wait");
        sleep(Duration::from_millis(5)).await;
    }
    child.kill().unwrap();
    child.wait().unwrap();
    transaction.rollback().await.unwrap();

    let store = PostgresStore::open(&url).await.unwrap();
    enqueued(&store).await;
    store.make_secret("links", [1; 32]).await.unwrap();
    assert_eq!(secrets(&store, "links").await, [[1; 32]]);
    store.close().await;
}

#[tokio::test]
async fn a_newer_schema_is_refused_and_left_alone() {
    let url = SERVER.url(&database().await);
    let store = PostgresStore::open(&url).await.unwrap();
    let id = enqueued(&store).await;
    store.close().await;
    let mut raw = PgConnection::connect(&url).await.unwrap();
    let later = "INSERT INTO _sqlx_migrations (version, description, success, checksum,
                                               execution_time)
                 VALUES (9999, 'later', TRUE, '', 0)";
    sqlx::query(later).execute(&mut raw).await.unwrap();

    is_refused(&PostgresStore::open(&url).await.unwrap_err());

    let undo = "DELETE FROM _sqlx_migrations WHERE version = 9999";
    sqlx::query(undo).execute(&mut raw).await.unwrap();
    let store = PostgresStore::open(&url).await.unwrap();
    assert!(store.record(id, Reach::All).await.unwrap().is_some());
    store.close().await;
}

#[tokio::test]
async fn a_migration_that_was_changed_is_refused() {
    let url = SERVER.url(&database().await);
    let mut raw = PgConnection::connect(&url).await.unwrap();
    let change = "UPDATE _sqlx_migrations SET checksum = '' WHERE version = 1";
    sqlx::query(change).execute(&mut raw).await.unwrap();
    let error = PostgresStore::open(&url).await.unwrap_err();
    assert!(matches!(error, StoreError::Migration(_)), "{error:?}");
}
