//! What pages of other origins may read.

use farcall::json;

use crate::{
    harness::{Reply, Server, Setup, exchange},
    offers::{open_server, tools},
};

const PAGE: &str = "https://app.example.com";
const TOKEN: &str = "0123456789abcdef0123456789abcdef";

async fn server() -> Server {
    let listed = format!("{PAGE}, http://other.example.com:3000");
    let setup = Setup::new(tools()).with("FARCALL_ALLOWED_ORIGINS", &listed);
    setup.with("MCP_BEARER_TOKEN", TOKEN).start().await
}

async fn preflight(server: &Server, origin: &str) -> Reply {
    let headers = [
        ("host", "localhost"),
        ("origin", origin),
        ("access-control-request-method", "POST"),
        (
            "access-control-request-headers",
            "authorization,content-type,mcp-protocol-version,mcp-method,mcp-name",
        ),
    ];
    exchange(server, "OPTIONS /mcp", &headers, b"").await
}

async fn call(server: &Server, origin: &str, token: &str) -> Reply {
    let authorization = format!("Bearer {token}");
    let headers = [
        ("host", "localhost"),
        ("origin", origin),
        ("authorization", authorization.as_str()),
        ("content-type", "application/json"),
    ];
    let body = json!({"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {}});
    exchange(server, "POST /mcp", &headers, body.to_string().as_bytes()).await
}

#[tokio::test]
async fn a_listed_page_may_ask_before_it_has_a_token() {
    let server = server().await;
    for origin in [PAGE, "http://other.example.com:3000"] {
        let reply = preflight(&server, origin).await;
        assert_eq!(reply.status, 200, "{}", reply.text());
        assert_eq!(reply.header("access-control-allow-origin"), origin);
        let methods = reply.header("access-control-allow-methods");
        assert!(
            methods.contains("POST") && methods.contains("DELETE"),
            "{methods}"
        );
        let headers = reply.header("access-control-allow-headers");
        for name in [
            "authorization",
            "content-type",
            "mcp-protocol-version",
            "mcp-method",
            "mcp-name",
        ] {
            assert!(headers.contains(name), "{headers}");
        }
    }
}

#[tokio::test]
async fn a_listed_page_reads_the_answer_and_its_headers() {
    let server = server().await;
    let reply = call(&server, PAGE, TOKEN).await;
    assert_eq!(reply.status, 200, "{}", reply.text());
    assert_eq!(reply.header("access-control-allow-origin"), PAGE);
    let exposed = reply.header("access-control-expose-headers");
    for name in [
        "www-authenticate",
        "mcp-session-id",
        "mcp-protocol-version",
        "x-request-id",
    ] {
        assert!(exposed.contains(name), "{exposed}");
    }
    assert!(reply.header("vary").to_ascii_lowercase().contains("origin"));
    // A token is sent by the page itself, never by the browser on its behalf.
    assert_eq!(reply.header("access-control-allow-credentials"), "");
}

#[tokio::test]
async fn a_listed_page_can_read_why_it_is_refused() {
    let server = server().await;
    let reply = call(&server, PAGE, "wrong").await;
    assert_eq!(reply.status, 401);
    assert_eq!(reply.header("access-control-allow-origin"), PAGE);
}

#[tokio::test]
async fn a_page_that_is_not_listed_reads_nothing() {
    let server = server().await;
    for origin in [
        "https://evil.example.com",
        "null",
        "https://app.example.com:444",
        "https://app.example.com.evil.example",
        "http://app.example.com",
    ] {
        let reply = preflight(&server, origin).await;
        assert_eq!(reply.header("access-control-allow-origin"), "", "{origin}");
        let reply = call(&server, origin, TOKEN).await;
        assert_eq!(reply.status, 403, "{origin}");
        assert_eq!(reply.header("access-control-allow-origin"), "", "{origin}");
    }
}

#[tokio::test]
async fn where_none_is_listed_there_is_no_cors_at_all() {
    let server = open_server().await;
    let reply = preflight(&server, PAGE).await;
    assert_eq!(reply.status, 403);
    let reply = preflight(&server, "http://localhost:3000").await;
    assert_eq!(reply.status, 405);
    for reply in [reply, call(&server, "http://localhost:3000", TOKEN).await] {
        assert!(
            reply
                .headers
                .keys()
                .all(|name| !name.as_str().starts_with("access-control-"))
        );
    }
}
