//! Methods of `/mcp` other than POST.

use reqwest::Method;

use crate::{
    harness::{Setup, exchange},
    offers::{open_server, tools},
};

#[tokio::test]
async fn without_sessions_only_post_is_allowed() {
    let server = open_server().await;
    for method in [
        Method::GET,
        Method::DELETE,
        Method::PUT,
        Method::PATCH,
        Method::OPTIONS,
    ] {
        for accept in ["text/event-stream", "application/json", "*/*"] {
            let request = server.http(method.clone(), "/mcp").header("accept", accept);
            let reply = request.send().await;
            assert_eq!(
                (reply.status, reply.header("allow")),
                (405, "POST"),
                "{method}"
            );
        }
    }
}

#[tokio::test]
async fn head_is_not_allowed_and_has_no_body() {
    let server = open_server().await;
    let reply = server.http(Method::HEAD, "/mcp").send().await;
    assert_eq!((reply.status, reply.body.len()), (405, 0));
}

#[tokio::test]
async fn with_sessions_a_stream_or_an_end_needs_a_session() {
    let app = tools().sessions(farcall::Sessions::default());
    let server = Setup::new(app).start().await;
    for method in [Method::GET, Method::DELETE] {
        let request = server
            .http(method.clone(), "/mcp")
            .header("accept", "text/event-stream");
        assert_eq!(request.send().await.status, 400, "{method}");
        let request = server
            .http(method.clone(), "/mcp")
            .header("mcp-protocol-version", "2026-07-28");
        let reply = request.header("accept", "text/event-stream").send().await;
        assert_eq!(
            (reply.status, reply.header("allow")),
            (405, "POST"),
            "{method}"
        );
    }
}

#[tokio::test]
async fn every_answer_has_an_id_of_its_own() {
    let server = open_server().await;
    let mut seen = std::collections::HashSet::new();
    for request in [
        "GET /healthz",
        "GET /nowhere",
        "GET /mcp",
        "POST /healthz",
        "GET /mcp",
    ] {
        let reply = exchange(
            &server,
            request,
            &[("host", "localhost"), ("x-request-id", "mine")],
            b"",
        )
        .await;
        assert!(
            seen.insert(reply.header("x-request-id").to_owned()),
            "{request}"
        );
    }
    assert!(!seen.contains("mine"));
}
