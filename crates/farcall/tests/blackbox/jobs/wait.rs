//! Polls that wait for a change.

use std::time::{Duration, Instant};

use farcall::{Job, Value, json};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::{
    harness::{Client, Server, Setup, soon},
    offers::{count, ended, print, started, status_when, tools},
};

fn waiting(job: Job) -> Job {
    job.with(|options| options.wait = true)
}

/// A server with the job `print`, which waits for `gate` in its first stage.
async fn server(gate: &CancellationToken) -> Server {
    Setup::new(tools().add_job(waiting(print(gate))))
        .start()
        .await
}

async fn printing(client: &Client) -> String {
    let id = started(client, "print", json!({"text": "x"})).await;
    status_when(client, "print", &id, |status| status["stage"] == 1).await;
    id
}

async fn poll(client: &Client, id: &str, wait_s: f64) -> Value {
    let arguments = json!({"job_id": id, "wait_s": wait_s});
    client
        .call("get_print_status", arguments)
        .await
        .structured()
}

#[tokio::test]
async fn a_poll_that_waits_is_answered_when_something_changes() {
    let gate = CancellationToken::new();
    let server = server(&gate).await;
    let id = printing(&server).await;
    let mut polls = JoinSet::new();
    for _ in 0..50 {
        let (client, id) = (Client::clone(&server), id.clone());
        polls.spawn(async move { poll(&client, &id, 20.0).await });
    }
    // So that most of them wait already.
    poll(&server, &id, 0.1).await;
    gate.cancel();
    let began = Instant::now();
    for status in soon(polls.join_all()).await {
        assert_ne!(status["message"], "[1/2] setting type", "{status}");
    }
    assert!(began.elapsed() < Duration::from_secs(10));
}

#[tokio::test]
async fn a_poll_waits_no_longer_than_it_says() {
    let gate = CancellationToken::new();
    let server = server(&gate).await;
    let id = printing(&server).await;
    let began = Instant::now();
    let status = poll(&server, &id, 0.3).await;
    assert_eq!(status["message"], "[1/2] setting type", "{status}");
    let took = began.elapsed();
    assert!(took >= Duration::from_millis(300), "{took:?}");
    assert!(took < Duration::from_secs(10), "{took:?}");
}

#[tokio::test]
async fn a_job_that_is_over_is_not_waited_for() {
    let gate = CancellationToken::new();
    gate.cancel();
    let server = server(&gate).await;
    let id = started(&server, "print", json!({"text": "x"})).await;
    ended(&server, "print", &id).await;
    let began = Instant::now();
    assert_eq!(poll(&server, &id, 20.0).await["state"], "succeeded");
    assert!(began.elapsed() < Duration::from_secs(10));
}

#[tokio::test]
async fn a_server_that_stops_lets_nobody_wait() {
    let gate = CancellationToken::new();
    let server = server(&gate).await;
    let id = printing(&server).await;
    let (client, before) = (Client::clone(&server), id.clone());
    let waiting = tokio::spawn(async move { poll(&client, &id, 20.0).await });
    // So that it waits already.
    status_when(&server, "print", &before, |_| true).await;
    let began = Instant::now();
    let stopping = tokio::spawn(server.stop());
    let status = soon(waiting).await.unwrap();
    assert_eq!(status["state"], "running", "{status}");
    assert!(began.elapsed() < Duration::from_secs(10));
    gate.cancel();
    stopping.await.unwrap();
}

#[tokio::test]
async fn only_a_job_that_wants_it_can_be_waited_for_and_only_for_a_while() {
    let gate = CancellationToken::new();
    let app = tools().add_job(waiting(print(&gate))).add_job(count());
    let server = Setup::new(app).start().await;
    let arguments = json!({"job_id": "0", "wait_s": 1});
    let refused = server.call("get_count_status", arguments).await;
    let sentence = refused.tool_error();
    assert!(sentence.contains("`wait_s` is not a known"), "{sentence}");
    for wrong in [json!(21), json!(-1), json!("1")] {
        let arguments = json!({"job_id": "0", "wait_s": wrong});
        let refused = server.call("get_print_status", arguments).await;
        let sentence = refused.tool_error();
        assert!(sentence.contains("`wait_s`"), "{sentence}");
    }
}
