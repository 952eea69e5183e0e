//! A store that this process has open as a server has, and the verbs beside it.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use farcall_core::{clock::SystemClock, id::JobId};
use farcall_store::{
    Fence, JobStore, NewJob, SqliteStore,
    conformance::fixture::{claimed, new_job},
};
use tempfile::TempDir;

use crate::harness::{Typed, farcall};

/// A test for each engine; `postgres` is in the names of those that need a server.
macro_rules! on_each_engine {
    ($($(#[$meta:meta])* async fn $name:ident($place:ident: &$kind:ty) $body:block)*) => {
        $($(#[$meta])* async fn $name($place: &$kind) $body)*

        mod sqlite {
            $(#[test]
            fn $name() {
                farcall::testing::block_on(async {
                    let place = crate::jobs::place::Place::sqlite().await;
                    super::$name(&place).await;
                    place.store.close().await;
                });
            })*
        }

        #[cfg(feature = "postgres-tests")]
        mod postgres {
            $(#[test]
            fn $name() {
                farcall::testing::block_on(async {
                    let place = crate::jobs::place::Place::postgres().await;
                    super::$name(&place).await;
                    place.store.close().await;
                });
            })*
        }
    };
}
pub(crate) use on_each_engine;

pub(crate) struct Place {
    pub(crate) store: Arc<dyn JobStore>,
    pub(crate) folder: TempDir,
    database: Option<String>,
}

impl Place {
    pub(crate) async fn sqlite() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = SqliteStore::open(folder.path(), Arc::new(SystemClock)).await;
        Self {
            store: Arc::new(store.unwrap()),
            folder,
            database: None,
        }
    }

    #[cfg(feature = "postgres-tests")]
    pub(crate) async fn postgres() -> Self {
        use std::sync::LazyLock;

        use farcall_store::PostgresStore;
        use farcall_testpg::{Cluster, Durability};

        static SERVER: LazyLock<Cluster> = LazyLock::new(|| Cluster::start(Durability::None));
        let database = SERVER.new_database();
        Self {
            store: Arc::new(PostgresStore::open(&database).await.unwrap()),
            folder: tempfile::tempdir().unwrap(),
            database: Some(database),
        }
    }

    /// `farcall jobs` with these arguments, for this store.
    pub(crate) fn jobs(&self, arguments: &[&str]) -> Typed {
        let typed = farcall(["jobs"]).arguments(arguments);
        self.placed(typed)
    }

    /// `farcall token` with these arguments, for this store.
    pub(crate) fn token(&self, arguments: &[&str]) -> Typed {
        let typed = farcall(["token"]).arguments(arguments);
        self.placed(typed)
    }

    /// `farcall keys` with these arguments, for this store.
    pub(crate) fn keys(&self, arguments: &[&str]) -> Typed {
        let typed = farcall(["keys"]).arguments(arguments);
        self.placed(typed)
    }

    fn placed(&self, typed: Typed) -> Typed {
        match &self.database {
            Some(database) => typed.variable("FARCALL_DATABASE_URL", database),
            None => typed.variable("FARCALL_DATA_DIR", self.folder.path().to_str().unwrap()),
        }
    }

    /// Takes a job in.
    pub(crate) async fn enqueue(&self, change: impl FnOnce(&mut NewJob)) -> String {
        let mut job = NewJob {
            id: scattered_id(),
            ..new_job()
        };
        job.terms.keep_for = Duration::from_hours(168);
        change(&mut job);
        let enqueued = self.store.enqueue(job).await.unwrap();
        enqueued.record.id.to_string()
    }

    /// Takes a job in and begins with it; nothing else may wait.
    pub(crate) async fn run(&self, change: impl FnOnce(&mut NewJob)) -> Fence {
        let id = self.enqueue(change).await;
        let fence = self.claim().await;
        assert_eq!(fence.id.to_string(), id, "another job was queued");
        fence
    }

    /// Begins with the best job.
    pub(crate) async fn claim(&self) -> Fence {
        claimed(self.store.as_ref()).await.fence
    }
}

/// An id that has its first digits for itself.
fn scattered_id() -> JobId {
    static NEXT: AtomicU32 = AtomicU32::new(1);
    let number = u128::from(NEXT.fetch_add(1, Ordering::Relaxed));
    let scattered = number.wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835);
    JobId::from_random(scattered.to_be_bytes())
}
