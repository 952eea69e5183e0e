//! `healthcheck` tells a server that is alive from everything else, and never waits for long.

use std::{
    io::Write as _,
    net::TcpListener,
    time::{Duration, Instant},
};

use axum::routing::get;
use farcall::axum;
use farcall_testpg::free_port;

use crate::harness::{Ended, calculator, farcall, with_routes, with_server};

fn port(url: &str) -> &str {
    let port = url.trim_end_matches("/mcp").rsplit(':').next().unwrap();
    port.trim_end_matches('/')
}

/// With the variables that an image sets.
async fn asked(port: &str) -> Ended {
    farcall(["healthcheck", "--timeout", "30"])
        .variable("MCP_HOST", "0.0.0.0")
        .variable("MCP_PORT", port)
        // It asks this machine, whatever else is reached by a proxy.
        .variable("HTTP_PROXY", "http://127.0.0.1:9")
        .run()
        .await
}

#[test]
fn a_server_is_alive() {
    with_server(calculator(), async |url| {
        let ended = asked(port(&url)).await;
        assert_eq!((ended.exit, ended.stderr.as_str()), (0, ""), "{ended}");
        assert!(ended.stdout.ends_with("/healthz: alive\n"), "{ended}");
        let ended = farcall(["healthcheck", "--port", port(&url)]).run().await;
        assert_eq!(ended.exit, 0, "{ended}");
    });
}

#[test]
fn another_program_at_the_port_is_not() {
    let routes = axum::Router::new()
        .route("/healthz", get(async || "{\"ok\": false}"))
        .route("/mcp", get(async || ""));
    with_routes(routes, async |url| {
        let ended = asked(port(&url)).await;
        assert_eq!(ended.exit, 1, "{ended}");
        assert!(
            ended.stderr.contains("it answered `HTTP/1.1 200 OK`"),
            "{ended}"
        );
    });
    with_routes(axum::Router::new(), async |url| {
        let ended = asked(port(&url)).await;
        assert!(ended.exit == 1 && ended.stderr.contains("404"), "{ended}");
    });
}

#[test]
fn a_port_where_nobody_listens_is_not() {
    let port = free_port().to_string();
    let ended = farcall(["healthcheck", "--port", &port]).ended();
    assert_eq!((ended.exit, ended.stdout.as_str()), (1, ""), "{ended}");
    assert!(ended.stderr.contains("refused"), "{ended}");
}

#[test]
fn a_server_that_hangs_is_given_up_in_time() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port().to_string();
    for drips in [false, true] {
        let listener = listener.try_clone().unwrap();
        std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            // One sign after the other for as long as somebody reads, or nothing at all.
            while drips && stream.write_all(b"x").is_ok() {
                std::thread::park_timeout(Duration::from_millis(50));
            }
            std::thread::park();
        });
        let began = Instant::now();
        let ended = farcall(["healthcheck", "--timeout", "1", "--port", &port]).ended();
        assert!(
            ended.exit == 1 && ended.stderr.contains("in time"),
            "{ended}"
        );
        assert!(
            began.elapsed() < Duration::from_secs(20),
            "{:?}",
            began.elapsed()
        );
    }
}

#[test]
fn what_is_no_port_is_wrong_usage() {
    for arguments in [["--port", "many"], ["--timeout", "0"], ["--timeout", "61"]] {
        let ended = farcall(["healthcheck"]).arguments(&arguments).ended();
        assert_eq!(ended.exit, 2, "{ended}");
    }
    let ended = farcall(["healthcheck"])
        .variable("MCP_PORT", "many")
        .ended();
    assert_eq!(ended.exit, 2, "{ended}");
}
