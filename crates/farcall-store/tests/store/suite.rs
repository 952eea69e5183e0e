//! The suite of every backend, on SQLite.

use async_trait::async_trait;
use farcall_core::id::JobId;
use farcall_store::{
    SqliteStore,
    conformance::{Backend, RawDatabase},
};
use sqlx::{SqlitePool, sqlite::SqliteConnectOptions};

pub(crate) struct Raw(SqlitePool);

impl Raw {
    pub(crate) async fn open(folder: &std::path::Path) -> Self {
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

async fn open() -> Backend {
    let folder = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(folder.path()).await.unwrap();
    Backend {
        store: Box::new(store),
        database: Some(Box::new(Raw::open(folder.path()).await)),
        keep: Box::new(folder),
    }
}

farcall_store::store_suite!(open);
farcall_store::database_suite!(open);

#[test]
fn every_sentence_of_the_suite_is_run() {
    let list = include_str!("../../src/conformance/mod.rs");
    let topics = [
        ("claims", include_str!("../../src/conformance/claims.rs")),
        (
            "database",
            include_str!("../../src/conformance/database.rs"),
        ),
        ("endings", include_str!("../../src/conformance/endings.rs")),
        ("fences", include_str!("../../src/conformance/fences.rs")),
        (
            "progress",
            include_str!("../../src/conformance/progress.rs"),
        ),
        ("queue", include_str!("../../src/conformance/queue.rs")),
        (
            "recovery",
            include_str!("../../src/conformance/recovery.rs"),
        ),
    ];
    for (topic, source) in topics {
        for after in source.split("\npub async fn ").skip(1) {
            let sentence = after.split('(').next().unwrap();
            assert!(
                list.contains(&format!("{topic}::{sentence},")),
                "{topic}::{sentence}"
            );
        }
    }
}
