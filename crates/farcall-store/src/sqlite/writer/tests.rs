//! Writes that share a transaction, and what happens when one of them spoils it.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use farcall_core::clock::SystemClock;
use futures_util::future::join_all;
use sqlx::SqliteConnection;

use super::Write;
use crate::{SqliteStore, StoreError, moment::Moment};

/// Statements, one after the other, and what the last of them says.
struct Run(Vec<&'static str>);

impl Write for Run {
    type Answer = i64;
    const NAME: &'static str = "run";

    async fn run(&self, connection: &mut SqliteConnection, _: Moment) -> Result<i64, StoreError> {
        let mut answer = None;
        for statement in &self.0 {
            let said = sqlx::query_scalar(*statement);
            answer = said.fetch_optional(&mut *connection).await?;
        }
        Ok(answer.unwrap_or_default())
    }
}

const KEEP_ONE: &str = "INSERT INTO secrets VALUES (hex(randomblob(9)), 1, 0, zeroblob(32))";
const KEEP_MUCH: &str = "INSERT INTO secrets VALUES (hex(randomblob(100000)), 1, 0, zeroblob(32))";
const BREAK_A_RULE: &str = "INSERT INTO secrets VALUES ('short', 1, 0, zeroblob(31))";
const COUNT: &str = "SELECT count(*) FROM secrets";

async fn open(folder: &tempfile::TempDir) -> SqliteStore {
    let clock = Arc::new(SystemClock);
    SqliteStore::open(folder.path(), clock).await.unwrap()
}

impl SqliteStore {
    async fn run(&self, statements: impl Into<Vec<&'static str>>) -> Result<i64, StoreError> {
        self.writer.write(Run(statements.into())).await
    }
}

#[tokio::test]
async fn what_waits_together_is_committed_together() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(&folder).await;
    let log = || {
        folder
            .path()
            .join("jobs.sqlite3-wal")
            .metadata()
            .unwrap()
            .len()
    };
    let before = log();
    for answer in join_all((0..100).map(|_| store.run([KEEP_ONE]))).await {
        answer.unwrap();
    }
    assert_eq!(store.run([COUNT]).await.unwrap(), 100);
    // Every commit writes two pages of four KiB at the least, and a busy machine needs more of them.
    let pages = (log() - before) / 4_096;
    assert!(pages < 150, "{pages}");
}

#[tokio::test]
async fn in_quiet_the_log_is_moved_into_the_database_file() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(&folder).await;
    let file = || std::fs::read(folder.path().join("jobs.sqlite3")).unwrap();
    store.run([KEEP_ONE]).await.unwrap();
    let before = file();
    let give_up_at = Instant::now() + Duration::from_secs(20);
    while file() == before {
        assert!(Instant::now() < give_up_at, "the log stays where it is");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(store.run([COUNT]).await.unwrap(), 1);
}

#[tokio::test]
async fn a_write_that_is_refused_takes_nothing_from_the_others_and_leaves_no_half() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(&folder).await;
    let writes = (0..40).map(|number| {
        let half: &[_] = &[KEEP_ONE, BREAK_A_RULE];
        let writes = if number % 10 == 3 { half } else { &[KEEP_ONE] };
        store.run(writes)
    });
    let answers = join_all(writes).await;
    for (number, answer) in answers.iter().enumerate() {
        let is_refused = matches!(answer, Err(StoreError::Refused { .. }));
        assert_eq!(is_refused, number % 10 == 3, "{answer:?}");
    }
    assert_eq!(store.run([COUNT]).await.unwrap(), 36);
}

#[tokio::test]
async fn a_full_disk_is_told_to_whom_it_concerns_and_goes_by_itself() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(&folder).await;
    store.run([KEEP_ONE]).await.unwrap();
    // No other way to a full disk is the same on every machine.
    store.run(["PRAGMA max_page_count = 1"]).await.unwrap();
    let (much, one, other) = tokio::join!(
        store.run([KEEP_MUCH]),
        store.run([COUNT]),
        store.run([KEEP_MUCH])
    );
    for answer in [much, other] {
        assert!(matches!(answer, Err(StoreError::Full(_))), "{answer:?}");
    }
    assert_eq!(one.unwrap(), 1);
    let more = "PRAGMA max_page_count = 1000000";
    store.run([more]).await.unwrap();
    store.run([KEEP_MUCH]).await.unwrap();
    assert_eq!(store.run([COUNT]).await.unwrap(), 2);
}

#[tokio::test]
async fn what_comes_after_the_end_finds_the_store_closed() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(&folder).await;
    let (before, (), after) = tokio::join!(
        store.run([KEEP_ONE]),
        store.writer.close(),
        store.run([KEEP_ONE])
    );
    before.unwrap();
    assert!(matches!(after, Err(StoreError::Closed)), "{after:?}");
    let store = open(&folder).await;
    assert_eq!(store.run([COUNT]).await.unwrap(), 1);
}
