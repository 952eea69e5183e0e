//! One URL for clients of every revision.

use farcall::json;

use crate::{
    harness::{Setup, exchange},
    offers::{open_server, tools},
};

fn initialize(version: &str) -> farcall::Value {
    json!({
        "protocolVersion": version,
        "capabilities": {"elicitation": {}},
        "clientInfo": {"name": "blackbox", "version": "1"},
    })
}

#[tokio::test]
async fn an_older_client_is_answered_in_its_own_revision() {
    let server = open_server().await;
    for version in ["2025-11-25", "2025-06-18", "2025-03-26"] {
        let request = server.legacy("initialize", initialize(version));
        let result = request
            .header("mcp-protocol-version", version)
            .send()
            .await
            .result();
        assert_eq!(result["protocolVersion"], version);
        assert_eq!(result["serverInfo"]["name"], "blackbox");
        assert_eq!(result["serverInfo"]["version"], "1.2.3");
        assert!(result["capabilities"]["tools"].is_object(), "{result}");
    }
}

#[tokio::test]
async fn a_client_of_a_revision_to_come_is_offered_the_newest_older_one() {
    let server = open_server().await;
    let request = server.legacy("initialize", initialize("2031-01-01"));
    let result = request
        .header("mcp-protocol-version", "2031-01-01")
        .send()
        .await
        .result();
    assert_eq!(result["protocolVersion"], "2025-11-25");
}

#[tokio::test]
async fn a_client_of_2026_discovers_without_a_handshake() {
    let app = tools().title("Black Box").instructions("Knock first.");
    let server = Setup::new(app).start().await;
    let result = server
        .rpc("server/discover", json!({}))
        .send()
        .await
        .result();
    let versions = result["supportedVersions"].as_array().unwrap();
    assert!(versions.contains(&json!("2026-07-28")), "{result}");
    assert_eq!(result["instructions"], "Knock first.", "{result}");
}

#[tokio::test]
async fn a_tool_is_called_without_any_handshake_in_both_forms() {
    let server = open_server().await;
    let params = json!({"name": "add", "arguments": {"a": 2, "b": 3}});
    let modern = server.rpc("tools/call", params.clone()).send().await;
    let legacy = server.legacy("tools/call", params).send().await;
    assert_eq!(modern.structured(), legacy.structured());
    assert_eq!(modern.header("content-type"), "application/json");
    assert_eq!(legacy.header("content-type"), "application/json");
}

#[tokio::test]
async fn an_unknown_revision_is_refused_with_the_known_ones() {
    let server = open_server().await;
    let request = server
        .rpc("tools/list", json!({}))
        .meta("io.modelcontextprotocol/protocolVersion", "2031-01-01")
        .header("mcp-protocol-version", "2031-01-01");
    let reply = request.send().await;
    assert_eq!((reply.status, reply.rpc_error().0), (400, -32_022));
    assert!(reply.text().contains("2026-07-28"), "{}", reply.text());
}

#[tokio::test]
async fn a_request_of_2026_without_its_metadata_is_refused() {
    let server = open_server().await;
    let request = server.rpc("tools/list", json!({}));
    let body = json!({"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {}});
    let reply = request.with_body(body.to_string()).send().await;
    let (code, sentence) = reply.rpc_error();
    assert_eq!((reply.status, code), (400, -32_602));
    assert!(sentence.contains("_meta"), "{sentence}");
}

#[tokio::test]
async fn a_notification_is_accepted_without_a_word() {
    let server = open_server().await;
    let notification = server.legacy("notifications/initialized", json!({}));
    let reply = notification.without_id().send().await;
    assert_eq!((reply.status, reply.text().as_str()), (202, ""));
}

#[tokio::test]
async fn a_ping_of_an_older_client_is_answered() {
    let server = open_server().await;
    let result = server.legacy("ping", json!({})).send().await.result();
    assert_eq!(result, json!({}));
}

#[tokio::test]
async fn a_header_twice_that_decides_the_revision_is_refused() {
    let server = open_server().await;
    for name in ["mcp-protocol-version", "mcp-session-id"] {
        let request = server.rpc("tools/list", json!({}));
        let headers = [
            ("host", "localhost"),
            ("content-type", "application/json"),
            (name, "2026-07-28"),
            (name, "2025-06-18"),
        ];
        let body = request.body();
        let reply = exchange(&server, "POST /mcp", &headers, body.as_bytes()).await;
        let (code, sentence) = reply.rpc_error();
        assert_eq!((reply.status, code), (400, -32_600));
        assert!(sentence.contains(name), "{sentence}");
    }
}
