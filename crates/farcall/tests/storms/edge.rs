//! Clients that want nothing but places, time and memory, and an honest one beside them.

use std::{
    fs, io,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use reqwest::header::HeaderMap;
use serde_json::json;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpSocket, TcpStream},
    task::JoinSet,
    time::sleep,
};

use crate::{
    chance::times,
    harness::{Project, Server, until},
    honest::{Waits, withstood},
};

/// How many heads never end.
const SLOW_HEADS: usize = 10_000;

/// How many of them there are at once; more than the server has places.
const SLOW_AT_ONCE: usize = 1_500;

/// How long each of them waits between two bytes. More of them would measure how attacker, client and server share
/// the processors of one machine.
const DRIP: Duration = Duration::from_secs(2);

/// How many clients never read what they asked for.
const STALLED: usize = 1_000;

/// How many times a stranger begins a session that it will never have.
const STRANGERS: usize = 100_000;

const TOML: &str = r#"
[tool.add]
description = "Say hello."
command = ["echo", "hello"]

[job.film]
description = "Make a film."
command = ["sh", "film.sh"]
artifacts = ["film.bin"]
"#;

fn project() -> Project {
    let project = Project::new(TOML).with("FARCALL_LOG", "warn");
    // More than any socket holds.
    let script = "dd if=/dev/zero of=film.bin bs=1M count=16 2>/dev/null";
    fs::write(project.path("film.sh"), script).unwrap();
    project
}

pub(crate) fn address(server: &Server) -> SocketAddr {
    let request = server.request("ping", "", json!({})).build().unwrap();
    request.url().socket_addrs(|| None).unwrap()[0]
}

#[tokio::test(flavor = "multi_thread")]
async fn ten_thousand_slow_heads_keep_no_honest_client_waiting() {
    let server = project().serve().await;
    withstood("slow heads", async || slow_heads(&server).await).await;
    server.stop().await;
}

/// How long an honest client waits before and while they come.
#[expect(clippy::print_stdout, reason = "what was measured")]
async fn slow_heads(server: &Server) -> (Waits, Waits) {
    let before = Waits::of(server, &HeaderMap::new()).await;
    let (address, begun) = (address(server), Arc::<AtomicUsize>::default());
    let mut attackers = JoinSet::new();
    for _ in 0..SLOW_AT_ONCE {
        let begun = Arc::clone(&begun);
        attackers.spawn(async move {
            loop {
                begun.fetch_add(1, Ordering::Relaxed);
                let _ = drip(address).await;
                // Whoever was turned away comes again, as the tools for this do.
                sleep(Duration::from_secs(1)).await;
            }
        });
    }
    until("all places to be taken", async || {
        (begun.load(Ordering::Relaxed) > SLOW_AT_ONCE + 500).then_some(())
    })
    .await;
    let mut during = Waits::of(server, &HeaderMap::new()).await;
    while begun.load(Ordering::Relaxed) < times(SLOW_HEADS) {
        during.add(server, &HeaderMap::new()).await;
    }
    println!("{} slow heads", begun.load(Ordering::Relaxed));
    attackers.shutdown().await;
    (before, during)
}

/// A head that comes byte by byte, until the server has enough of it.
async fn drip(address: SocketAddr) -> io::Result<()> {
    let mut connection = TcpStream::connect(address).await?;
    connection
        .write_all(b"POST /mcp HTTP/1.1\r\nhost: localhost\r\nx: ")
        .await?;
    loop {
        let mut nothing = [0];
        tokio::select! {
            read = connection.read(&mut nothing) => return read.map(drop),
            () = sleep(DRIP) => connection.write_all(b"x").await?,
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_stalled_readers_keep_no_honest_client_waiting() {
    let server = project().serve().await;
    let id = server.start("film", json!({})).await;
    server
        .status_when("film", &id, |status| status["state"] == "succeeded")
        .await;
    withstood("stalled readers", async || stalled(&server, &id).await).await;
    server.stop().await;
}

/// How long an honest client waits before and while they ask for the file of the job `id`.
async fn stalled(server: &Server, id: &str) -> (Waits, Waits) {
    let before = Waits::of(server, &HeaderMap::new()).await;
    let mut stalled = Vec::new();
    for _ in 0..STALLED {
        let socket = TcpSocket::new_v4().unwrap();
        socket.set_recv_buffer_size(4_096).unwrap();
        let mut reader = socket.connect(address(server)).await.unwrap();
        let ask = format!("GET /files/{id} HTTP/1.1\r\nhost: localhost\r\n\r\n");
        reader.write_all(ask.as_bytes()).await.unwrap();
        // It has begun to answer.
        reader.read_u8().await.unwrap();
        stalled.push(reader);
    }
    (before, Waits::of(server, &HeaderMap::new()).await)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hundred_thousand_strangers_leave_nothing_behind() {
    const AT_ONCE: usize = 8;
    let project = project().with("MCP_BEARER_TOKEN", "a-token-that-no-stranger-has");
    let server = project.serve().await;
    let strangers = async |count: usize| {
        let mut all = JoinSet::new();
        for _ in 0..AT_ONCE {
            let address = address(&server);
            all.spawn(async move { begin_sessions(address, count / AT_ONCE).await });
        }
        all.join_all().await;
    };
    // What is only needed once is there afterwards.
    strangers(STRANGERS / 10).await;
    let before = resident(&server);
    strangers(times(STRANGERS)).await;
    let after = resident(&server);
    println!("{before} KiB before, {after} KiB after");
    assert!(
        after < before + 8 * 1_024,
        "{before} KiB before, {after} KiB after"
    );
    server.stop().await;
}

/// Begins sessions without a token, over one connection.
async fn begin_sessions(address: SocketAddr, count: usize) {
    let body = json!({"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {
        "protocolVersion": "2025-11-25", "capabilities": {},
        "clientInfo": {"name": "stranger", "version": "1"},
    }})
    .to_string();
    let request = format!(
        "POST /mcp HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n\
         accept: application/json, text/event-stream\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    let mut connection = TcpStream::connect(address).await.unwrap();
    let mut answer = vec![0; 8 * 1_024];
    for _ in 0..count {
        connection.write_all(request.as_bytes()).await.unwrap();
        let length = connection.read(&mut answer).await.unwrap();
        assert!(answer[..length].starts_with(b"HTTP/1.1 401 "));
    }
}

/// How much memory the server has, in KiB.
fn resident(server: &Server) -> usize {
    let status = fs::read_to_string(format!("/proc/{}/status", server.process())).unwrap();
    let line = status
        .lines()
        .find(|line| line.starts_with("VmRSS:"))
        .unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}
