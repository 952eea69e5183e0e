//! P4, P5: two workers never hold one claim.

use std::{
    collections::HashMap,
    process::{Command, Stdio},
    sync::Arc,
};

use farcall_core::id::JobId;
use farcall_store::{
    JobStore, PostgresStore, Wanted, Which,
    conformance::fixture::{LEASE, enqueued, known, new_worker, success},
};
use tokio::task::JoinSet;

use crate::pg::{SERVER, database};

const URL: &str = "FARCALL_STORE_TEST_URL";

/// How many jobs there are.
const JOBS: usize = 5_000;

/// How many tasks of each process take them.
const CLAIMERS: u32 = 16;

/// What runs in each process: takes jobs until there are none, and writes down each claim.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "another test runs it, in a process of its own"]
async fn the_process_that_claims() {
    let Ok(url) = std::env::var(URL) else { return };
    let store = Arc::new(PostgresStore::open(&url).await.unwrap());
    let worker = new_worker();
    let id = worker.id;
    store.register(worker, LEASE).await.unwrap();
    let mut claimers = JoinSet::new();
    for claimer in 1..=CLAIMERS {
        let store = Arc::clone(&store);
        claimers.spawn(async move {
            let mut claims = Vec::new();
            let wanted = Wanted {
                worker: id,
                programs: &known(),
                which: Which::Others,
                // Some take several at once.
                limit: 1 + claimer % 4,
            };
            loop {
                let taken = store.claim(wanted).await.unwrap();
                if taken.is_empty() {
                    break claims;
                }
                for claim in taken {
                    claims.push(claim.fence);
                    // Some come back, and are taken again.
                    if claim.fence.epoch == 1 && claims.len() % 10 == 0 {
                        store.release(claim.fence).await.unwrap();
                    } else {
                        store.succeed(claim.fence, success()).await.unwrap();
                    }
                }
            }
        });
    }
    for fence in claimers.join_all().await.concat() {
        println!("\nclaimed {} {}", fence.id, fence.epoch);
    }
    store.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_processes_with_sixteen_claimers_each_take_every_job_once() {
    let url = SERVER.url(&database().await);
    let store = Arc::new(PostgresStore::open(&url).await.unwrap());
    let mut starts = JoinSet::new();
    for _ in 0..8 {
        let store = Arc::clone(&store);
        starts.spawn(async move {
            for _ in 0..JOBS / 8 {
                enqueued(store.as_ref()).await;
            }
        });
    }
    starts.join_all().await;

    let process = || {
        Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "--ignored", "--nocapture"])
            .arg("postgres::claims::the_process_that_claims")
            .env(URL, &url)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap()
    };
    let processes = [process(), process()];
    let mut claims: HashMap<JobId, Vec<i64>> = HashMap::new();
    for process in processes {
        let output = process.wait_with_output().unwrap();
        assert!(output.status.success(), "{output:?}");
        let mut taken = 0;
        for line in String::from_utf8(output.stdout).unwrap().lines() {
            let Some(claim) = line.strip_prefix("claimed ") else {
                continue;
            };
            let (id, epoch) = claim.split_once(' ').unwrap();
            let epochs = claims.entry(JobId::parse(id).unwrap()).or_default();
            epochs.push(epoch.parse().unwrap());
            taken += 1;
        }
        assert!(taken > 0, "one process took everything");
    }
    assert_eq!(claims.len(), JOBS);
    for (id, mut epochs) in claims {
        epochs.sort_unstable();
        let expected: Vec<_> = (1..).take(epochs.len()).collect();
        assert_eq!(epochs, expected, "{id}");
    }
    store.close().await;
}

/// What the planted bug has to be found by, in a process that has it.
#[cfg(debug_assertions)]
#[tokio::test]
#[ignore = "another test runs it, in a process of its own"]
async fn the_process_without_a_fence() {
    let Ok(url) = std::env::var(URL) else { return };
    let store = PostgresStore::open(&url).await.unwrap();
    farcall_store::conformance::fences::a_claim_that_was_handed_on_is_stale(&store).await;
}

#[cfg(debug_assertions)]
#[tokio::test]
async fn the_suite_catches_a_missing_fence() {
    for (plant, is_sound) in [("", true), ("no-fence", false)] {
        let url = SERVER.url(&database().await);
        let ended = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "--ignored"])
            .arg("postgres::claims::the_process_without_a_fence")
            .env(URL, &url)
            .env("FARCALL_PLANT", plant)
            .output()
            .unwrap();
        assert_eq!(ended.status.success(), is_sound, "{plant}: {ended:?}");
    }
}
