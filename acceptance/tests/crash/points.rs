//! `kill -9` around every durable step, at every passing of it.

use std::{os::unix::process::ExitStatusExt, process::ExitStatus};

use farcall_acceptance::{
    Server,
    fixture::{FAILURE, STAGES},
    wait::until,
};
use serde_json::{Value, json};

use crate::rig::{Rig, check_success, order};

const ASKED_FOR: &str = "FARCALL_CRASH_AT";

#[tokio::test]
async fn starting_a_job_is_durable_around_each_of_its_steps() {
    for point in points(&["store.enqueue.", "store.claim."]) {
        crash_at_every_passing(point).await;
    }
}

#[tokio::test]
async fn checkpoints_are_whole_around_each_of_their_steps() {
    for point in points(&["store.report.", "store.checkpoint."]) {
        crash_at_every_passing(point).await;
    }
}

#[tokio::test]
async fn endings_are_published_once_around_each_of_their_steps() {
    for point in points(&["store.succeed.", "store.fail."]) {
        crash_at_every_passing(point).await;
    }
}

#[tokio::test]
async fn artifacts_are_whole_around_each_of_their_steps() {
    for point in farcall_artifacts::CRASH_POINTS {
        crash_at_every_passing(point).await;
    }
}

#[test]
fn every_step_of_the_store_is_among_these_tests() {
    const COVERED: [&str; 6] = [
        "enqueue",
        "claim",
        "report",
        "checkpoint",
        "succeed",
        "fail",
    ];
    // The store's own test crashes at these, and the kill harness at those that a server passes.
    const OF_THE_STORE: [&str; 20] = [
        "admit",
        "answer",
        "ask",
        "beat",
        "cancel",
        "delete",
        "give_up",
        "learn",
        "make_secret",
        "migrate",
        "register",
        "release",
        "rescue",
        "restart",
        "retry",
        "revoke",
        "rotate",
        "rotate_secrets",
        "unregister",
        "use",
    ];
    for point in farcall_store::CRASH_POINTS {
        let step = point.split('.').nth(1).unwrap();
        let is_known = COVERED.contains(&step) || OF_THE_STORE.contains(&step);
        assert!(is_known, "no test crashes at `{point}`");
    }
}

fn points(steps: &[&str]) -> Vec<&'static str> {
    let all = farcall_store::CRASH_POINTS.iter().copied();
    let chosen: Vec<_> = all
        .filter(|point| steps.iter().any(|step| point.starts_with(step)))
        .collect();
    assert!(!chosen.is_empty(), "no point begins with any of {steps:?}");
    chosen
}

async fn crash_at_every_passing(point: &str) {
    let mut passing = 1;
    while crash_at(point, passing).await {
        passing += 1;
    }
    assert!(passing > 1, "`{point}` is never passed");
}

/// Crashes one run at the `passing`-th passing of `point`, and sees that the next run puts
/// everything right. `false` where the job was over without a crash.
async fn crash_at(point: &str, passing: u32) -> bool {
    let case = format!("{point}:{passing}");
    let fails = point.contains(".fail.");
    let mut order = order();
    order["fails"] = fails.into();

    let rig = Rig::new();
    let launch = rig.launch().env(ASKED_FOR, &case);
    let (acknowledged, status) = match launch.start_unless_killed().await {
        // A worker looks for jobs before anybody can have started one.
        Err(fallen) => (None, fallen.status),
        Ok(server) => run_to_its_end(server, &case, order).await,
    };
    if status.signal() != Some(9) {
        assert!(status.success(), "{case} ended with {status}");
        return false;
    }

    let server = rig.start().await;
    let jobs = rig.data().jobs().await;
    match &acknowledged {
        Some(id) => assert!(jobs.len() == 1 && jobs[0].id == *id, "{case}: {jobs:?}"),
        None => assert!(jobs.len() <= 1, "{case}: {jobs:?}"),
    }
    if point.starts_with("store.enqueue.") {
        assert!(acknowledged.is_none(), "{case} was acknowledged too early");
        let kept = usize::from(point.ends_with(".committed"));
        assert_eq!(jobs.len(), kept, "{case}");
    }
    for job in &jobs {
        if fails {
            check_failure(&server, &job.id).await;
        } else {
            check_success(&server, &job.id).await;
        }
        let repeated = rig.repeated(&STAGES);
        assert_eq!(repeated.len(), repeats(point), "{case}: {repeated:?}");
    }
    server.stop().await;
    if fails {
        // The files of a job that failed go with the next start.
        rig.start().await.stop().await;
    }
    assert_eq!(rig.data().jobs().await.len(), jobs.len(), "{case}");
    rig.data().check_tidy().await;
    true
}

/// Starts the job, and waits until it or the server is over; returns the id with which it was
/// acknowledged, and how the server ended.
async fn run_to_its_end(
    mut server: Server,
    case: &str,
    order: Value,
) -> (Option<String>, ExitStatus) {
    let client = server.client();
    let answer = client.try_call("start_assemble", order).await;
    let acknowledged = answer
        .ok()
        .map(|answer| answer.payload["job_id"].as_str().unwrap().to_owned());
    until(&format!("a crash at {case}"), async || {
        if !server.is_alive() {
            return Some(());
        }
        let id = json!({"job_id": acknowledged.as_ref()?});
        let status = client.try_call("get_assemble_status", id).await.ok()?;
        matches!(
            status.payload["state"].as_str(),
            Some("succeeded" | "failed")
        )
        .then_some(())
    })
    .await;
    server.terminate();
    (acknowledged, server.ended().await)
}

async fn check_failure(server: &Server, id: &str) {
    let client = server.client();
    let seen = client.follow("get_assemble_status", id).await;
    let last = seen.last().unwrap();
    assert_eq!(last["state"], "failed", "{last}");
    assert_eq!(last["error"], FAILURE, "{last}");
    assert_eq!(last["error_code"], "user_error", "{last}");
    let file = format!("{}/files/{id}", server.origin());
    assert_eq!(client.status_of(&file).await, 404);
}

/// How many stages run twice because of a crash at `point`: the one whose end was not kept.
fn repeats(point: &str) -> usize {
    const ENDS: [&str; 3] = [
        "store.checkpoint.begun",
        "store.succeed.begun",
        "store.fail.begun",
    ];
    usize::from(ENDS.contains(&point) || point.starts_with("artifacts."))
}
