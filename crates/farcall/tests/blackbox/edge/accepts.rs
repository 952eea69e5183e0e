//! What clients say they can read, and how they send what they say.

use farcall::{Value, json};

use crate::{
    harness::{Era, Reply, Server, exchange},
    offers::open_server,
};

/// A call of `add` with these values of `Accept`, each a header of its own.
async fn called(server: &Server, era: Era, accept: &[&str]) -> Reply {
    let params = json!({"name": "add", "arguments": {"a": 2, "b": 3}});
    let (call, version) = match era {
        Era::Modern => (server.rpc("tools/call", params), "2026-07-28"),
        Era::Legacy => (server.legacy("tools/call", params), "2025-11-25"),
    };
    let mut headers = vec![
        ("host", "localhost"),
        ("content-type", "application/json"),
        ("mcp-protocol-version", version),
        ("mcp-method", "tools/call"),
        ("mcp-name", "add"),
    ];
    headers.extend(accept.iter().map(|value| ("accept", *value)));
    exchange(server, "POST /mcp", &headers, call.body().as_bytes()).await
}

fn sum() -> Value {
    json!({"sum": 5.0})
}

#[tokio::test]
async fn json_comes_to_everyone_who_reads_it() {
    let server = open_server().await;
    for era in Era::ALL {
        for accept in [
            &["application/json, text/event-stream"][..],
            &["text/event-stream, application/json"],
            &["application/json", "text/event-stream"],
            &["application/json"],
            &["Application/JSON; charset=utf-8"],
            &["application/json;q=0.5, text/html"],
            &["application/*"],
            &["*/*"],
            &["text/html, */*;q=0.1"],
            &[],
        ] {
            let reply = called(&server, era, accept).await;
            assert_eq!(
                reply.header("content-type"),
                "application/json",
                "{accept:?}"
            );
            assert_eq!(reply.structured(), sum(), "{era:?} {accept:?}");
        }
    }
}

#[tokio::test]
async fn who_reads_streams_only_gets_the_answer_as_one_event() {
    let server = open_server().await;
    for era in Era::ALL {
        for accept in ["text/event-stream", "text/*", "TEXT/EVENT-STREAM"] {
            let reply = called(&server, era, &[accept]).await;
            assert!(reply.is_stream(), "{accept}: {reply:?}");
            assert_eq!(reply.messages().len(), 1);
            assert_eq!(reply.structured(), sum(), "{era:?} {accept}");
        }
    }
}

#[tokio::test]
async fn who_reads_neither_is_told_what_there_is() {
    let server = open_server().await;
    for accept in ["text/html", "image/*", "application/xml, text/plain"] {
        let reply = called(&server, Era::Modern, &[accept]).await;
        assert_eq!(reply.status, 406, "{accept}");
        let (_, sentence) = reply.rpc_error();
        assert!(sentence.contains("application/json"), "{sentence}");
    }
}

#[tokio::test]
async fn a_body_of_another_type_is_refused() {
    let server = open_server().await;
    for kind in [
        Some("text/plain"),
        Some("application/x-www-form-urlencoded"),
        Some("multipart/form-data"),
        Some("application/json-rpc"),
        None,
    ] {
        let body = server.tool("add", json!({"a": 2, "b": 3})).body();
        let mut headers = vec![("host", "localhost"), ("accept", "*/*")];
        headers.extend(kind.map(|kind| ("content-type", kind)));
        let reply = exchange(&server, "POST /mcp", &headers, body.as_bytes()).await;
        assert_eq!(reply.status, 415, "{kind:?}");
        assert!(
            reply.rpc_error().1.contains("application/json"),
            "{}",
            reply.text()
        );
    }
}

#[tokio::test]
async fn a_charset_beside_the_type_is_fine() {
    let server = open_server().await;
    let call = server.tool("add", json!({"a": 2, "b": 3}));
    let body = call.body();
    let reply = call.with_body(body).header("x-unrelated", "1").send().await;
    assert_eq!(reply.structured(), sum());
    let call = server.legacy(
        "tools/call",
        json!({"name": "add", "arguments": {"a": 2, "b": 3}}),
    );
    let headers = [
        ("host", "localhost"),
        ("content-type", "application/json; charset=utf-8"),
    ];
    let reply = exchange(&server, "POST /mcp", &headers, call.body().as_bytes()).await;
    assert_eq!(reply.structured(), sum());
}

#[tokio::test]
async fn a_compressed_body_is_refused() {
    let server = open_server().await;
    for coding in [
        "gzip",
        "deflate",
        "br",
        "zstd",
        "gzip, gzip",
        "x-gzip",
        "identity, gzip",
        "GZIP",
        "",
    ] {
        let headers = [
            ("host", "localhost"),
            ("content-type", "application/json"),
            ("content-encoding", coding),
        ];
        let reply = exchange(&server, "POST /mcp", &headers, b"\x1f\x8b\x08\x00").await;
        assert_eq!(reply.status, 415, "{coding:?}");
        let (_, sentence) = reply.rpc_error();
        assert!(
            sentence.contains("compressed requests are not read"),
            "{sentence}"
        );
    }
}

#[tokio::test]
async fn a_body_that_says_it_is_as_it_is_is_fine() {
    let server = open_server().await;
    let call = server.tool("add", json!({"a": 2, "b": 3}));
    let body = call.body();
    let reply = call
        .with_body(body)
        .header("content-encoding", "identity")
        .send()
        .await;
    assert_eq!(reply.structured(), sum());
}
