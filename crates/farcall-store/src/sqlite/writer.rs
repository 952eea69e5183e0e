//! The one connection that writes.

use sqlx::{Sqlite, SqlitePool, Transaction, sqlite::SqliteQueryResult};

use crate::StoreError;

/// What a query of sqlx is, ready to run.
pub(super) type Statement = sqlx::query::Query<'static, Sqlite, sqlx::sqlite::SqliteArguments>;

/// Writes, one transaction at a time, in the order of asking.
///
/// Every commit waits for the disk. Group commit (several callers' transactions in one
/// commit) belongs here, behind `transaction` and `write`: nothing outside of this file
/// knows when a commit happens, only that it has happened when its answer arrives.
#[derive(Debug)]
pub(super) struct Writer(SqlitePool);

impl Writer {
    /// Writes through `connection`, a pool of one.
    pub(super) fn new(connection: SqlitePool) -> Self {
        Self(connection)
    }

    /// A transaction that holds the write lock from its start, so that what it reads is still
    /// true when it writes. It is undone where it is dropped without a commit.
    pub(super) async fn transaction(&self) -> Result<Transaction<'static, Sqlite>, StoreError> {
        Ok(self.0.begin_with("BEGIN IMMEDIATE").await?)
    }

    /// Runs one statement as a transaction of its own.
    pub(super) async fn write(
        &self,
        statement: Statement,
    ) -> Result<SqliteQueryResult, StoreError> {
        Ok(statement.execute(&self.0).await?)
    }

    /// The connection itself, to look at its settings.
    #[cfg(test)]
    pub(super) fn connection(&self) -> &SqlitePool {
        &self.0
    }

    /// Moves the log into the database file and closes the connection.
    pub(super) async fn close(&self) {
        // A failure loses nothing: the log stays beside the file, and the next start reads it.
        let _ = sqlx::query("PRAGMA wal_checkpoint(TRUNCATE)")
            .execute(&self.0)
            .await;
        self.0.close().await;
    }
}

#[cfg(test)]
mod tests {
    use crate::{SqliteStore, StoreError};

    #[tokio::test]
    async fn a_full_disk_is_told_apart_and_goes_by_itself() {
        let folder = tempfile::tempdir().unwrap();
        let store = SqliteStore::open(folder.path()).await.unwrap();
        let write = || {
            store.writer.write(sqlx::query(
            "INSERT INTO secrets (name, value) VALUES (hex(randomblob(100000)), randomblob(32))",
        ))
        };
        // No other way to a full disk is the same on every machine.
        let limit = |pages: &'static str| sqlx::query(pages).execute(&store.writer.0);
        limit("PRAGMA max_page_count = 1").await.unwrap();
        let answer = write().await;
        assert!(matches!(answer, Err(StoreError::Full(_))), "{answer:?}");
        limit("PRAGMA max_page_count = 1000000").await.unwrap();
        write().await.unwrap();
    }
}
