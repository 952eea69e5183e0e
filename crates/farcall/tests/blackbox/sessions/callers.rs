//! A session belongs to the caller that opened it.

use farcall::{Sessions, json};
use reqwest::Method;

use super::Session;
use crate::{
    harness::{Client, Reply, Server, Setup},
    offers::{Callers, tools},
};

async fn server() -> Server {
    let app = tools().sessions(Sessions::default());
    Setup::new(app.token_verifier(Callers)).start().await
}

/// What `client` sees of a session, by each of the three ways.
async fn seen(client: &Client, id: &str) -> [(u16, String); 3] {
    let call = client.legacy("tools/list", json!({}));
    let call = call.header("mcp-session-id", id).send().await;
    let plain = |method| {
        let request = client.http(method, "/mcp").header("mcp-session-id", id);
        let request = request.header("accept", "text/event-stream");
        request.header("mcp-protocol-version", "2025-11-25").send()
    };
    let (stream, end) = (plain(Method::GET).await, plain(Method::DELETE).await);
    [call, stream, end].map(|reply: Reply| (reply.status, reply.text()))
}

#[tokio::test]
async fn another_callers_session_looks_like_one_that_never_was() {
    let server = server().await;
    let (alice, bob) = (
        server.with_token("alice-token"),
        server.with_token("bob-token"),
    );
    let session = Session::open(&alice).await;
    let made_up = seen(&bob, "00000000-0000-0000-0000-000000000000").await;
    assert!(
        made_up.iter().all(|(status, _)| *status == 404),
        "{made_up:?}"
    );
    assert_eq!(seen(&bob, &session.id).await, made_up);
    // Even the operator speaks only in sessions of their own.
    assert_eq!(
        seen(&server.with_token("carol-token"), &session.id).await,
        made_up
    );
    // And none of that has ended it.
    let sum = session.call("add", json!({"a": 2, "b": 3})).send().await;
    assert_eq!(sum.structured(), json!({"sum": 5.0}));
}

#[tokio::test]
async fn a_session_without_a_token_is_nobodys() {
    let server = server().await;
    let session = Session::open(&server.with_token("alice-token")).await;
    let call = server.legacy("tools/list", json!({}));
    let reply = call.header("mcp-session-id", &session.id).send().await;
    assert_eq!(reply.status, 401);
}
