//! A server that cannot be reached, and comes back.

use std::{
    collections::HashSet,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use farcall_core::{id::JobId, job::state::JobState};
use farcall_store::{
    Cancelled, Hint, JobStore, NewJob, PostgresStore, Reach, Same, StoreError, Wanted, Which,
    conformance::fixture::{
        LEASE, employed, enqueued, known, new_job, new_worker, record, report, running, success,
        unique_id,
    },
};
use farcall_testpg::{Cluster, Durability, Proxy};
use tokio::{task::JoinSet, time::sleep};

use crate::pg::{SERVER, database};

/// A store whose server stands behind `proxy`.
async fn store_behind(proxy: &Proxy, database: &str) -> Arc<PostgresStore> {
    let url = SERVER.tcp_url(proxy.address(), database);
    Arc::new(PostgresStore::open(&url).await.unwrap())
}

fn is_unavailable<T: std::fmt::Debug>(answer: &Result<T, StoreError>) -> bool {
    matches!(answer, Err(StoreError::Unavailable(_)))
}

/// P17: whoever asks is told within the time that is promised, and nothing has to be started
/// again.
#[tokio::test]
async fn a_network_that_falls_silent_is_told_and_comes_back() {
    let (proxy, name) = (Proxy::before(SERVER.server()).await, database().await);
    let store = store_behind(&proxy, &name).await;
    let fence = running(store.as_ref()).await;
    let keyed = NewJob {
        key: Some("k".to_owned()),
        ..new_job()
    };

    proxy.fall_silent();
    let began = Instant::now();
    let (read, start, written) = tokio::join!(
        store.record(fence.id, Reach::All),
        store.enqueue(keyed.clone()),
        store.report(fence, report(1)),
    );
    let waited = began.elapsed();
    assert!(is_unavailable(&read), "{read:?}");
    assert!(is_unavailable(&start), "{start:?}");
    assert!(is_unavailable(&written), "{written:?}");
    assert!(waited < Duration::from_secs(25), "{waited:?}");

    proxy.recover();
    assert_eq!(
        record(store.as_ref(), fence.id).await.state,
        JobState::Running
    );
    store.report(fence, report(2)).await.unwrap();
    // Nobody knows whether the first start came through; the key makes it one job all the same.
    let again = NewJob {
        id: unique_id(),
        ..keyed.clone()
    };
    let first = store.enqueue(again).await.unwrap();
    let second = store.enqueue(keyed).await.unwrap();
    assert_eq!(second.was_there, Some(Same::Key));
    assert_eq!(second.record.id, first.record.id);
    store.succeed(fence, success()).await.unwrap();
    store.close().await;
}

/// P17: connections that break are made anew, and hints that were missed are made up for.
#[tokio::test]
async fn connections_that_break_are_made_anew() {
    let (proxy, name) = (Proxy::before(SERVER.server()).await, database().await);
    let store = store_behind(&proxy, &name).await;
    let other = PostgresStore::open(&SERVER.url(&name)).await.unwrap();
    let id = enqueued(store.as_ref()).await;
    let mut hints = store.hints();

    proxy.break_connections();
    let deadline = Instant::now() + Duration::from_secs(10);
    while let Err(error) = store.record(id, Reach::All).await {
        assert!(matches!(error, StoreError::Unavailable(_)), "{error:?}");
        assert!(Instant::now() < deadline, "{error:?}");
    }
    while hints.recv().await.unwrap() != Hint::All {}
    enqueued(&other).await;
    while hints.recv().await.unwrap() != Hint::Queued {}
    store.close().await;
    other.close().await;
}

#[tokio::test]
async fn a_server_that_is_not_there_is_unavailable() {
    let nobody = "postgres://postgres@127.0.0.1:1/jobs";
    let answer = PostgresStore::open(nobody).await;
    assert!(is_unavailable(&answer), "{answer:?}");
}

/// What a client was told, and has to be true afterwards.
#[derive(Default)]
struct Told {
    accepted: HashSet<JobId>,
    cancelled: HashSet<JobId>,
    succeeded: HashSet<JobId>,
}

/// P1, P17: what was answered is there after the server has lost its power.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restart_without_warning_loses_nothing_that_was_answered() {
    const CRASHES: usize = 3;
    const STARTS_BETWEEN: usize = 100;

    let server = Arc::new(
        tokio::task::spawn_blocking(|| Cluster::start(Durability::Disk))
            .await
            .unwrap(),
    );
    let url = server.url("postgres");
    let store = Arc::new(PostgresStore::open(&url).await.unwrap());
    employed(store.as_ref()).await;
    let is_over = Arc::new(AtomicBool::new(false));
    let (starts, outages) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));

    let mut clients = JoinSet::new();
    for client in 0..6 {
        let (store, is_over) = (Arc::clone(&store), Arc::clone(&is_over));
        let (starts, outages) = (Arc::clone(&starts), Arc::clone(&outages));
        clients.spawn(async move {
            let mut told = Told::default();
            while !is_over.load(Ordering::SeqCst) {
                let step = if client < 4 {
                    start(&store, &mut told).await
                } else {
                    work(&store, &mut told).await
                };
                match step {
                    Ok(()) => starts.fetch_add(1, Ordering::SeqCst),
                    Err(StoreError::Unavailable(_)) => outages.fetch_add(1, Ordering::SeqCst),
                    // The claim before this one was made, and its answer lost.
                    Err(StoreError::StaleClaim) => 0,
                    Err(error) => panic!("{error:?}"),
                };
            }
            told
        });
    }
    for _ in 0..CRASHES {
        let goal = starts.load(Ordering::SeqCst) + STARTS_BETWEEN;
        while starts.load(Ordering::SeqCst) < goal {
            sleep(Duration::from_millis(5)).await;
        }
        let server = Arc::clone(&server);
        tokio::task::spawn_blocking(move || server.crash())
            .await
            .unwrap();
    }
    let goal = starts.load(Ordering::SeqCst) + STARTS_BETWEEN;
    while starts.load(Ordering::SeqCst) < goal {
        sleep(Duration::from_millis(5)).await;
    }
    is_over.store(true, Ordering::SeqCst);

    assert!(outages.load(Ordering::SeqCst) > 0, "nobody noticed");
    for told in clients.join_all().await {
        for id in told.accepted {
            assert!(
                store.record(id, Reach::All).await.unwrap().is_some(),
                "{id} is lost"
            );
        }
        for id in told.cancelled {
            assert_eq!(record(store.as_ref(), id).await.state, JobState::Failed);
        }
        for id in told.succeeded {
            assert_eq!(record(store.as_ref(), id).await.state, JobState::Succeeded);
        }
    }
    store.close().await;
}

async fn start(store: &PostgresStore, told: &mut Told) -> Result<(), StoreError> {
    let mut job = new_job();
    // The server's clock is the real one here.
    job.terms.keep_for = Duration::from_hours(1);
    let id = store.enqueue(job).await?.record.id;
    told.accepted.insert(id);
    if id.to_string().ends_with('0')
        && let Some(Cancelled::Now(_)) = store.cancel(id, Reach::All).await?
    {
        told.cancelled.insert(id);
    }
    Ok(())
}

async fn work(store: &PostgresStore, told: &mut Told) -> Result<(), StoreError> {
    let worker = new_worker();
    let wanted = Wanted {
        worker: worker.id,
        programs: &known(),
        which: Which::Others,
        limit: 2,
        adopt_after: Duration::ZERO,
    };
    store.register(worker, LEASE).await?;
    for claim in store.claim(wanted).await? {
        store.report(claim.fence, report(1)).await?;
        store.succeed(claim.fence, success()).await?;
        told.succeeded.insert(claim.fence.id);
    }
    store.unregister(wanted.worker).await
}
