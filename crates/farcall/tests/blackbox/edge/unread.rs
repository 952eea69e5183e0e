//! Bodies of requests that are answered without them.

use std::{
    net::SocketAddr,
    time::{Duration, Instant},
};

use farcall::axum::{Router, routing::get};
use farcall_server::accept::Limits;
use reqwest::StatusCode;

use super::connections::{HELLO, accepting};
use crate::{
    harness::{Connection, Server, Setup},
    offers::tools,
};

const ALIVE: &[u8] = b"GET /healthz HTTP/1.1\r\nhost: localhost\r\n\r\n";

async fn guarded() -> Server {
    let server = Setup::new(tools()).with("MCP_BEARER_TOKEN", &"t".repeat(40));
    server.start().await
}

/// The next answer, which is a short one.
async fn answer(connection: &mut Connection) -> String {
    String::from_utf8(connection.some().await).unwrap()
}

/// Sends a head, waits for its answer, and sends `body` only then.
async fn answered_early(address: SocketAddr, head: &str, body: &[u8]) -> (String, Connection) {
    let mut connection = Connection::open(address).await;
    let head = format!("{head}\r\ncontent-type: application/json\r\n\r\n");
    connection.write(head.as_bytes()).await;
    let answer = answer(&mut connection).await;
    connection.write(body).await;
    (answer, connection)
}

#[tokio::test]
async fn an_answer_that_comes_before_the_body_leaves_the_connection_as_it_is() {
    let server = guarded().await;
    let large = "x".repeat(3 << 20);
    let chunked = format!("{:x}\r\n{large}\r\n0\r\n\r\n", large.len());
    let length = format!("content-length: {}", large.len());
    let cases = [
        (
            "401",
            "POST /mcp",
            "host: localhost\r\ncontent-length: 2",
            "{}",
        ),
        (
            "401",
            "POST /mcp",
            &format!("host: localhost\r\n{length}"),
            &large,
        ),
        (
            "401",
            "POST /mcp",
            "host: localhost\r\ntransfer-encoding: chunked",
            &chunked,
        ),
        (
            "403",
            "POST /mcp",
            "host: elsewhere.example\r\ncontent-length: 2",
            "{}",
        ),
        (
            "404",
            "POST /nowhere",
            "host: localhost\r\ncontent-length: 2",
            "{}",
        ),
        (
            "405",
            "DELETE /healthz",
            "host: localhost\r\ncontent-length: 2",
            "{}",
        ),
    ];
    for (status, line, headers, body) in cases {
        let case = format!("{line}, {headers}");
        let head = format!("{line} HTTP/1.1\r\n{headers}");
        let (early, mut connection) = answered_early(server.address, &head, body.as_bytes()).await;
        assert!(
            early.starts_with(&format!("HTTP/1.1 {status} ")),
            "{case}: {early}"
        );
        assert!(!early.contains("connection: close"), "{case}: {early}");
        connection.write(ALIVE).await;
        let next = answer(&mut connection).await;
        assert!(next.starts_with("HTTP/1.1 200 "), "{case}: {next}");
    }
}

/// RFC 9110, section 10.1.1.
#[tokio::test]
async fn who_waits_to_be_asked_for_the_body_is_told_that_the_connection_ends() {
    let server = guarded().await;
    let head = "POST /mcp HTTP/1.1\r\nhost: localhost\r\ncontent-length: 2\r\nexpect: 100-continue";
    let (early, mut connection) = answered_early(server.address, head, b"").await;
    assert!(early.starts_with("HTTP/1.1 401 "), "{early}");
    assert!(early.contains("\r\nconnection: close\r\n"), "{early}");
    assert!(connection.rest().await.is_empty());
}

#[tokio::test]
async fn who_says_that_more_comes_than_is_ever_read_is_told_that_the_connection_ends() {
    let server = guarded().await;
    let head = "POST /mcp HTTP/1.1\r\nhost: localhost\r\ncontent-length: 20000000";
    let (early, _connection) = answered_early(server.address, head, b"{").await;
    assert!(early.starts_with("HTTP/1.1 401 "), "{early}");
    assert!(early.contains("\r\nconnection: close\r\n"), "{early}");
}

/// RFC 9110, section 15.5.9.
#[tokio::test]
async fn who_was_too_slow_is_told_that_the_connection_ends() {
    let late = Router::new().route("/", get(|| async { StatusCode::REQUEST_TIMEOUT }));
    let running = accepting(late, Limits::default()).await;
    let mut connection = Connection::open(running.address).await;
    connection.write(HELLO).await;
    let said = String::from_utf8(connection.rest().await).unwrap();
    assert!(said.contains("\r\nconnection: close\r\n"), "{said}");
}

/// Idle, it could hold its server for fifteen seconds.
#[tokio::test]
async fn a_body_that_does_not_come_holds_up_no_stop() {
    let running = accepting(Router::new(), Limits::default()).await;
    let head = "POST / HTTP/1.1\r\nhost: localhost\r\ncontent-length: 2";
    let (early, mut connection) = answered_early(running.address, head, b"{").await;
    assert!(early.starts_with("HTTP/1.1 404 "), "{early}");
    let begun = Instant::now();
    running.stop().await;
    assert!(
        begun.elapsed() < Duration::from_secs(10),
        "{:?}",
        begun.elapsed()
    );
    assert!(connection.rest().await.is_empty());
}

/// A client that was asked for it is still writing when it is told that this is too much.
#[tokio::test]
async fn a_body_that_was_asked_for_and_is_too_large_is_read_on() {
    let server = Setup::new(tools()).start().await;
    let mut connection = Connection::open(server.address).await;
    let head = "POST /mcp HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n\
                content-length: 6000000\r\nexpect: 100-continue\r\n\r\n";
    connection.write(head.as_bytes()).await;
    let asked = answer(&mut connection).await;
    assert!(asked.starts_with("HTTP/1.1 100 "), "{asked}");
    connection.write(&vec![b'x'; 6_000_000]).await;
    let said = String::from_utf8(connection.rest().await).unwrap();
    assert!(said.starts_with("HTTP/1.1 413 "), "{said}");
    assert!(said.contains("\r\nconnection: close\r\n"), "{said}");
}
