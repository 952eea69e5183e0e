//! How many durable life cycles a second there are:
//!
//! ```text
//! cargo test --release -p farcall-store --test store -- --ignored --nocapture lives
//! ```
//!
//! `FARCALL_LIVES_FOLDER` says on which disk, `FARCALL_LIVES_SECONDS` for how long.

use std::{
    path::PathBuf,
    sync::Arc,
    time::{Duration, Instant},
};

use farcall_core::clock::SystemClock;
use farcall_store::{
    JobStore, SqliteStore, Success, Wanted, Which,
    conformance::fixture::{LEASE, known, new_job, new_worker, report, unique_id},
};
use tokio::task::JoinSet;

/// As many as the goal says.
const PRODUCERS: usize = 16;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "it measures"]
async fn durable_lives_a_second() {
    let variable = |name| std::env::var(name).ok();
    let parent = variable("FARCALL_LIVES_FOLDER").map_or_else(std::env::temp_dir, PathBuf::from);
    let seconds = variable("FARCALL_LIVES_SECONDS").map_or(5, |text| text.parse().unwrap());
    let folder = tempfile::tempdir_in(parent).unwrap();
    let store = SqliteStore::open(folder.path(), Arc::new(SystemClock));
    let store: Arc<dyn JobStore> = Arc::new(store.await.unwrap());
    let worker = new_worker();
    let id = worker.id;
    store.register(worker, LEASE).await.unwrap();

    let begin = Instant::now();
    let end = begin + Duration::from_secs(seconds);
    let mut producers = JoinSet::new();
    for _ in 0..PRODUCERS {
        let store = Arc::clone(&store);
        producers.spawn(async move {
            let mut starts = Vec::new();
            while Instant::now() < end {
                let mut job = new_job();
                job.id = unique_id();
                let asked = Instant::now();
                store.enqueue(job).await.unwrap();
                starts.push(asked.elapsed());
                live(store.as_ref(), id).await;
            }
            starts
        });
    }
    let mut starts = producers.join_all().await.concat();
    let passed = begin.elapsed().as_secs_f64();
    starts.sort_unstable();
    let percentile = |share: usize| starts[(starts.len() - 1) * share / 1_000];
    #[expect(clippy::cast_precision_loss, reason = "people read it")]
    let lives = starts.len() as f64 / passed;
    println!("{lives:.0} lives/s with {PRODUCERS} producers, {passed:.1} s");
    println!(
        "start p50 {:?}, p99 {:?}, p99.9 {:?}, at most {:?}",
        percentile(500),
        percentile(990),
        percentile(999),
        percentile(1_000)
    );
    store.close().await;
}

/// Takes one job, which another producer may have started, to its end.
async fn live(store: &dyn JobStore, worker: farcall_store::WorkerId) {
    let wanted = Wanted {
        worker,
        programs: &known(),
        which: Which::Others,
        limit: 1,
        adopt_after: Duration::ZERO,
    };
    let fence = store.claim(wanted).await.unwrap().pop().unwrap().fence;
    for stage in 1..=3 {
        store.report(fence, report(stage)).await.unwrap();
    }
    let success = Success {
        value: None,
        artifacts: Vec::new(),
    };
    store.succeed(fence, success).await.unwrap();
}
