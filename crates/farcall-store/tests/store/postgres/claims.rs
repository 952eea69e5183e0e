//! P4, P5: two workers never hold one claim.

use std::{
    collections::HashMap,
    io::{BufRead, BufReader, Write},
    process::{Child, Command, Stdio},
    sync::Arc,
    time::Duration,
};

use farcall_core::{id::JobId, question::Question};
use farcall_store::{
    Fence, JobStore, Lost, Outcome, PostgresStore, StoreError, Wanted, Which,
    conformance::fixture::{
        LEASE, START, artifact, checkpoint, claimed, enqueued, failure, known, locations, new_job,
        new_worker, outcome, report, success,
    },
};
use rustix::process::{Pid, Signal, kill_process};
use tokio::task::JoinSet;

use crate::pg::{SERVER, database, empty_database};

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
                adopt_after: Duration::ZERO,
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

/// What runs in the process that stands still: it claims two jobs for each way to write, and
/// writes when it is told to.
#[tokio::test]
#[ignore = "another test runs it, in a process of its own"]
async fn the_process_that_stands_still() {
    let Ok(url) = std::env::var(URL) else { return };
    let store = PostgresStore::open(&url).await.unwrap();
    let worker = new_worker();
    let wanted = Wanted {
        worker: worker.id,
        programs: &known(),
        which: Which::Others,
        limit: 2 * WAYS,
        adopt_after: Duration::ZERO,
    };
    store.register(worker, SHORT).await.unwrap();
    let claims = store.claim(wanted).await.unwrap();
    println!("\nclaimed {}", claims.len());
    std::io::stdin().read_line(&mut String::new()).unwrap();
    for (way, claim) in (0..).zip(claims) {
        let written = write(&store, way % WAYS, claim.fence).await;
        println!("\nwritten {written:?}");
    }
    let beat = store.beat(wanted.worker, SHORT).await;
    println!("\nwritten {:?}", beat.map(drop));
    store.close().await;
}

/// How many ways there are for a worker to write to its job.
const WAYS: u32 = 8;

/// The lease of a worker that is soon believed lost.
const SHORT: Duration = Duration::from_millis(300);

async fn write(store: &PostgresStore, way: u32, fence: Fence) -> Result<(), StoreError> {
    let files = || vec![artifact("late.txt", "1/late.txt")];
    let questions = [("folders".to_owned(), Question::roots())];
    match way {
        0 => store.report(fence, report(1)).await,
        1 => store.checkpoint(fence, checkpoint(1), files()).await,
        2 => store.restart(fence, 3, "f1".to_owned()).await,
        3 => store.succeed(fence, success()).await,
        4 => store.fail(fence, failure()).await,
        5 => store.retry(fence, Duration::ZERO, String::new()).await,
        6 => store.release(fence).await,
        _ => store.ask(fence, &questions).await.map(drop),
    }
}

/// A process stops, another takes its jobs and ends half of them, and then it goes on. Returns
/// what it was answered, and whether everything is as it was before.
async fn stood_still(plant: &str) -> (Vec<String>, bool) {
    // Time passes in it.
    let url = SERVER.url(&empty_database().await);
    let store = PostgresStore::open(&url).await.unwrap();
    for _ in 0..2 * WAYS {
        let mut job = new_job();
        job.terms.keep_for = Duration::from_hours(1);
        store.enqueue(job).await.unwrap();
    }
    let mut process = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "--ignored", "--nocapture"])
        .arg("postgres::claims::the_process_that_stands_still")
        .env(URL, &url)
        .env("FARCALL_PLANT", plant)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
    let all = format!("claimed {}", 2 * WAYS);
    assert!(lines.any(|line| line.unwrap() == all));
    signal(&process, Signal::STOP);

    let mut lost = Vec::new();
    while lost.len() < 2 * WAYS as usize {
        lost.extend(store.rescue(&[]).await.unwrap());
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    for number in 0..2 * WAYS {
        let again = claimed(&store).await;
        if number < WAYS {
            store.succeed(again.fence, success()).await.unwrap();
        }
    }
    let before = everything(&store, &lost).await;

    signal(&process, Signal::CONT);
    process.stdin.take().unwrap().write_all(b"\n").unwrap();
    let written: Vec<_> = lines
        .map(Result::unwrap)
        .filter_map(|line| Some(line.strip_prefix("written ")?.to_owned()))
        .collect();
    assert!(process.wait().unwrap().success());
    let is_unchanged = everything(&store, &lost).await == before;
    store.close().await;
    (written, is_unchanged)
}

/// All that can be read of jobs, but for the moment at which it was.
async fn everything(store: &PostgresStore, jobs: &[Lost]) -> Vec<(Outcome, Vec<String>)> {
    let mut all = Vec::new();
    for job in jobs {
        let mut outcome = outcome(store, job.id).await;
        outcome.record.read_at = START;
        all.push((outcome, locations(store, job.id).await));
    }
    all
}

/// P5.
#[tokio::test]
async fn a_process_that_stood_still_past_its_lease_finds_every_write_refused() {
    let (written, is_unchanged) = stood_still("").await;
    // The last one is the beat.
    assert_eq!(written, ["Err(StaleClaim)"; 2 * WAYS as usize + 1]);
    assert!(is_unchanged);
}

/// That it would be seen.
#[cfg(debug_assertions)]
#[tokio::test]
async fn without_a_fence_a_process_that_stood_still_does_write() {
    let (written, is_unchanged) = stood_still("no-fence").await;
    assert!(written.contains(&"Ok(())".to_owned()), "{written:?}");
    assert!(!is_unchanged);
}

fn signal(process: &Child, signal: Signal) {
    kill_process(Pid::from_child(process), signal).unwrap();
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
