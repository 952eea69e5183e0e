//! The accept loop itself, with limits of the test's own, and the server's end.

use std::{net::SocketAddr, time::Duration};

use farcall::{
    Tool, ToolDeclaration, ToolOutput,
    axum::{Router, routing::get},
    json,
};
use farcall_server::{
    Entrance, Guard,
    accept::{self, Limits},
};
use tokio::{net::TcpListener, sync::mpsc, task::JoinHandle};
use tokio_util::sync::CancellationToken;

use crate::{
    harness::{Connection, Setup, pace, soon},
    offers::tools,
};

const GATED: &[u8] = b"GET /gated HTTP/1.1\r\nhost: localhost\r\n\r\n";
pub(super) const HELLO: &[u8] = b"GET / HTTP/1.1\r\nhost: localhost\r\n\r\n";

/// An accept loop that can be told to stop.
pub(super) struct Loop {
    pub(super) address: SocketAddr,
    stop: CancellationToken,
    hurry: CancellationToken,
    ended: JoinHandle<()>,
}

impl Loop {
    /// Stops it, and waits for its end.
    pub(super) async fn stop(self) {
        self.stop.cancel();
        soon(self.ended).await.unwrap();
    }
}

pub(super) async fn accepting(routes: Router, limits: Limits) -> Loop {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (stop, hurry) = (CancellationToken::new(), CancellationToken::new());
    let ended = tokio::spawn(accept::serve(
        listener,
        Entrance::new(Guard::new(), routes),
        limits,
        stop.clone(),
        hurry.clone(),
    ));
    Loop {
        address,
        stop,
        hurry,
        ended,
    }
}

pub(super) fn hello() -> Router {
    Router::new().route("/", get(|| async { "hello" }))
}

/// [`hello`], and a route whose answer comes when `gate` opens; `begun` hears of every request.
fn gated(gate: &CancellationToken) -> (Router, mpsc::UnboundedReceiver<()>) {
    let (says, begun) = mpsc::unbounded_channel();
    let gate = gate.clone();
    let handler = move || {
        let (says, gate) = (says.clone(), gate.clone());
        async move {
            says.send(()).unwrap();
            gate.cancelled().await;
            "at last"
        }
    };
    (hello().route("/gated", get(handler)), begun)
}

pub(super) async fn greeted(connection: &mut Connection) {
    connection.write(HELLO).await;
    let answer = String::from_utf8(connection.some().await).unwrap();
    assert!(
        answer.starts_with("HTTP/1.1 200 ") && answer.ends_with("hello"),
        "{answer}"
    );
}

#[tokio::test]
async fn a_head_that_comes_too_slowly_is_cut_off() {
    let limits = Limits {
        head: Duration::from_millis(100),
        ..Limits::default()
    };
    let running = accepting(hello(), limits).await;
    for begin in [
        &b""[..],
        b"GET / HT",
        b"GET / HTTP/1.1\r\nhost: localhost\r\nx-slow: ",
    ] {
        let mut slow = Connection::open(running.address).await;
        slow.write(begin).await;
        let said = String::from_utf8(slow.rest().await).unwrap();
        assert!(
            said.is_empty() || said.starts_with("HTTP/1.1 408 "),
            "{said}"
        );
    }
    greeted(&mut Connection::open(running.address).await).await;
}

#[tokio::test]
async fn a_connection_that_idles_too_long_is_closed() {
    let limits = Limits {
        head: Duration::from_millis(100),
        ..Limits::default()
    };
    let running = accepting(hello(), limits).await;
    let mut idle = Connection::open(running.address).await;
    greeted(&mut idle).await;
    idle.rest().await;
}

#[test]
fn whoever_polls_a_job_as_often_as_it_asks_for_does_not_meet_a_connection_at_its_end() {
    let longest = Duration::from_millis(farcall_jobs::contract::MAX_POLL_AFTER_MS.into());
    assert!(Limits::default().head >= longest + Duration::from_secs(2));
}

#[tokio::test]
async fn a_head_that_is_too_large_is_refused() {
    let running = accepting(hello(), Limits::default()).await;
    let many = "x-many: 1\r\n".repeat(200);
    let large = format!("x-large: {}\r\n", "x".repeat(40 << 10));
    for headers in [many, large] {
        let mut connection = Connection::open(running.address).await;
        let head = format!("GET / HTTP/1.1\r\nhost: localhost\r\n{headers}\r\n");
        connection.write(head.as_bytes()).await;
        let answer = String::from_utf8(connection.rest().await).unwrap();
        assert!(answer.starts_with("HTTP/1.1 431 "), "{answer}");
    }
}

