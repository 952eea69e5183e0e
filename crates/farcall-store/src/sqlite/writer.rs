//! The one connection that writes.

#[cfg(debug_assertions)]
use farcall_core::planted;
use sqlx::{Sqlite, SqlitePool, Transaction};

use crate::{Fence, StoreError};

/// Writes, one transaction at a time, in the order of asking.
///
/// Every commit waits for the disk. Group commit (several callers' transactions in one
/// commit) belongs here, behind `transaction` and `commit!`: nothing outside of this file
/// knows when a commit happens, only that it has happened when its answer arrives.
#[derive(Debug)]
pub(super) struct Writer(SqlitePool);

/// Makes what a transaction wrote durable, between the two crash points of the operation.
macro_rules! commit {
    ($transaction:expr, $operation:literal) => {{
        farcall_core::crash_point!(concat!("store.", $operation, ".begun"));
        $transaction.commit().await?;
        farcall_core::crash_point!(concat!("store.", $operation, ".committed"));
    }};
}
pub(super) use commit;

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

    /// The same for a write under `fence`, with the sequence of its job; [`StoreError::StaleClaim`]
    /// where the job does not run under that claim. Every write of a worker begins here.
    pub(super) async fn fenced(
        &self,
        fence: Fence,
    ) -> Result<(Transaction<'static, Sqlite>, i64), StoreError> {
        const HELD: &str =
            "SELECT sequence FROM jobs WHERE id = ? AND epoch = ? AND state = 'running'";
        let mut transaction = self.transaction().await?;
        #[cfg(debug_assertions)]
        let fence = if planted!("no-fence") {
            unfenced(&mut transaction, fence).await?
        } else {
            fence
        };
        let sequence = sqlx::query_scalar(HELD)
            .bind(fence.id.to_string())
            .bind(fence.epoch)
            .fetch_optional(&mut *transaction)
            .await?
            .ok_or(StoreError::StaleClaim)?;
        Ok((transaction, sequence))
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

/// The planted bug: whoever writes to a job has its claim.
#[cfg(debug_assertions)]
async fn unfenced(
    transaction: &mut Transaction<'static, Sqlite>,
    fence: Fence,
) -> Result<Fence, StoreError> {
    let epoch = sqlx::query_scalar("SELECT epoch FROM jobs WHERE id = ?")
        .bind(fence.id.to_string())
        .fetch_optional(&mut **transaction)
        .await?
        .unwrap_or(fence.epoch);
    Ok(Fence { epoch, ..fence })
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use farcall_core::clock::SystemClock;

    use crate::{SqliteStore, StoreError};

    #[tokio::test]
    async fn a_full_disk_is_told_apart_and_goes_by_itself() {
        let folder = tempfile::tempdir().unwrap();
        let store = SqliteStore::open(folder.path(), Arc::new(SystemClock))
            .await
            .unwrap();
        let write = async || -> Result<(), StoreError> {
            let mut transaction = store.writer.transaction().await?;
            sqlx::query(
                "INSERT INTO secrets (name, value)
                 VALUES (hex(randomblob(100000)), randomblob(32))",
            )
            .execute(&mut *transaction)
            .await?;
            Ok(transaction.commit().await?)
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
