//! Mounted servers come and go, and callers leave: nobody else notices, and nothing is left.

use std::fs;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::json;

use crate::{
    harness::{gone, noted, until, written},
    mount::project,
};

#[tokio::test]
async fn a_caller_that_leaves_takes_its_request_back_and_nobody_elses() {
    let (project, out) = project("tools.hang = { timeout = \"1s\" }");
    let server = project.serve().await;
    let (error, code) = server.call("hang", json!({})).await.failure();
    assert_eq!(code, "timeout", "{error}");
    written(&out.path().join("cancelled")).await;

    let params = json!({"name": "hang", "arguments": {}});
    let call = tokio::spawn(server.request("tools/call", "hang", params).send());
    until("a second call", async || {
        (noted(out.path(), "hanging").len() == 2).then_some(())
    })
    .await;
    call.abort();
    until("the end of the second call", async || {
        let cancelled = fs::read_to_string(out.path().join("cancelled")).unwrap();
        (cancelled.lines().count() == 2).then_some(())
    })
    .await;
    assert_eq!(server.call("echo", json!({"nonce": "x"})).await.text, "x");
    assert_eq!(noted(out.path(), "started").len(), 1);
}

#[tokio::test]
async fn a_server_that_dies_is_an_error_for_its_callers_and_is_started_again() {
    let (project, out) = project("restarts = 2");
    let server = project.serve().await;
    let params = json!({"name": "hang", "arguments": {}});
    let waiting = tokio::spawn(server.request("tools/call", "hang", params).send());
    let hanging = written(&out.path().join("hanging")).await;
    let first: i32 = hanging.trim().parse().unwrap();
    kill_process(Pid::from_raw(first).unwrap(), Signal::KILL).unwrap();
    let body = waiting.await.unwrap().unwrap().text().await.unwrap();
    assert!(body.contains("ended before it answered"), "{body}");
    gone(&[first]).await;

    let (error, code) = server.call("die", json!({})).await.failure();
    assert_eq!(code, "internal");
    assert!(error.contains("ended before it answered"), "{error}");
    assert_eq!(server.call("echo", json!({"nonce": "x"})).await.text, "x");
    server.call("die", json!({})).await.failure();
    let (error, _) = server.call("echo", json!({"nonce": "x"})).await.failure();
    assert!(error.contains("too often"), "{error}");
    let started = noted(out.path(), "started");
    assert_eq!(started.len(), 3);
    gone(&started).await;
    assert!(
        server.talk().contains("ended by signal 9"),
        "{}",
        server.talk()
    );
}

#[tokio::test]
async fn an_answer_that_is_too_long_is_an_error_for_its_caller_alone() {
    let (project, out) = project("limits = { output = \"1MiB\" }");
    let server = project.serve().await;
    let (error, code) = server.call("flood", json!({})).await.failure();
    assert_eq!(code, "output_limit");
    assert!(error.contains("more than 1048576 bytes"), "{error}");
    assert_eq!(server.call("echo", json!({"nonce": "x"})).await.text, "x");
    assert_eq!(noted(out.path(), "started").len(), 1);
}

#[tokio::test]
async fn a_server_that_nobody_needs_is_stopped_and_started_on_demand() {
    let (project, out) = project("idle = \"100ms\"\nrestarts = 0");
    let server = project.serve().await;
    for round in 1..=3 {
        until("the end of an idle server", async || {
            (noted(out.path(), "ended").len() == round).then_some(())
        })
        .await;
        gone(&noted(out.path(), "started")).await;
        assert_eq!(server.call("echo", json!({"nonce": "x"})).await.text, "x");
    }
}

#[tokio::test]
async fn a_pool_runs_as_many_as_it_may_and_no_more() {
    let (project, out) = project("pool = 2\ntools.hang = { timeout = \"6s\" }");
    let server = std::sync::Arc::new(project.serve().await);
    let calls: Vec<_> = (0..6)
        .map(|_| {
            let params = json!({"name": "hang", "arguments": {}});
            tokio::spawn(server.request("tools/call", "hang", params).send())
        })
        .collect();
    until("calls in both", async || {
        (noted(out.path(), "hanging").len() == 6).then_some(())
    })
    .await;
    let mut used = noted(out.path(), "hanging");
    used.sort_unstable();
    used.dedup();
    assert_eq!((used.len(), noted(out.path(), "started").len()), (2, 2));
    for call in calls {
        call.await.unwrap().unwrap();
    }
}

/// P13.
#[tokio::test]
async fn a_mounted_server_ends_with_this_one_however_it_ends() {
    for is_killed in [true, false] {
        let (project, out) = project("");
        let server = project.serve().await;
        let started = noted(out.path(), "started");
        assert_eq!(started.len(), 1);
        if is_killed {
            server.kill();
        } else {
            server.stop().await;
            // It was told by the end of its input, and ended by itself.
            assert_eq!(noted(out.path(), "ended"), started);
        }
        gone(&started).await;
    }
}

/// It stands still, and answers nobody and no signal.
#[tokio::test]
async fn a_server_that_is_deaf_costs_its_callers_their_time_limit_and_is_replaced() {
    let (project, out) =
        project("idle = \"2s\"\ngrace = \"1s\"\ntools.echo = { timeout = \"1s\" }");
    let server = project.serve().await;
    assert_eq!(server.call("echo", json!({"nonce": "x"})).await.text, "x");
    let deaf = noted(out.path(), "started");
    kill_process(Pid::from_raw(deaf[0]).unwrap(), Signal::STOP).unwrap();
    let (error, code) = server.call("echo", json!({"nonce": "x"})).await.failure();
    assert_eq!(code, "timeout", "{error}");
    gone(&deaf).await;
    // The next one may need longer to start than this tool has time.
    until("an answer of the next one", async || {
        let answer = server.call("echo", json!({"nonce": "y"})).await;
        (answer.text == "y").then_some(())
    })
    .await;
    assert_eq!(noted(out.path(), "started").len(), 2);
}
