//! A store, a runner and a queue, without a server around them.

use std::{sync::Arc, time::Duration};

use farcall_artifacts::Artifacts;
use farcall_core::{
    JsonObject,
    clock::{Clock, SystemClock},
    id::JobId,
    job::Job,
    principal::Principal,
};
use farcall_jobs::{Programs, Queue, Runner, RunnerOptions};
use farcall_store::{JobRecord, JobStore, Reach, SqliteStore};
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;

/// The longest time to wait for what must happen.
const PATIENCE: Duration = Duration::from_secs(30);

pub(crate) struct Rig {
    pub(crate) store: Arc<dyn JobStore>,
    pub(crate) queue: Queue,
    runner: Runner,
    _folder: TempDir,
}

impl Rig {
    pub(crate) async fn start(job: Job, options: RunnerOptions) -> Self {
        Self::with_clock(job, options, Arc::new(SystemClock)).await
    }

    pub(crate) async fn with_clock(
        job: Job,
        options: RunnerOptions,
        clock: Arc<dyn Clock>,
    ) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = SqliteStore::open(folder.path(), clock).await.unwrap();
        let store: Arc<dyn JobStore> = Arc::new(store);
        let programs = Programs::new([job]);
        let artifacts = Artifacts::open(folder.path()).unwrap();
        let queue = Queue::new(Arc::clone(&store), programs.clone());
        let runner = Runner::start(Arc::clone(&store), artifacts, programs, options).await;
        Self {
            store,
            queue,
            runner: runner.unwrap(),
            _folder: folder,
        }
    }

    /// Starts a job of the name `brew`.
    pub(crate) async fn brew(&self) -> JobId {
        let caller = Principal::anonymous();
        let started = self.queue.start("brew", JsonObject::new(), &caller);
        started.await.unwrap().id
    }

    pub(crate) async fn record(&self, id: JobId) -> JobRecord {
        self.store.record(id, Reach::All).await.unwrap().unwrap()
    }

    /// Waits until the record of a job is what a test waits for.
    pub(crate) async fn record_when(
        &self,
        id: JobId,
        is_it: impl Fn(&JobRecord) -> bool,
    ) -> JobRecord {
        let looking = async {
            loop {
                let record = self.record(id).await;
                if is_it(&record) {
                    return record;
                }
                tokio::task::yield_now().await;
            }
        };
        let found = tokio::time::timeout(PATIENCE, looking).await;
        found.expect("it did not happen in time")
    }

    pub(crate) async fn ended(&self, id: JobId) -> JobRecord {
        self.record_when(id, |record| record.state.is_terminal())
            .await
    }

    pub(crate) async fn stop(self) {
        self.runner.stop(PATIENCE, &CancellationToken::new()).await;
        self.store.close().await;
    }
}
