//! What each role does, and what it needs.

use std::time::Duration;

use farcall_acceptance::{Server, bakery, wait::until};
use serde_json::{Value, json};

use crate::rig::Machines;

const LEASE: Duration = Duration::from_secs(10);

/// Waits until `server` has told this at its start.
async fn says(server: &Server, told: &str) {
    until(told, async || server.talk().contains(told).then_some(())).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_replica_takes_jobs_in_and_runs_none() {
    let machines = Machines::new(1, LEASE).await;
    let api = machines.api(0).await;
    for told in [
        "  role     api: answers callers, runs no job",
        "  data     postgres://127.0.0.1:",
        ", files in s3://bucket/cakes\n",
    ] {
        says(&api, told).await;
    }
    let caller = machines.caller();
    let started = caller.call("start_bake", json!({"number": 1})).await;
    let id = started["job_id"].as_str().unwrap();
    // What it could never run itself, because only another one has the fire.
    let started = caller.call("start_flambe", json!({"number": 2})).await;
    let on_fire = started["job_id"].as_str().unwrap();
    let workers: Vec<(String,)> = machines.query("SELECT id FROM workers").await;
    assert_eq!(workers, [], "it is no worker");
    // Longer than a worker would take.
    tokio::time::sleep(2 * bakery::POLL).await;
    let status = caller.call("get_bake_status", json!({"job_id": id})).await;
    assert_eq!(status["state"], "queued", "{status}");

    let worker = machines.worker("one").await;
    assert_eq!(caller.ended("bake", id).await["state"], "succeeded");
    let status = caller
        .call("get_flambe_status", json!({"job_id": on_fire}))
        .await;
    assert_eq!(status["state"], "queued", "{status}");
    let (_, said) = caller.get("/readyz").await;
    assert_eq!(said["without_worker"], json!(["flambe"]), "{said}");
    // A page that leads a name of its own to this address reads no names of jobs.
    let probe = machines.http.get(format!("{}/readyz", api.origin()));
    let probe = probe.header("host", "evil.example").send().await.unwrap();
    let said: Value = probe.json().await.unwrap();
    assert_eq!(said, json!({"ok": true, "workers": false}));
    let with_fire = machines
        .launch("two", "worker")
        .env("FARCALL_SLOTS", "fire=1");
    let with_fire = with_fire.start().await;
    assert_eq!(caller.ended("flambe", on_fire).await["state"], "succeeded");
    for server in [api, worker, with_fire] {
        server.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_worker_answers_probes_and_nothing_else() {
    let machines = Machines::new(1, LEASE).await;
    // Nothing there needs a token, so none is asked for beyond loopback.
    let worker = machines.launch("one", "worker").env("MCP_HOST", "0.0.0.0");
    let worker = worker.start().await;
    says(
        &worker,
        "  role     worker: runs 3 jobs, answers no callers",
    )
    .await;
    assert!(!worker.talk().contains("/mcp"), "{}", worker.talk());
    let caller = machines.caller_of(&worker);
    for path in ["/healthz", "/health", "/readyz"] {
        assert_eq!(caller.get(path).await, (200, json!({"ok": true})), "{path}");
    }
    let id = "0".repeat(32);
    for path in ["/mcp", "/files", &format!("/files/{id}"), "/", "/metrics"] {
        let (status, said) = caller.get(path).await;
        assert_eq!(status, 404, "{path}: {said}");
    }
    let post = machines.http.post(format!("{}/mcp", worker.origin()));
    let status = post.json(&json!({})).send().await.unwrap().status();
    assert_eq!(status, 404);
    worker.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_worker_whose_lease_is_over_is_not_ready() {
    let machines = Machines::new(1, Duration::from_secs(2)).await;
    let worker = machines.worker("one").await;
    let caller = machines.caller_of(&worker);
    let ready = async |expected: u16| {
        until("another answer of `/readyz`", async || {
            let (status, said) = caller.get("/readyz").await;
            (status == expected).then_some(said)
        })
        .await
    };
    ready(200).await;
    // It can be asked, and cannot make itself known.
    execute(&machines, "ALTER TABLE workers RENAME TO away").await;
    let said = ready(503).await;
    assert_eq!(said["failing"], "worker", "{said}");
    execute(&machines, "ALTER TABLE away RENAME TO workers").await;
    ready(200).await;
    worker.stop().await;
}

async fn execute(machines: &Machines, statement: &'static str) {
    let _: Vec<(i32,)> = machines.query(statement).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn what_a_role_cannot_do_is_refused_with_a_sentence() {
    let machines = Machines::new(1, LEASE).await;
    let cases = [
        (
            "worker",
            &[("FARCALL_DATABASE_URL", "")][..],
            "SQLite is for one",
        ),
        (
            "api",
            &[("FARCALL_ARTIFACTS_URL", "")],
            "where no other finds them",
        ),
        (
            "api",
            &[("FARCALL_ARTIFACTS_URL", "memory:")],
            "where no other finds them",
        ),
        ("api", &[("MCP_HOST", "0.0.0.0")], "without authentication"),
        (
            "worker",
            &[(bakery::OFFERS, "none")],
            "this program has no job",
        ),
        ("boss", &[], "`FARCALL_ROLE` is `boss`, which is not a role"),
    ];
    for (role, environment, sentence) in cases {
        let mut launch = machines.launch("refused", role);
        for (name, value) in environment {
            launch = launch.env(name, value);
        }
        let ended = launch.refused().await;
        assert_eq!(ended.code, Some(2), "{role}: {}", ended.stderr);
        assert!(ended.stderr.contains(sentence), "{role}: {}", ended.stderr);
        assert!(ended.stderr.contains("hint: "), "{role}: {}", ended.stderr);
    }
}

/// P9: of two versions side by side each takes what it knows, and nothing is given up meanwhile.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn old_and_new_workers_side_by_side_claim_only_what_they_know() {
    let machines = Machines::new(1, LEASE).await;
    let api = machines.api(0).await;
    let caller = machines.caller_of(&api);
    let offering = |name: &str, jobs: &str| {
        machines
            .launch(name, "worker")
            .env(bakery::OFFERS, jobs)
            .env("FARCALL_SLOTS", "fire=1")
    };
    let (old, new) = (
        offering("old", "bake").start().await,
        offering("new", "flambe").start().await,
    );
    let mut ids = Vec::new();
    for number in 0..10 {
        for job in ["bake", "flambe"] {
            let started = caller
                .call(&format!("start_{job}"), json!({"number": number}))
                .await;
            ids.push((job, started["job_id"].as_str().unwrap().to_owned()));
        }
    }
    for (job, id) in &ids {
        assert_eq!(caller.ended(job, id).await["state"], "succeeded");
    }
    let runs = machines.runs();
    for (job, id) in &ids {
        let worker = if *job == "bake" { &old } else { &new };
        let its: Vec<_> = runs.iter().filter(|run| run.job == *id).collect();
        assert!(!its.is_empty() && its.iter().all(|run| run.process == worker.process_id()));
    }
    // With the last worker that knows a job its name has not vanished: the replica offers it.
    new.stop().await;
    let started = caller.call("start_flambe", json!({"number": 99})).await;
    let id = started["job_id"].as_str().unwrap();
    let noted: Vec<(String,)> = machines.query("SELECT job FROM offers ORDER BY job").await;
    let noted: Vec<_> = noted.iter().map(|(job,)| job.as_str()).collect();
    assert_eq!(noted, ["bake", "chat", "flambe"]);
    let status: Value = caller
        .call("get_flambe_status", json!({"job_id": id}))
        .await;
    assert_eq!(status["state"], "queued", "{status}");
    for server in [api, old] {
        server.stop().await;
    }
}
