//! `<x>` itself, for callers that do not know tasks; and callers that leave.

use farcall::{App, json};
use tokio_util::sync::CancellationToken;

use crate::{
    harness::{Client, Era, Server, Setup, pace, soon},
    offers::{ended, print, started, status_when, tools},
    tasks::exposed,
};

fn app(gate: &CancellationToken) -> App {
    tools().add_job(exposed(print(gate)))
}

async fn server(gate: &CancellationToken) -> Server {
    Setup::new(app(gate)).start().await
}

#[tokio::test]
async fn a_call_waits_for_the_result_and_tells_of_every_step() {
    for era in Era::ALL {
        let gate = CancellationToken::new();
        let server = server(&gate).await;
        let params = json!({"name": "print", "arguments": {"text": "hello"}});
        let call = match era {
            Era::Modern => server.rpc("tools/call", params),
            Era::Legacy => server.legacy("tools/call", params),
        };
        let mut events = call.meta("progressToken", "mine").events().await;
        let mut told = Vec::new();
        let answer = loop {
            let message = events.expect().await;
            if message["method"] != "notifications/progress" {
                break message;
            }
            let progress = message["params"].clone();
            assert_eq!(progress["progressToken"], "mine");
            assert_eq!(progress["total"], 2.0, "{progress}");
            if progress["message"] == "[1/2] setting type" {
                gate.cancel();
            }
            told.push(progress["progress"].as_f64().unwrap());
        };
        assert!(told.is_sorted() && !told.is_empty(), "{told:?}");
        let printed = &answer["result"]["structuredContent"];
        let id = printed["job_id"].as_str().unwrap();
        assert_eq!(printed["ready"], true, "{answer}");
        let page = server.get(&format!("/files/{id}/page.txt")).await;
        assert_eq!(page.text(), "hello");
    }
}

#[tokio::test]
async fn a_job_that_fails_is_a_tool_that_failed() {
    let open = CancellationToken::new();
    open.cancel();
    let server = server(&open).await;
    let failed = server.call("print", json!({"text": "x", "jam": true}));
    let failure = failed.await.tool_failure();
    assert_eq!(failure["error"], "the paper is jammed; pull it out");
    let id = failure["job_id"].as_str().unwrap();
    assert_eq!(ended(&server, "print", id).await["state"], "failed");
}

/// P3: a job does not know the connection that started it.
#[tokio::test]
async fn a_caller_that_leaves_does_not_take_its_job_along() {
    let gate = CancellationToken::new();
    let server = server(&gate).await;
    let order = json!({"text": "x", "idempotency_key": "a-key"});
    let call = server.tool("print", order.clone());
    let mut events = call.meta("progressToken", 1).events().await;
    events.expect().await;
    drop(events);
    let id = started(&server, "print", order).await;
    status_when(&server, "print", &id, |status| status["stage"] == 1).await;
    gate.cancel();
    assert_eq!(ended(&server, "print", &id).await["state"], "succeeded");
}

#[tokio::test]
async fn a_call_that_cannot_wait_any_longer_says_how_to_go_on() {
    let never = CancellationToken::new();
    let server = server(&never).await;
    let client = Client::clone(&server);
    let order = json!({"text": "x", "idempotency_key": "a-key"});
    let call = client.tool("print", order.clone()).send();
    let waiting = tokio::spawn(call);
    let id = soon(async {
        loop {
            let again = server.call("start_print", order.clone()).await.structured();
            if again.get("deduplicated").is_some() {
                return again["job_id"].as_str().unwrap().to_owned();
            }
            pace().await;
        }
    });
    let id = id.await;
    status_when(&server, "print", &id, |status| status["stage"] == 1).await;
    let folder = server.cut().await;
    let said = soon(waiting).await.unwrap().structured();
    assert_eq!(
        said,
        json!({
            "job_id": id, "ready": false, "state": "running", "total_stages": 2, "poll_after_ms": 2000,
            "message": "still running; ask get_print_status for it",
        })
    );
    let open = CancellationToken::new();
    open.cancel();
    let server = Setup::new(app(&open)).in_folder(folder).start().await;
    assert_eq!(ended(&server, "print", &id).await["state"], "succeeded");
}
