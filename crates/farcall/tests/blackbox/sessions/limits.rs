//! How many sessions there are, and when they end.

use std::time::Duration;

use farcall::{Sessions, json};

use super::{Session, initialize};
use crate::{
    harness::{Server, Setup, pace, soon},
    offers::{open_server, tools},
};

async fn server(max: usize) -> Server {
    let sessions = Sessions {
        max,
        ..Sessions::default()
    };
    Setup::new(tools().sessions(sessions)).start().await
}

#[tokio::test]
async fn they_are_off_by_default() {
    let server = open_server().await;
    let reply = initialize(&server).send().await;
    reply.result();
    assert_eq!(reply.header("mcp-session-id"), "");
}

#[tokio::test]
async fn a_session_id_means_nothing_where_they_are_off() {
    let server = open_server().await;
    let call = server.legacy(
        "tools/call",
        json!({"name": "add", "arguments": {"a": 1, "b": 2}}),
    );
    let reply = call.header("mcp-session-id", "made-up").send().await;
    assert_eq!(reply.structured(), json!({"sum": 3.0}));
}

#[tokio::test]
async fn a_session_calls_tools() {
    let server = server(4).await;
    let session = Session::open(&server).await;
    let reply = session.call("add", json!({"a": 2, "b": 3})).send().await;
    assert_eq!(reply.structured(), json!({"sum": 5.0}));
}

#[tokio::test]
async fn a_client_of_2026_needs_none_where_they_are_on() {
    let server = server(4).await;
    let reply = server.call("add", json!({"a": 2, "b": 3})).await;
    assert_eq!(reply.structured(), json!({"sum": 5.0}));
    assert_eq!(reply.header("mcp-session-id"), "");
}

#[tokio::test]
async fn one_more_than_the_limit_is_put_off() {
    let server = server(2).await;
    let first = Session::open(&server).await;
    let _second = Session::open(&server).await;
    let reply = initialize(&server).send().await;
    assert_eq!((reply.status, reply.header("retry-after")), (503, "30"));
    assert!(reply.rpc_error().1.contains("too many sessions"));
    // The ones that are open go on, and one that ends makes room.
    let sum = first.call("add", json!({"a": 2, "b": 3})).send().await;
    assert_eq!(sum.structured(), json!({"sum": 5.0}));
    assert_eq!(first.end().await.status, 204);
    Session::open(&server).await;
}

#[tokio::test]
async fn the_limit_holds_however_the_request_is_written() {
    let server = server(1).await;
    let _first = Session::open(&server).await;
    let body = initialize(&server)
        .body()
        .replace("initialize", "initi\\u0061lize");
    let reply = initialize(&server).with_body(body).send().await;
    assert_eq!(reply.status, 503, "{}", reply.text());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_limit_holds_when_many_come_at_once() {
    let server = server(4).await;
    let attempts: Vec<_> = (0..32)
        .map(|_| tokio::spawn(initialize(&server).send()))
        .collect();
    let mut opened = 0;
    for attempt in attempts {
        let reply = soon(attempt).await.unwrap();
        match reply.status {
            200 => opened += 1,
            status => assert_eq!(status, 503, "{}", reply.text()),
        }
    }
    assert_eq!(opened, 4);
}

#[tokio::test]
async fn a_session_that_was_ended_is_unknown() {
    let server = server(4).await;
    let session = Session::open(&server).await;
    assert_eq!(session.end().await.status, 204);
    let reply = session.call("add", json!({"a": 2, "b": 3})).send().await;
    assert_eq!(reply.status, 404);
    assert!(
        reply.rpc_error().1.contains("no such session"),
        "{}",
        reply.text()
    );
    assert_eq!(session.end().await.status, 404);
}

#[tokio::test]
async fn an_idle_session_ends() {
    let sessions = Sessions {
        max: 1,
        // Longer than the two requests that open it are apart.
        idle: Duration::from_secs(2),
    };
    let server = Setup::new(tools().sessions(sessions)).start().await;
    let session = Session::open(&server).await;
    soon(async {
        // Each request that finds it alive would keep it so, so only the limit is asked about.
        while initialize(&server).send().await.status == 503 {
            pace().await;
        }
    })
    .await;
    assert_eq!(session.call("add", json!({})).send().await.status, 404);
}

#[tokio::test]
async fn a_request_without_a_session_is_told_that_it_needs_one() {
    let server = server(4).await;
    let call = server.legacy("tools/list", json!({}));
    let reply = call.send().await;
    assert_eq!(reply.status, 400);
    assert!(reply.rpc_error().1.contains("Session"), "{}", reply.text());
}
