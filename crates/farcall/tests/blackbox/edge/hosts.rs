//! `Host` and `Origin`.

use super::foreign::{HOSTS, ORIGINS};
use crate::{
    harness::{Server, Setup, exchange},
    offers::{open_server, tools_and_jobs},
};

const LIST: &[u8] = br#"{"jsonrpc":"2.0","id":1,"method":"tools/list","params":{}}"#;

/// The status of a listing of tools with these headers.
async fn listed(server: &Server, headers: &[(&str, &str)]) -> u16 {
    let mut all = vec![("content-type", "application/json")];
    all.extend(headers);
    let reply = exchange(server, "POST /mcp", &all, LIST).await;
    if reply.status == 403 {
        let (code, sentence) = reply.rpc_error();
        assert_eq!(code, -32_000);
        assert!(
            sentence.contains("the operator can list it in FARCALL_ALLOWED_"),
            "{sentence}"
        );
    }
    reply.status
}

#[tokio::test]
async fn this_machines_names_are_served() {
    let server = open_server().await;
    for host in [
        "localhost",
        "LocalHost:8900",
        "127.0.0.1",
        "127.0.0.1:8900",
        "127.1.2.3",
        "[::1]",
        "[::1]:8900",
        "[::ffff:127.0.0.1]:1",
    ] {
        assert_eq!(listed(&server, &[("host", host)]).await, 200, "{host}");
    }
}

#[tokio::test]
async fn every_other_host_is_refused() {
    let server = open_server().await;
    for host in HOSTS {
        assert_eq!(listed(&server, &[("host", host)]).await, 403, "{host:?}");
    }
}

#[tokio::test]
async fn a_host_twice_or_not_at_all_is_refused() {
    let server = open_server().await;
    for headers in [
        &[][..],
        &[("host", "localhost"), ("host", "evil.example.com")],
        &[("host", "evil.example.com"), ("host", "localhost")],
        &[("host", "localhost"), ("host", "localhost")],
        &[("host", "loc\u{e4}lhost")],
    ] {
        assert_eq!(listed(&server, headers).await, 403, "{headers:?}");
    }
}

#[tokio::test]
async fn what_a_proxy_says_about_the_host_does_not_count() {
    let server = open_server().await;
    for header in ["x-forwarded-host", "forwarded", "x-original-host"] {
        let foreign = [("host", "evil.example.com"), (header, "localhost")];
        assert_eq!(listed(&server, &foreign).await, 403, "{header}");
        let ours = [("host", "localhost"), (header, "evil.example.com")];
        assert_eq!(listed(&server, &ours).await, 200, "{header}");
    }
}

#[tokio::test]
async fn a_request_for_a_whole_url_is_judged_by_its_host_too() {
    let server = open_server().await;
    for (target, host, status) in [
        ("http://evil.example.com/mcp", "evil.example.com", 403),
        ("http://localhost/mcp", "evil.example.com", 403),
        ("http://evil.example.com/mcp", "localhost", 403),
        ("http://localhost/mcp", "localhost", 200),
    ] {
        let bytes = format!(
            "POST {target} HTTP/1.1\r\nconnection: close\r\ncontent-type: application/json\r\nhost: {host}\r\ncontent-length: {}\r\n\r\n",
            LIST.len()
        );
        let mut connection = crate::harness::Connection::open(server.address).await;
        connection.write(&[bytes.as_bytes(), LIST].concat()).await;
        let answer = String::from_utf8_lossy(&connection.rest().await).into_owned();
        assert!(
            answer.starts_with(&format!("HTTP/1.1 {status} ")),
            "{target} {host}: {answer}"
        );
    }
}

#[tokio::test]
async fn pages_of_this_machine_may_call() {
    let server = open_server().await;
    for origin in [
        "http://localhost",
        "http://localhost:3000",
        "http://127.0.0.1:8900",
        "https://[::1]:3000",
        "HTTP://LOCALHOST",
    ] {
        let headers = [("host", "localhost"), ("origin", origin)];
        assert_eq!(listed(&server, &headers).await, 200, "{origin}");
    }
}

#[tokio::test]
async fn every_other_origin_is_refused() {
    let server = open_server().await;
    for origin in ORIGINS {
        let headers = [("host", "localhost"), ("origin", origin)];
        assert_eq!(listed(&server, &headers).await, 403, "{origin:?}");
    }
}

#[tokio::test]
async fn an_origin_twice_is_refused() {
    let server = open_server().await;
    for pair in [
        ["http://localhost", "https://evil.example.com"],
        ["http://localhost", "http://localhost"],
    ] {
        let headers = [
            ("host", "localhost"),
            ("origin", pair[0]),
            ("origin", pair[1]),
        ];
        assert_eq!(listed(&server, &headers).await, 403, "{pair:?}");
    }
}

#[tokio::test]
async fn the_public_address_is_served() {
    let setup = Setup::new(tools_and_jobs()).with("PUBLIC_BASE_URL", "https://MCP.Example.com");
    let server = setup.start().await;
    for host in [
        "mcp.example.com",
        "MCP.EXAMPLE.COM",
        "mcp.example.com:443",
        "localhost",
    ] {
        assert_eq!(listed(&server, &[("host", host)]).await, 200, "{host}");
    }
    let from = |origin| [("host", "mcp.example.com"), ("origin", origin)];
    assert_eq!(listed(&server, &from("https://mcp.example.com")).await, 200);
    for origin in [
        "http://mcp.example.com",
        "https://mcp.example.com:444",
        "https://example.com",
        "https://x.mcp.example.com",
    ] {
        assert_eq!(listed(&server, &from(origin)).await, 403, "{origin}");
    }
    for host in [
        "example.com",
        "x.mcp.example.com",
        "mcp.example.com.evil.example",
        "mcp.example.com.",
    ] {
        assert_eq!(listed(&server, &[("host", host)]).await, 403, "{host}");
    }
}

#[tokio::test]
async fn a_public_address_with_a_port_is_served_there() {
    let setup = Setup::new(tools_and_jobs()).with("PUBLIC_BASE_URL", "http://mcp.example.com:8080");
    let server = setup.start().await;
    assert_eq!(
        listed(&server, &[("host", "mcp.example.com:8080")]).await,
        200
    );
    assert_eq!(
        listed(&server, &[("host", "mcp.example.com:8081")]).await,
        403
    );
}

#[tokio::test]
async fn hosts_that_the_operator_lists_are_served() {
    let setup =
        Setup::new(tools_and_jobs()).with("FARCALL_ALLOWED_HOSTS", "Box.lan, 10.0.0.5:8900");
    let server = setup.start().await;
    for host in ["box.lan", "box.lan:8900", "10.0.0.5:8900"] {
        assert_eq!(listed(&server, &[("host", host)]).await, 200, "{host}");
    }
    for host in ["10.0.0.5", "10.0.0.5:8901", "lan", "xbox.lan"] {
        assert_eq!(listed(&server, &[("host", host)]).await, 403, "{host}");
    }
}

#[tokio::test]
async fn files_are_guarded_like_calls() {
    let server = Setup::new(tools_and_jobs()).start().await;
    for headers in [
        &[("host", "evil.example.com")][..],
        &[("host", "localhost"), ("origin", "null")],
    ] {
        let reply = exchange(&server, "GET /files/x", headers, b"").await;
        assert_eq!(reply.status, 403, "{headers:?}");
        assert!(reply.plain_error().contains("FARCALL_ALLOWED_"));
    }
}
