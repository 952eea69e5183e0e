//! The server dies, and its jobs go on.

use std::fs;

use rustix::process::Signal;
use serde_json::json;

use crate::{
    harness::{gone, written},
    jobs::act,
    tools::processes,
};

/// P9, P13: the run that begins again finds the last checkpoint, and nobody of the first one beside it.
#[tokio::test]
async fn after_a_kill_a_job_goes_on_from_its_checkpoint_and_alone() {
    let (project, out) = act();
    let server = project.serve().await;
    let actions = json!([
        "count",
        "first",
        r#"say={"stage":2}"#,
        r#"checkpoint={"frames": 1}"#,
        r#"checkpoint={"frames": 17, "of": ["x", null]}"#,
        r#"say={"progress":0.5}"#,
        "children=deaf",
        "wait",
    ]);
    let id = server.start("act", json!({"actions": actions})).await;
    // What it says is followed in order: once the progress is seen, the checkpoint is kept.
    server
        .status_when("act", &id, |status| status["progress"] == 0.5)
        .await;
    let first = processes(&written(&out.path().join("processes")).await);
    server.kill();
    // Not later than two seconds; the next server does not look for them.
    gone(&first).await;

    let server = project.serve().await;
    server.result("act", &id).await;
    let runs = fs::read_to_string(out.path().join("runs")).unwrap();
    assert_eq!(runs, "null\n{\"frames\": 17, \"of\": [\"x\", null]}\n");
}

/// P18: a server that stops in order hands the job back, with its checkpoint and without its program.
#[tokio::test]
async fn a_server_that_stops_takes_its_programs_along_and_leaves_the_job() {
    let (project, out) = act();
    let project = project.with("FARCALL_DRAIN", "0s");
    let server = project.serve().await;
    let actions = json!([
        "count",
        "first",
        "checkpoint=7",
        r#"say={"stage":2}"#,
        "children=deaf",
        "wait"
    ]);
    let id = server.start("act", json!({"actions": actions})).await;
    server
        .status_when("act", &id, |status| status["stage"] == 2)
        .await;
    let first = processes(&written(&out.path().join("processes")).await);
    server.signal(Signal::TERM);
    server.stop().await;
    gone(&first).await;

    let server = project.serve().await;
    server.result("act", &id).await;
    let runs = fs::read_to_string(out.path().join("runs")).unwrap();
    assert_eq!(runs, "null\n7\n");
}