#[tokio::test]
async fn what_is_no_http_is_refused_and_closed() {
    let running = accepting(hello(), Limits::default()).await;
    for bytes in [
        &b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"[..],
        b"SSH-2.0-OpenSSH\r\n\r\n",
        b"GET /\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    ] {
        let mut connection = Connection::open(running.address).await;
        connection.write(bytes).await;
        let answer = String::from_utf8_lossy(&connection.rest().await).into_owned();
        assert!(!answer.contains("200 OK"), "{answer}");
    }
}

#[tokio::test]
async fn a_request_in_two_readings_is_refused() {
    let server = Setup::new(tools()).start().await;
    for headers in [
        "content-length: 5\r\ntransfer-encoding: chunked",
        "content-length: 5\r\ncontent-length: 6",
        "transfer-encoding: chunked, identity",
        "content-length: +5",
    ] {
        let head = format!(
            "POST /mcp HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\ncontent-type: application/json\r\n{headers}\r\n\r\n"
        );
        let mut connection = Connection::open(server.address).await;
        connection.write(head.as_bytes()).await;
        connection
            .write(b"0\r\n\r\nGET /healthz HTTP/1.1\r\nhost: localhost\r\n\r\n")
            .await;
        let answer = String::from_utf8_lossy(&connection.rest().await).into_owned();
        assert!(answer.starts_with("HTTP/1.1 400 "), "{headers}: {answer}");
        assert!(
            !answer.contains("{\"ok\": true}"),
            "a second request was smuggled in: {answer}"
        );
    }
}

#[tokio::test]
async fn one_connection_more_than_the_limit_waits_for_its_turn() {
    let limits = Limits {
        connections: 1,
        ..Limits::default()
    };
    let running = accepting(hello(), limits).await;
    let mut first = Connection::open(running.address).await;
    greeted(&mut first).await;
    let mut second = Connection::open(running.address).await;
    second.write(HELLO).await;
    for _ in 0..20 {
        greeted(&mut first).await;
        assert!(second.is_silent());
    }
    drop(first);
    let answer = String::from_utf8(second.some().await).unwrap();
    assert!(answer.ends_with("hello"), "{answer}");
}

#[tokio::test]
async fn where_all_places_are_taken_idle_connections_make_room_and_busy_ones_stay() {
    let gate = CancellationToken::new();
    let (routes, mut begun) = gated(&gate);
    let limits = Limits {
        connections: 70,
        // Nobody is closed for being idle alone.
        head: Duration::from_mins(10),
        ..Limits::default()
    };
    let running = accepting(routes, limits).await;
    let mut busy = Connection::open(running.address).await;
    busy.write(GATED).await;
    soon(begun.recv()).await.unwrap();
    let mut idle = Vec::new();
    for _ in 1..70 {
        let mut connection = Connection::open(running.address).await;
        greeted(&mut connection).await;
        idle.push(connection);
    }
    let mut late = Connection::open(running.address).await;
    late.write(HELLO).await;
    let answer = String::from_utf8(late.some().await).unwrap();
    assert!(answer.ends_with("hello"), "{answer}");
    assert!(idle[0].rest().await.is_empty());
    gate.cancel();
    let answer = String::from_utf8(busy.some().await).unwrap();
    assert!(answer.ends_with("at last"), "{answer}");
}

#[tokio::test]
async fn a_graceful_stop_lets_a_request_finish() {
    let gate = CancellationToken::new();
    let (routes, mut begun) = gated(&gate);
    let running = accepting(routes, Limits::default()).await;
    let mut busy = Connection::open(running.address).await;
    busy.write(GATED).await;
    soon(begun.recv()).await.unwrap();
    let mut idle = Connection::open(running.address).await;
    greeted(&mut idle).await;
    running.stop.cancel();
    // One that asks for nothing is closed at once.
    assert!(idle.rest().await.is_empty());
    assert!(!running.ended.is_finished());
    gate.cancel();
    let answer = String::from_utf8(busy.rest().await).unwrap();
    assert!(
        answer.starts_with("HTTP/1.1 200 ") && answer.ends_with("at last"),
        "{answer}"
    );
    soon(running.ended).await.unwrap();
}

