//! Two servers on one database: what happens at one is told at the other.

use std::{path::Path, time::Duration};

use farcall_acceptance::{
    Gate, Launch, Server,
    fixture::{GATES, STAGES},
    scratch,
    wait::until,
};
use farcall_testpg::{Cluster, Durability};
use serde_json::{Value, json};
use sqlx::{Connection, PgConnection};

/// How long a stream may say nothing.
const PATIENCE: Duration = Duration::from_mins(1);

/// The statuses of tasks that a stream tells, and whether it ended in order.
struct Stream {
    response: reqwest::Response,
    unread: String,
}

impl Stream {
    async fn about(server: &Server, ids: &[String]) -> Self {
        const PREFIX: &str = "io.modelcontextprotocol";
        let params = json!({
            "notifications": {"taskIds": ids},
            "_meta": {
                format!("{PREFIX}/protocolVersion"): "2026-07-28",
                format!("{PREFIX}/clientInfo"): {"name": "acceptance", "version": "1"},
                format!("{PREFIX}/clientCapabilities"): {"extensions": {format!("{PREFIX}/tasks"): {}}},
            },
        });
        let method = "subscriptions/listen";
        let message = json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params});
        let request = reqwest::Client::new()
            .post(server.url())
            .header("accept", "text/event-stream")
            .header("mcp-protocol-version", "2026-07-28")
            .header("mcp-method", method)
            .json(&message);
        let mut stream = Self {
            response: request.send().await.unwrap(),
            unread: String::new(),
        };
        let first = stream.next().await.unwrap();
        assert_eq!(
            first["params"]["notifications"]["taskIds"],
            json!(ids),
            "{first}"
        );
        stream
    }

    async fn next(&mut self) -> Option<Value> {
        loop {
            if let Some((event, rest)) = self.unread.split_once("\n\n") {
                let (event, rest) = (event.to_owned(), rest.to_owned());
                self.unread = rest;
                if let Some(data) = event.strip_prefix("data: ") {
                    return Some(serde_json::from_str(data).unwrap());
                }
                continue;
            }
            let chunk = tokio::time::timeout(PATIENCE, self.response.chunk()).await;
            let chunk = chunk.expect("the stream says nothing").unwrap()?;
            self.unread.push_str(std::str::from_utf8(&chunk).unwrap());
        }
    }
}

async fn running_at(cluster: &Cluster) -> i64 {
    const WORKERS: &str = "SELECT count(DISTINCT worker) FROM jobs WHERE state = 'running'";
    let mut connection = PgConnection::connect(&cluster.url("postgres"))
        .await
        .unwrap();
    let workers = sqlx::query_scalar(WORKERS).fetch_one(&mut connection).await;
    connection.close().await.unwrap();
    workers.unwrap()
}

#[tokio::test]
async fn tasks_tell_of_themselves_wherever_they_run() {
    let cluster = Cluster::start(Durability::None);
    let folder = scratch(env!("CARGO_TARGET_TMPDIR"));
    let gates = folder.path().join("gates");
    std::fs::create_dir(&gates).unwrap();
    let launch = |name: &str| {
        let binary = Path::new(env!("CARGO_BIN_EXE_crash-server"));
        let own = folder.path().join(name);
        std::fs::create_dir(&own).unwrap();
        Launch::of(binary, &own)
            .env(GATES, &gates)
            .env("FARCALL_DATABASE_URL", cluster.url("postgres"))
            .env("FARCALL_CONCURRENCY", "1")
    };
    let servers = [launch("one").start().await, launch("other").start().await];
    let gate = Gate::close(&gates, STAGES[1]);
    let mut ids = Vec::new();
    for _ in 0..2 {
        let started = servers[0].client().call("start_assemble", json!({})).await;
        ids.push(started["job_id"].as_str().unwrap().to_owned());
    }
    // Each server has room for one.
    until("a job at each server", async || {
        (running_at(&cluster).await == 2).then_some(())
    })
    .await;
    let mut streams = Vec::new();
    for server in &servers {
        streams.push(Stream::about(server, &ids).await);
    }
    let held = gate.reached().await;
    drop((gate, held));
    for stream in &mut streams {
        let mut completed = Vec::new();
        let last = loop {
            let message = stream.next().await.expect("it broke off");
            if message["method"] != "notifications/tasks" {
                break message;
            }
            let task = &message["params"];
            if task["status"] == "completed" {
                assert_eq!(task["result"]["structuredContent"]["ready"], true, "{task}");
                completed.push(task["taskId"].as_str().unwrap().to_owned());
            }
        };
        completed.sort_unstable();
        let mut expected = ids.clone();
        expected.sort_unstable();
        assert_eq!(completed, expected);
        assert_eq!(last["result"]["resultType"], "complete", "{last}");
    }
    for server in servers {
        server.stop().await;
    }
}
