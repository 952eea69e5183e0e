//! The suite of every backend, on SQLite.

use std::{fs, path::Path, sync::Arc};

use async_trait::async_trait;
use farcall_core::{clock::ManualClock, id::JobId};
use farcall_store::{
    SqliteStore, StoreError,
    conformance::{Backend, RawDatabase, TestClock, fixture::START},
};
use sqlx::{SqlitePool, sqlite::SqliteConnectOptions};

pub(crate) struct Raw(SqlitePool);

impl Raw {
    pub(crate) async fn open(folder: &Path) -> Self {
        let options = SqliteConnectOptions::new().filename(folder.join("jobs.sqlite3"));
        Self(SqlitePool::connect_with(options).await.unwrap())
    }
}

#[async_trait]
impl RawDatabase for Raw {
    async fn execute(&self, statement: &'static str, id: JobId) -> Result<u64, String> {
        let done = sqlx::query(statement)
            .bind(id.to_string())
            .execute(&self.0)
            .await;
        done.map(|done| done.rows_affected())
            .map_err(|error| error.to_string())
    }
}

pub(crate) struct Hand(pub(crate) Arc<ManualClock>);

#[async_trait]
impl TestClock for Hand {
    async fn advance(&self, milliseconds: u32) {
        self.0.advance(milliseconds);
    }

    async fn jump(&self, milliseconds: i64) {
        self.0.jump(milliseconds);
    }
}

/// Opens the store in `folder`, with a clock that stands still.
pub(crate) async fn open_in(folder: &Path) -> Result<SqliteStore, StoreError> {
    SqliteStore::open(folder, Arc::new(ManualClock::at(START))).await
}

async fn open() -> Backend {
    let folder = tempfile::tempdir().unwrap();
    let clock = Arc::new(ManualClock::at(START));
    let store = SqliteStore::open(folder.path(), clock.clone())
        .await
        .unwrap();
    let second = SqliteStore::attach(folder.path(), clock.clone()).await;
    Backend {
        store: Box::new(store),
        second: Box::new(second.unwrap()),
        clock: Box::new(Hand(clock)),
        database: Some(Box::new(Raw::open(folder.path()).await)),
        keep: Box::new(folder),
    }
}

farcall_store::store_suite!(open);
farcall_store::database_suite!(open);

#[test]
fn every_sentence_of_the_suite_is_run() {
    let suite = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/conformance");
    let list = fs::read_to_string(suite.join("mod.rs")).unwrap();
    for file in fs::read_dir(suite).unwrap() {
        let file = file.unwrap().path();
        let topic = file.file_stem().unwrap().to_str().unwrap().to_owned();
        if topic == "fixture" {
            continue;
        }
        let source = fs::read_to_string(file).unwrap();
        for after in source.split("\npub async fn ").skip(1) {
            let sentence = after.split('(').next().unwrap();
            assert!(
                list.contains(&format!("{topic}::{sentence},")),
                "{topic}::{sentence}"
            );
        }
    }
}
