//! Deploys: one replica after the other is asked to stop, and started again.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU32, Ordering},
    },
    time::Duration,
};

use farcall_acceptance::wait::until;
use serde_json::json;
use tokio::task::JoinSet;

use crate::{caller::Caller, rig::Machines};

const REPLICAS: usize = 3;

/// As many as run at once on all of them together.
const JOBS: u32 = 60;

/// How many of these have to run when the first replica is asked to stop.
const RUNNING: i64 = 50;

const POLLERS: usize = 16;

/// P18: of a rolling restart of servers that answer and work, callers see nothing.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_rolling_restart_costs_no_caller_an_answer_and_no_job_a_try() {
    let machines = Machines::new(REPLICAS, Duration::from_secs(30)).await;
    let launch = |number| {
        machines
            .replica(number, "all")
            .env("FARCALL_CONCURRENCY", "20")
            .env("FARCALL_LINGER", "1s")
            // Not long enough for the jobs, so that they are handed back.
            .env("FARCALL_DRAIN", "500ms")
    };
    let mut replicas = Vec::new();
    for number in 0..REPLICAS {
        replicas.push(launch(number).start().await);
    }
    let caller = machines.caller();
    let mut jobs = Vec::new();
    for number in 0..JOBS {
        // As long as three restarts take, or longer; they are started one after the other.
        let order = json!({"number": number, "takes_ms": 5_000});
        let started = caller.call("start_bake", order).await;
        jobs.push(started["job_id"].as_str().unwrap().to_owned());
    }
    let (over, polls) = (Arc::<AtomicBool>::default(), Arc::<AtomicU32>::default());
    let mut pollers = JoinSet::new();
    for poller in 0..POLLERS {
        let (caller, over, polls) = (caller.clone(), Arc::clone(&over), Arc::clone(&polls));
        let job = jobs[poller % jobs.len()].clone();
        pollers.spawn(async move {
            while !over.load(Ordering::Relaxed) {
                poll(&caller, &job).await;
                polls.fetch_add(1, Ordering::Relaxed);
            }
        });
    }
    until("jobs that run", async || {
        let running: Vec<(i64,)> = machines
            .query("SELECT count(*) FROM jobs WHERE state = 'running'")
            .await;
        (running[0].0 >= RUNNING).then_some(())
    })
    .await;
    let mut farewells = 0;
    for number in 0..REPLICAS {
        let mut stopping = replicas.remove(0);
        stopping.terminate();
        let ready = format!("{}/readyz", stopping.origin());
        // For as long as it lingers it says that it goes; a busy machine may miss it.
        until("a probe that says so", async || {
            let Ok(answer) = machines.http.get(&ready).send().await else {
                return Some(());
            };
            let is_refused = answer.status() == 503;
            let Ok(said) = answer.text().await else {
                return Some(());
            };
            let says_so = is_refused && said.contains("stopping");
            farewells += u32::from(says_so);
            says_so.then_some(())
        })
        .await;
        stopping.stopped().await;
        replicas.push(launch(number).start().await);
    }
    assert!(farewells > 0, "no replica has said that it goes");
    over.store(true, Ordering::Relaxed);
    while let Some(poller) = pollers.join_next().await {
        poller.unwrap();
    }
    assert_eq!(caller.troubles(), 0, "starts were refused");
    for job in &jobs {
        let end = caller.ended("bake", job).await;
        assert_eq!(end["state"], "succeeded", "{end}");
        assert!(end.get("attempt").is_none(), "a try was counted: {end}");
    }
    let counts: Vec<(i64, i64, i64)> = machines
        .query("SELECT sum(losses)::int8, sum(epoch - attempt)::int8, max(attempt)::int8 FROM jobs")
        .await;
    let (losses, handed_back, tries) = counts[0];
    assert_eq!((losses, tries), (0, 1));
    assert!(handed_back > 0, "no job was handed back");
    eprintln!(
        "{} polls through {REPLICAS} restarts, none failed; {handed_back} times a job was handed back, {JOBS} succeeded",
        polls.load(Ordering::Relaxed)
    );
    for replica in replicas {
        replica.stop().await;
    }
}

async fn poll(caller: &Caller, job: &str) {
    let status = caller
        .try_call("get_bake_status", json!({"job_id": job}))
        .await;
    let status = status.unwrap_or_else(|trouble| panic!("a poll failed: {trouble:?}"));
    assert!(status["state"].is_string(), "{status}");
}

/// P18: also of a worker that nobody asks anything.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_worker_that_is_asked_to_stop_hands_its_jobs_to_another() {
    let machines = Machines::new(1, Duration::from_secs(30)).await;
    let _api = machines.api(0).await;
    let caller = machines.caller();
    let first = machines.launch("one", "worker").env("FARCALL_DRAIN", "0s");
    let first = first.start().await;
    let order = json!({"number": 1, "waits": true});
    let started = caller.call("start_bake", order).await;
    let id = started["job_id"].as_str().unwrap();
    until("the stage that waits", async || {
        machines
            .runs()
            .iter()
            .any(|run| run.stage == 1)
            .then_some(())
    })
    .await;
    first.stop().await;
    let counts: Vec<(String, i64, i64)> = machines
        .query("SELECT state, losses, attempt FROM jobs")
        .await;
    assert_eq!(counts, [("queued".to_owned(), 0, 0)]);
    // It waits again, and so it is told to stop once more.
    let _second = machines.worker("two").await;
    until("the second run of the stage", async || {
        let runs = machines.runs();
        (runs.iter().filter(|run| run.stage == 1).count() == 2).then_some(())
    })
    .await;
    let cancelled = caller.call("cancel_bake", json!({"job_id": id})).await;
    assert_eq!(cancelled["job_id"], id);
    let end = caller.ended("bake", id).await;
    assert_eq!(end["error_code"], "cancelled", "{end}");
}
