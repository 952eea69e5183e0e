//! A store with runners on it, without a server around them.

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
use farcall_store::{JobRecord, JobStore, Needed, Reach, SqliteStore, Worker};
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;

/// The longest time to wait for what must happen.
const PATIENCE: Duration = Duration::from_secs(30);

/// A runner that looks often.
pub(crate) fn quick() -> RunnerOptions {
    RunnerOptions {
        beat: Duration::from_millis(20),
        poll: Duration::from_millis(20),
        grace: Duration::from_secs(5),
        sweep: Duration::from_millis(20),
        prune: Duration::from_millis(20),
        ..RunnerOptions::default()
    }
}

pub(crate) struct Rig {
    pub(crate) store: Arc<dyn JobStore>,
    folder: TempDir,
}

impl Rig {
    pub(crate) async fn new() -> Self {
        Self::with_clock(Arc::new(SystemClock)).await
    }

    pub(crate) async fn with_clock(clock: Arc<dyn Clock>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = SqliteStore::open(folder.path(), clock).await.unwrap();
        Self {
            store: Arc::new(store),
            folder,
        }
    }

    pub(crate) async fn run(&self, job: &Job, options: RunnerOptions) -> Runner {
        self.run_all(&[job], options).await
    }

    pub(crate) async fn run_all(&self, jobs: &[&Job], options: RunnerOptions) -> Runner {
        self.run_in(jobs, &self.artifacts(), options).await
    }

    pub(crate) async fn run_in(
        &self,
        jobs: &[&Job],
        artifacts: &Artifacts,
        options: RunnerOptions,
    ) -> Runner {
        let programs = Programs::new(jobs.iter().copied().cloned()).for_good();
        let store = Arc::clone(&self.store);
        let started = Runner::start(store, artifacts.clone(), programs, options);
        started.await.unwrap()
    }

    pub(crate) fn artifacts(&self) -> Artifacts {
        Artifacts::open(self.folder.path()).unwrap()
    }

    pub(crate) fn queue(&self, job: &Job) -> Queue {
        Queue::new(Arc::clone(&self.store), Programs::new([job.clone()]))
    }

    /// Starts a job.
    pub(crate) async fn start(&self, job: &Job) -> JobId {
        let (queue, caller) = (self.queue(job), Principal::anonymous());
        let started = queue.start(&job.name, JsonObject::new(), &caller).await;
        started.unwrap().id
    }

    /// Waits until the record of a job is what a test waits for.
    pub(crate) async fn record_when(
        &self,
        id: JobId,
        is_it: impl Fn(&JobRecord) -> bool,
    ) -> JobRecord {
        let looking = async {
            loop {
                let record = self.store.record(id, Reach::All).await.unwrap().unwrap();
                if is_it(&record) {
                    return record;
                }
                tokio::task::yield_now().await;
            }
        };
        let found = tokio::time::timeout(PATIENCE, looking).await;
        found.expect("it did not happen in time")
    }

    pub(crate) async fn is_running(&self, id: JobId) -> JobRecord {
        self.record_when(id, |record| record.stage == 1).await
    }

    pub(crate) async fn ended(&self, id: JobId) -> JobRecord {
        self.record_when(id, |record| record.state.is_terminal())
            .await
    }

    /// Waits until the job is over, or was even deleted since.
    pub(crate) async fn is_over_or_gone(&self, id: JobId) {
        let ending = async {
            let is_open = |jobs: &[Needed]| jobs.iter().any(|job| !job.is_over);
            while is_open(&self.store.needed(&[id]).await.unwrap()) {
                tokio::task::yield_now().await;
            }
        };
        let ended = tokio::time::timeout(PATIENCE, ending).await;
        ended.expect("it did not end in time");
    }

    /// The names in a folder of the data folder, in order.
    pub(crate) fn names(&self, folder: &str) -> Vec<String> {
        let names = self.names_if_there(folder);
        assert!(self.folder.path().join(folder).is_dir(), "no `{folder}`");
        names
    }

    /// The same, without any where the folder goes away.
    pub(crate) fn names_if_there(&self, folder: &str) -> Vec<String> {
        let Ok(entries) = std::fs::read_dir(self.folder.path().join(folder)) else {
            return Vec::new();
        };
        let name = |entry: std::io::Result<std::fs::DirEntry>| entry.unwrap().file_name();
        let mut names: Vec<_> = entries
            .map(|entry| name(entry).into_string().unwrap())
            .collect();
        names.sort_unstable();
        names
    }

    /// Waits until every worker has renewed its lease.
    pub(crate) async fn has_beaten(&self) {
        let beating = async {
            while !self.workers().await.iter().all(|worker| worker.is_live) {
                tokio::task::yield_now().await;
            }
        };
        let beaten = tokio::time::timeout(PATIENCE, beating).await;
        beaten.expect("no lease was renewed in time");
    }

    /// The workers that were not declared lost.
    pub(crate) async fn workers(&self) -> Vec<Worker> {
        let mut workers = self.store.workers().await.unwrap();
        workers.retain(|worker| worker.gone_at.is_none());
        workers
    }

    /// Waits until nothing in the store knows of a job.
    pub(crate) async fn is_gone(&self, id: JobId) {
        let going = async {
            while !self.store.needed(&[id]).await.unwrap().is_empty() {
                tokio::task::yield_now().await;
            }
        };
        let gone = tokio::time::timeout(PATIENCE, going).await;
        gone.expect("it is still there");
    }

    pub(crate) async fn stop(self, runner: Runner) {
        runner.stop(PATIENCE, &CancellationToken::new()).await;
        self.store.close().await;
    }
}