/// P18: whoever balances cannot know of a stop before it happens, and must not be cut off by it.
#[tokio::test]
async fn a_server_that_takes_its_leave_answers_whoever_still_comes() {
    let limits = Limits {
        linger: Duration::from_secs(30),
        ..Limits::default()
    };
    let gate = CancellationToken::new();
    let (routes, mut begun) = gated(&gate);
    let running = accepting(routes, limits).await;
    let mut known = Connection::open(running.address).await;
    greeted(&mut known).await;
    let mut busy = Connection::open(running.address).await;
    busy.write(GATED).await;
    soon(begun.recv()).await.unwrap();
    running.stop.cancel();
    // One that comes late is asked to go with its answer, and so is one that was there before.
    soon(async {
        loop {
            let mut late = Connection::open(running.address).await;
            late.write(HELLO).await;
            let answer = String::from_utf8(late.some().await).unwrap();
            assert!(answer.ends_with("hello"), "{answer}");
            if answer.contains("connection: close\r\n") {
                assert!(late.rest().await.is_empty());
                return;
            }
        }
    })
    .await;
    known.write(HELLO).await;
    let answer = String::from_utf8(known.rest().await).unwrap();
    assert!(answer.contains("connection: close\r\n"), "{answer}");
    assert!(answer.ends_with("hello"), "{answer}");
    // So is one that had asked before the stop.
    gate.cancel();
    let answer = String::from_utf8(busy.rest().await).unwrap();
    assert!(answer.contains("connection: close\r\n"), "{answer}");
    assert!(answer.ends_with("at last"), "{answer}");
    running.hurry.cancel();
    soon(running.ended).await.unwrap();
}

#[tokio::test]
async fn who_has_knocked_when_the_door_closes_is_answered() {
    let limits = Limits {
        linger: Duration::from_millis(1),
        ..Limits::default()
    };
    // Alone on its thread, it lets nobody in while this test does not wait.
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (stop, hurry) = (CancellationToken::new(), CancellationToken::new());
    let entrance = Entrance::new(Guard::new(), hello());
    let serve = accept::serve(listener, entrance, limits, stop.clone(), hurry);
    let knocked: Vec<_> = (0..16)
        .map(|_| {
            let mut client = std::net::TcpStream::connect(address).unwrap();
            std::io::Write::write_all(&mut client, HELLO).unwrap();
            client
        })
        .collect();
    stop.cancel();
    soon(serve).await;
    for mut client in knocked {
        let mut answer = String::new();
        std::io::Read::read_to_string(&mut client, &mut answer).unwrap();
        assert!(answer.ends_with("hello"), "{answer}");
    }
}

#[tokio::test]
async fn a_stop_does_not_wait_longer_than_the_drain_time() {
    let gate = CancellationToken::new();
    let (routes, mut begun) = gated(&gate);
    let limits = Limits {
        drain: Duration::from_millis(50),
        ..Limits::default()
    };
    let running = accepting(routes, limits).await;
    let mut busy = Connection::open(running.address).await;
    busy.write(GATED).await;
    soon(begun.recv()).await.unwrap();
    running.stop.cancel();
    soon(running.ended).await.unwrap();
}

#[tokio::test]
async fn a_stop_that_is_told_to_hurry_does_not_wait() {
    let gate = CancellationToken::new();
    let (routes, mut begun) = gated(&gate);
    let running = accepting(routes, Limits::default()).await;
    let mut busy = Connection::open(running.address).await;
    busy.write(GATED).await;
    soon(begun.recv()).await.unwrap();
    running.stop.cancel();
    running.hurry.cancel();
    soon(running.ended).await.unwrap();
}

#[tokio::test]
async fn a_call_that_runs_when_the_server_stops_is_answered() {
    let gate = CancellationToken::new();
    let (says, mut begun) = mpsc::unbounded_channel();
    let opened = gate.clone();
    let declaration = ToolDeclaration::new("slow", "Answer when the test says so.");
    let slow = Tool::dynamic(declaration, move |_, _| {
        let (says, opened) = (says.clone(), opened.clone());
        async move {
            says.send(()).unwrap();
            opened.cancelled().await;
            Ok(ToolOutput::structured(json!({"done": true})))
        }
    });
    let server = Setup::new(tools().add_tool(slow)).start().await;
    let call = tokio::spawn(server.tool("slow", json!({})).send());
    soon(begun.recv()).await.unwrap();
    let address = server.address;
    let stop = tokio::spawn(server.stop());
    // The stop has begun when nobody is let in any more.
    soon(async {
        while tokio::net::TcpStream::connect(address).await.is_ok() {
            pace().await;
        }
    })
    .await;
    gate.cancel();
    let answer = soon(call).await.unwrap();
    assert_eq!(answer.structured(), json!({"done": true}));
    soon(stop).await.unwrap();
}

#[tokio::test]
async fn a_client_that_reads_nothing_is_disconnected() {
    let large = || async { vec![0_u8; 64 << 20] };
    let limits = Limits {
        unread: Duration::from_millis(200),
        ..Limits::default()
    };
    let accepting = accepting(Router::new().route("/", get(large)), limits).await;
    let mut client = Connection::open(accepting.address).await;
    client.write(HELLO).await;
    // The server's own end comes only when it has given the connection up.
    accepting.stop.cancel();
    soon(accepting.ended).await.unwrap();
    drop(client);
}
