//! Lives in the embedded store, through the interface that a server uses.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use anyhow::{Context, Result};
use farcall_core::{clock::SystemClock, id::JobId, question::Askable};
use farcall_store::{
    Claim, JobStore, NewJob, NewWorker, Report, SqliteStore, Success, Terms, Wanted, WantedJob,
    Which, WorkerId,
};
use tokio::sync::{Notify, oneshot};

use super::{PRODUCERS, REPORTS};

const LEASE: Duration = Duration::from_mins(1);

/// Lives a second in a new store, whose answers are on the disk.
pub(crate) fn embedded(window: Duration) -> Result<f64> {
    let folder = tempfile::tempdir()?;
    let runtime = tokio::runtime::Runtime::new()?;
    runtime.block_on(async {
        let store = SqliteStore::open(folder.path(), Arc::new(SystemClock)).await?;
        lives(Arc::new(store), window).await
    })
}

struct Lives<S> {
    store: Arc<S>,
    worker: WorkerId,
    /// Who waits for which job to be over.
    waiting: Mutex<HashMap<JobId, oneshot::Sender<()>>>,
    queued: Notify,
    over: AtomicU64,
}

pub(super) async fn lives<S: JobStore + 'static>(store: Arc<S>, window: Duration) -> Result<f64> {
    let worker = WorkerId::from_random(random());
    register(&*store, worker).await?;
    let lives = Arc::new(Lives {
        store,
        worker,
        waiting: Mutex::default(),
        queued: Notify::new(),
        over: AtomicU64::new(0),
    });
    let mut tasks = tokio::task::JoinSet::new();
    tasks.spawn(Arc::clone(&lives).claim());
    for _ in 0..PRODUCERS {
        tasks.spawn(Arc::clone(&lives).produce());
    }
    tokio::time::sleep(window / 5).await;
    let (begun, before) = (Instant::now(), lives.over.load(Ordering::Relaxed));
    tokio::select! {
        // None of them ends well.
        Some(ended) = tasks.join_next() => ended??,
        () = tokio::time::sleep(window) => {}
    }
    let over = lives.over.load(Ordering::Relaxed) - before;
    let elapsed = begun.elapsed();
    tasks.shutdown().await;
    lives.store.close().await;
    Ok(over as f64 / elapsed.as_secs_f64())
}

/// Makes a worker known that can do the one job there is.
pub(super) async fn register(store: &impl JobStore, worker: WorkerId) -> Result<()> {
    let program = ("work".to_owned(), "1".to_owned());
    let known = NewWorker {
        id: worker,
        host: "bench".to_owned(),
        identity: String::new(),
        programs: BTreeMap::from([program]),
        slots: BTreeMap::new(),
    };
    Ok(store.register(known, LEASE).await?)
}

impl<S: JobStore + 'static> Lives<S> {
    async fn produce(self: Arc<Self>) -> Result<()> {
        loop {
            let id = JobId::from_random(random());
            let (end, ended) = oneshot::channel();
            self.waiting().insert(id, end);
            self.store.enqueue(job(id)).await?;
            self.queued.notify_one();
            ended.await.context("a job was lost")?;
            self.over.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Takes what is there, and waits for more.
    async fn claim(self: Arc<Self>) -> Result<()> {
        let programs = [WantedJob {
            name: "work".to_owned(),
            fingerprint: "1".to_owned(),
            concurrency: None,
        }];
        loop {
            let wanted = Wanted {
                worker: self.worker,
                programs: &programs,
                which: Which::Others,
                limit: u32::try_from(PRODUCERS)?,
                adopt_after: Duration::ZERO,
            };
            let claims = self.store.claim(wanted).await?;
            if claims.is_empty() {
                self.queued.notified().await;
            }
            for claim in claims {
                let lives = Arc::clone(&self);
                tokio::spawn(async move { lives.work(claim).await });
            }
        }
    }

    async fn work(&self, claim: Claim) -> Result<()> {
        for report in 1..=REPORTS {
            let report = Report {
                stage: 1,
                message: format!("report {report}"),
                progress: Some(f64::from(report) / f64::from(REPORTS)),
                log: Vec::new(),
            };
            self.store.report(claim.fence, report).await?;
        }
        let success = Success {
            value: Some(serde_json::json!({"done": true})),
            artifacts: Vec::new(),
        };
        self.store.succeed(claim.fence, success).await?;
        let end = self.waiting().remove(&claim.fence.id);
        end.context("a job of nobody")?.send(()).ok();
        Ok(())
    }

    fn waiting(&self) -> std::sync::MutexGuard<'_, HashMap<JobId, oneshot::Sender<()>>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn job(id: JobId) -> NewJob {
    NewJob {
        id,
        owner: "bench".to_owned(),
        job: "work".to_owned(),
        arguments: serde_json::Map::from_iter([("seconds".to_owned(), 0.into())]),
        total_stages: 1,
        fingerprint: "1".to_owned(),
        terms: Terms {
            priority: 0,
            keep_for: Duration::from_hours(1),
            queue_timeout: None,
            max_losses: 2,
        },
        key: None,
        args_hash: [0; 32],
        unique_for: None,
        can_ask: Askable::default(),
        trace: None,
        max_open: None,
    }
}

pub(super) fn random() -> [u8; 16] {
    let mut bits = [0; 16];
    getrandom::fill(&mut bits).expect("the system has random bits");
    bits
}
