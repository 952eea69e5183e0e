//! Workers that are gone, with jobs in their hands.

use std::time::{Duration, Instant};

use farcall_acceptance::{
    bakery::{POLL, Run, SWEEP},
    wait::until,
};
use rustix::process::Signal;
use serde_json::json;

use crate::rig::Machines;

const LEASE: Duration = Duration::from_secs(10);

/// What a slow machine may add to what was promised.
const SLOWNESS: Duration = Duration::from_secs(10);

/// P6: within the lease and one sweep. Nobody here can see that the process is dead: whoever takes
/// its jobs was there before.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_job_of_a_killed_worker_runs_on_another_within_the_lease_and_a_sweep() {
    let machines = Machines::new(1, LEASE).await;
    let _api = machines.api(0).await;
    let mut workers = [machines.worker("one").await, machines.worker("two").await];
    let caller = machines.caller();
    let order = json!({"number": 1, "waits": true});
    let started = caller.call("start_bake", order).await;
    let id = started["job_id"].as_str().unwrap();
    let process = until("the stage that waits", async || {
        let runs = machines.runs();
        Some(runs.iter().find(|run| run.stage == 1)?.process)
    })
    .await;
    let killed = workers
        .iter_mut()
        .find(|worker| worker.process_id() == process);
    killed.unwrap().signal(Signal::KILL);
    let begun = Instant::now();
    until("the same stage elsewhere", async || {
        let runs = machines.runs();
        let again = |run: &Run| run.stage == 1 && run.process != process;
        runs.iter().any(again).then_some(())
    })
    .await;
    let took = begun.elapsed();
    let promised = LEASE + SWEEP + POLL;
    eprintln!("taken over after {took:?}, promised within {promised:?}");
    assert!(took <= promised + SLOWNESS, "{took:?}");
    assert!(took >= LEASE / 2, "its lease did not count: {took:?}");

    let end = caller.ended("bake", id).await;
    assert_eq!(
        (&end["state"], &end["attempt"]),
        (&json!("succeeded"), &json!(2))
    );
    let stages: Vec<_> = machines.runs().iter().map(|run| run.stage).collect();
    assert_eq!(stages, [0, 1, 1, 2], "what was finished did not run again");
}

/// P6: also where no worker is left, and only replicas look on.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn no_job_stays_running_where_the_last_worker_was_killed() {
    let machines = Machines::new(1, LEASE).await;
    let api = machines.api(0).await;
    let worker = machines
        .launch("one", "worker")
        .env("FARCALL_SLOTS", "fire=1");
    let mut worker = worker.start().await;
    let caller = machines.caller_of(&api);
    let order = json!({"number": 1, "waits": true});
    let started = caller.call("start_bake", order).await;
    let id = started["job_id"].as_str().unwrap();
    let state_is = async |state: &str| {
        until(&format!("the state `{state}`"), async || {
            let status = caller.call("get_bake_status", json!({"job_id": id})).await;
            (status["state"] == state && status["message"] != "starting").then_some(())
        })
        .await;
    };
    state_is("running").await;
    let is_ready = async || caller.get("/readyz").await;
    until("a probe that knows the worker", async || {
        let (status, said) = is_ready().await;
        (status == 200 && said == json!({"ok": true, "workers": true})).then_some(())
    })
    .await;

    worker.signal(Signal::KILL);
    let begun = Instant::now();
    state_is("queued").await;
    let took = begun.elapsed();
    assert!(took <= LEASE + SWEEP + SLOWNESS, "{took:?}");
    // It still takes jobs in, and says that nobody works on them.
    until("a probe that says so", async || {
        let (status, said) = is_ready().await;
        assert_eq!((status, &said["ok"]), (200, &json!(true)), "{said}");
        (said["workers"] == false).then_some(())
    })
    .await;
    let (_, said) = is_ready().await;
    assert_eq!(
        said["without_worker"].as_array().unwrap().len(),
        3,
        "{said}"
    );

    let _another = machines.worker("two").await;
    let end = caller.ended("bake", id).await;
    assert_eq!(end["state"], "succeeded", "{end}");
}

/// What a finished stage left in the work folder is on the machine that is gone.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_job_that_needs_its_work_folder_begins_again_where_that_is_not() {
    let machines = Machines::new(1, LEASE).await;
    let _api = machines.api(0).await;
    assert_eq!(stages(&machines, 1, ["one", "two"]).await, [0, 1, 0, 1, 2]);
    // Where the folder is, it goes on.
    assert_eq!(stages(&machines, 2, ["two", "two"]).await, [0, 1, 1, 2]);
}

/// The stages that begin of a job that needs its folder, where the first of two workers is killed in
/// its second stage, and then the other one is started.
async fn stages(machines: &Machines, number: u32, workers: [&str; 2]) -> Vec<usize> {
    let caller = machines.caller();
    let mut first = machines.worker(workers[0]).await;
    let order = json!({"number": number, "waits": true, "keeps": true});
    let started = caller.call("start_bake", order).await;
    let id = started["job_id"].as_str().unwrap();
    let begun = || {
        let runs = machines.runs().into_iter().filter(|run| run.job == id);
        runs.map(|run| run.stage).collect::<Vec<_>>()
    };
    until("the stage that waits", async || {
        begun().contains(&1).then_some(())
    })
    .await;
    first.signal(Signal::KILL);
    first.ended().await;
    let second = machines.worker(workers[1]).await;
    let end = caller.ended("bake", id).await;
    assert_eq!(end["state"], "succeeded", "{end}");
    assert_eq!(caller.files("bake", id).await.len(), 2);
    second.stop().await;
    begun()
}
