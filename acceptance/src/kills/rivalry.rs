//! Two workers in one process: the first is declared lost while it works, and works on.

use std::{
    collections::BTreeSet,
    env,
    path::Path,
    sync::{Arc, Condvar, Mutex, PoisonError},
    time::Duration,
};

use farcall::RunnerOptions;
use farcall_artifacts::Artifacts;
use farcall_core::{clock::SystemClock, principal::Principal};
use farcall_jobs::{Programs, Queue, Runner, queue::How};
use farcall_store::{JobStore, PostgresStore, SqliteStore};
use serde_json::Value;

use super::{
    brew::{FIRST, HOLD, Kitchen},
    caller::key,
};
use crate::wait::until;

/// The variable with the orders, a JSON array.
pub(crate) const ORDERS: &str = "KILLS_ORDERS";

/// The variable with the address of the database, as servers have it.
pub(crate) const DATABASE: &str = "FARCALL_DATABASE_URL";

/// The line of the log from which the second worker has the jobs.
pub(crate) const RESCUED: &str = "rescued";

/// How long the first worker stands still at most; far longer than the second takes to begin.
const PATIENCE: Duration = Duration::from_secs(5);

/// Which jobs stand still, and which of them the second worker has begun.
#[derive(Clone, Default)]
pub(crate) struct Rivalry(Arc<(Mutex<Standing>, Condvar)>);

#[derive(Default)]
struct Standing {
    stalled: BTreeSet<String>,
    begun: BTreeSet<String>,
}

impl Rivalry {
    /// Stands still until the second worker has begun a stage of `job`.
    pub(crate) fn stall(&self, job: &str) {
        let (standing, changed) = &*self.0;
        let mut standing = standing.lock().unwrap_or_else(PoisonError::into_inner);
        standing.stalled.insert(job.to_owned());
        let waits = |standing: &mut Standing| !standing.begun.contains(job);
        drop(changed.wait_timeout_while(standing, PATIENCE, waits));
    }

    /// The second worker has begun a stage of `job`.
    pub(crate) fn begun(&self, job: &str) {
        let (standing, changed) = &*self.0;
        let mut standing = standing.lock().unwrap_or_else(PoisonError::into_inner);
        standing.begun.insert(job.to_owned());
        changed.notify_all();
    }

    fn stalled(&self) -> usize {
        let standing = self.0.0.lock().unwrap_or_else(PoisonError::into_inner);
        standing.stalled.len()
    }
}

/// Runs both until it is killed; what it takes in itself is told in the log.
///
/// # Panics
/// Where anything is in its way.
pub(crate) async fn run() {
    let data = env::var("FARCALL_DATA_DIR").unwrap();
    let orders: Vec<Value> = serde_json::from_str(&env::var(ORDERS).unwrap()).unwrap();
    let database = env::var(DATABASE).ok();
    let is_shared = database.is_some();
    let store: Arc<dyn JobStore> = if let Some(url) = database {
        Arc::new(PostgresStore::open(&url).await.unwrap())
    } else {
        let store = SqliteStore::open(Path::new(&data), Arc::new(SystemClock)).await;
        Arc::new(store.unwrap())
    };
    let artifacts = Artifacts::open(Path::new(&data)).unwrap();
    let rivalry = Rivalry::default();

    let kitchen = Kitchen::of_this_process(FIRST, Some(rivalry.clone()));
    let programs = Programs::new(kitchen.jobs());
    let options = RunnerOptions {
        concurrency: orders.len(),
        // It says nothing more than that it is there.
        beat: Duration::from_hours(1),
        lease: Duration::from_hours(1),
        is_shared,
        ..RunnerOptions::default()
    };
    let begin = |programs, options| {
        let (store, artifacts) = (Arc::clone(&store), artifacts.clone());
        Runner::start(store, artifacts, Programs::for_good(programs), options)
    };
    let _first = begin(programs.clone(), options).await.unwrap();
    let queue = Queue::new(Arc::clone(&store), programs);
    for order in &orders {
        let arguments = order.as_object().unwrap().clone();
        let number = order["number"].as_u64().unwrap();
        let how = How {
            key: Some(key(u32::try_from(number).unwrap())),
            ..How::default()
        };
        let caller = Principal::anonymous();
        let started = queue.start_with(HOLD, arguments, &caller, how).await;
        let id = started.unwrap().id;
        kitchen.note(&format!("acked {id} {number}")).unwrap();
    }
    until("jobs that stand still", async || {
        (rivalry.stalled() == orders.len()).then_some(())
    })
    .await;

    let lost = store.workers().await.unwrap();
    let lost = lost.iter().filter(|worker| worker.gone_at.is_none());
    let lost: Vec<_> = lost.map(|worker| worker.worker.id).collect();
    kitchen.note(RESCUED).unwrap();
    store.rescue(&lost).await.unwrap();
    let kitchen = Kitchen::of_this_process("second", Some(rivalry));
    let options = RunnerOptions {
        beat: Duration::from_millis(5),
        is_shared,
        ..RunnerOptions::default()
    };
    let _second = begin(Programs::new(kitchen.jobs()), options).await.unwrap();
    std::future::pending::<()>().await;
}
