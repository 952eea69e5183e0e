//! Callers that go without a word, a thousand times.

use std::{fmt::Write, fs, net::SocketAddr};

use farcall_acceptance::{Server, fixture::STAGES, wait::until};
use serde_json::{Value, json};
use tokio::{io::AsyncWriteExt, net::TcpStream};

use crate::rig::{Rig, check_success, order, started};

/// How many go, after as many as it takes for the server to have what it keeps.
const MANY: usize = 1_000;

/// How many are there at the same time.
const AT_ONCE: usize = 50;

/// Connections of those who stay, and what was opened meanwhile: files of jobs, and the database
/// once more for each of its readers.
const FEW: usize = 40;

/// What a process that keeps nothing of them may hold more afterwards than before.
const MORE_KIB: u64 = 16 << 10;

/// P3: they take no job along, and leave neither sockets nor memory behind.
#[tokio::test]
async fn a_thousand_callers_that_go_leave_nothing_behind() {
    let rig = Rig::new();
    let gate = rig.gate(STAGES[0]);
    let server = rig.start().await;
    let id = started(&server).await;
    let held = gate.reached().await;

    let descriptors = open(&server);
    let all_closed = async || {
        until("the sockets of those who have gone", async || {
            (open(&server) <= descriptors + FEW).then_some(())
        })
        .await;
    };
    leave(&server, &id, MANY / 5).await;
    all_closed().await;
    let before = memory(&server);
    leave(&server, &id, MANY).await;
    all_closed().await;
    let more = memory(&server).saturating_sub(before);
    assert!(more < MORE_KIB, "{more} KiB more than {before} KiB");

    drop((gate, held));
    check_success(&server, &id).await;
    check_success(&server, &started(&server).await).await;
    server.stop().await;
    rig.data().check_tidy().await;
}

/// Calls that wait for the job `id`, cut off in their middle.
async fn leave(server: &Server, id: &str, count: usize) {
    let address: SocketAddr = server.origin()["http://".len()..].parse().unwrap();
    for batch in 0..count / AT_ONCE {
        let mut connections = Vec::new();
        for number in 0..AT_ONCE {
            let mut connection = TcpStream::connect(address).await.unwrap();
            let request = request(batch + number, id);
            connection.write_all(&request).await.unwrap();
            connections.push(connection);
        }
        // So that most of them have arrived.
        let poll = json!({"job_id": id, "wait_s": 0.1});
        server.client().call("get_assemble_status", poll).await;
        for (number, connection) in connections.into_iter().enumerate() {
            if number % 2 == 0 {
                connection.set_zero_linger().unwrap();
            }
        }
    }
}

/// One of the ways to wait for a job, as clients of both eras ask.
fn request(number: usize, id: &str) -> Vec<u8> {
    const PREFIX: &str = "io.modelcontextprotocol";
    let is_modern = number.is_multiple_of(2);
    let version = if is_modern {
        "2026-07-28"
    } else {
        "2025-11-25"
    };
    let call = |tool: &str, arguments: Value| {
        let meta = json!({"progressToken": number});
        let params = json!({"name": tool, "arguments": arguments, "_meta": meta});
        ("tools/call", params)
    };
    let mut direct = order();
    direct["idempotency_key"] = "one-job".into();
    let (method, mut params) = match number % 3 {
        0 => call("get_assemble_status", json!({"job_id": id, "wait_s": 20})),
        1 => call("assemble", direct),
        _ if is_modern => (
            "subscriptions/listen",
            json!({"notifications": {"taskIds": [id]}, "_meta": {}}),
        ),
        _ => call("start_assemble", direct),
    };
    let mut head = format!(
        "POST /mcp HTTP/1.1\r\nhost: localhost\r\naccept: application/json, text/event-stream\r\n\
         content-type: application/json\r\nmcp-protocol-version: {version}\r\n"
    );
    if is_modern {
        let tasks = json!({"extensions": {format!("{PREFIX}/tasks"): {}}});
        let declared = if method == "tools/call" {
            json!({})
        } else {
            tasks
        };
        params["_meta"][format!("{PREFIX}/protocolVersion")] = version.into();
        params["_meta"][format!("{PREFIX}/clientInfo")] = json!({"name": "x", "version": "1"});
        params["_meta"][format!("{PREFIX}/clientCapabilities")] = declared;
        write!(head, "mcp-method: {method}\r\n").unwrap();
        if let Some(name) = params["name"].as_str() {
            write!(head, "mcp-name: {name}\r\n").unwrap();
        }
    }
    let body = json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params}).to_string();
    format!("{head}content-length: {}\r\n\r\n{body}", body.len()).into_bytes()
}

/// How many descriptors the server has open.
fn open(server: &Server) -> usize {
    let open = fs::read_dir(format!("/proc/{}/fd", server.process_id()));
    open.unwrap().count()
}

/// What the server holds in memory, in KiB.
fn memory(server: &Server) -> u64 {
    let status = fs::read_to_string(format!("/proc/{}/status", server.process_id())).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib = line.unwrap().trim().trim_end_matches(" kB");
    kib.parse().unwrap()
}
