//! The stores that are held against the reference, each made anew in little time.

use std::{path::PathBuf, sync::Arc};

use farcall_core::clock::ManualClock;
use farcall_store::{
    JobStore, SqliteStore,
    conformance::{TestClock, fixture::START},
};
#[cfg(feature = "postgres-tests")]
pub(super) use on_a_server::Postgres;

use crate::suite::Hand;

/// A store that is held against the reference.
pub(super) trait Subject {
    /// Whether a clock that is set, here or on any other machine, is none of the store's.
    const IS_SHARED: bool;

    /// The store.
    fn store(&self) -> &dyn JobStore;

    /// Its clock, which stands at [`START`] when the first command comes.
    fn clock(&self) -> &dyn TestClock;

    /// Closes the store and opens it again, as the next process would.
    async fn reopen(&mut self);

    /// The same without a job, where that is there sooner than another one; it leaves nothing
    /// behind.
    async fn emptied(self) -> Option<Self>
    where
        Self: Sized;
}

/// SQLite in memory files, because nothing of this has to survive the machine.
pub(super) struct Sqlite {
    store: SqliteStore,
    folder: tempfile::TempDir,
    clock: Arc<ManualClock>,
    hand: Hand,
}

impl Sqlite {
    pub(super) async fn open(empty: &PathBuf) -> Self {
        let folder = in_memory();
        // A copy is there much sooner than a schema.
        std::fs::copy(empty, folder.path().join("jobs.sqlite3")).unwrap();
        let clock = Arc::new(ManualClock::at(START));
        let store = SqliteStore::open_careless(folder.path(), clock.clone());
        Self {
            store: store.await.unwrap(),
            folder,
            hand: Hand(clock.clone()),
            clock,
        }
    }
}

impl Subject for Sqlite {
    const IS_SHARED: bool = false;

    fn store(&self) -> &dyn JobStore {
        &self.store
    }

    fn clock(&self) -> &dyn TestClock {
        &self.hand
    }

    async fn reopen(&mut self) {
        self.store.close().await;
        let store = SqliteStore::open_careless(self.folder.path(), self.clock.clone());
        self.store = store.await.unwrap();
    }

    async fn emptied(self) -> Option<Self> {
        self.store.close().await;
        None
    }
}

/// A folder on a file system in memory, where there is one.
pub(super) fn in_memory() -> tempfile::TempDir {
    tempfile::tempdir_in("/dev/shm").unwrap_or_else(|_| tempfile::tempdir().unwrap())
}

#[cfg(feature = "postgres-tests")]
mod on_a_server {
    use farcall_store::PostgresStore;

    use super::*;
    use crate::pg;

    pub(in super::super) struct Postgres {
        store: PostgresStore,
        database: String,
        hand: pg::Hand,
    }

    impl Postgres {
        pub(in super::super) async fn open() -> Self {
            let database = pg::database().await;
            let url = pg::SERVER.url(&database);
            let store = PostgresStore::open(&url).await.unwrap();
            let hand = pg::Hand(pg::Raw::open(&url).await.0);
            Self {
                store,
                database,
                hand,
            }
        }
    }

    impl Subject for Postgres {
        const IS_SHARED: bool = true;

        fn store(&self) -> &dyn JobStore {
            &self.store
        }

        fn clock(&self) -> &dyn TestClock {
            &self.hand
        }

        async fn reopen(&mut self) {
            self.store.close().await;
            let url = pg::SERVER.url(&self.database);
            self.store = PostgresStore::open(&url).await.unwrap();
        }

        async fn emptied(self) -> Option<Self> {
            pg::empty(&self.hand.0).await;
            Some(self)
        }
    }
}
