//! P17 at the edge: the database is away, and comes back.

use std::{
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};

use farcall_acceptance::{
    Gate, Launch, Server,
    fixture::{GATES, STAGES},
    scratch,
    wait::until,
};
use farcall_testpg::{Cluster, Durability, PASSWORD};
use reqwest::header::HeaderMap;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::peer::{PYTHONS, Peer};

/// What a caller is told in the meantime.
const SENTENCE: &str = "the job store does not answer at the moment; try again in 5 seconds";

/// How long it may take until somebody is told for the first time.
const FIRST: Duration = Duration::from_secs(20);

/// And once the server knows: nobody waits five seconds for a connection.
const LATER: Duration = Duration::from_millis(4_500);

/// What none of its errors may show.
const INSIDE: [&str; 8] = [
    PASSWORD,
    "postgres",
    "sqlx",
    "SELECT",
    "pool",
    "127.0.0.1",
    "/tmp",
    "panicked",
];

const MODERN: &str = "2026-07-28";
const VERSIONS: [&str; 2] = [MODERN, "2025-11-25"];

/// A server whose jobs are in a database that can be stopped.
struct Rig {
    cluster: Arc<Cluster>,
    folder: TempDir,
    server: Server,
    http: reqwest::Client,
}

/// An answer over HTTP.
struct Answer {
    status: u16,
    headers: HeaderMap,
    json: Value,
    took: Duration,
}

impl Rig {
    async fn new() -> Self {
        let cluster = Arc::new(Cluster::start(Durability::Disk));
        let folder = scratch(env!("CARGO_TARGET_TMPDIR"));
        let gates = folder.path().join("gates");
        std::fs::create_dir(&gates).unwrap();
        let binary = Path::new(env!("CARGO_BIN_EXE_crash-server"));
        let server = Launch::of(binary, folder.path())
            .env(GATES, gates)
            .env(
                "FARCALL_DATABASE_URL",
                cluster.tcp_url(cluster.server(), "postgres"),
            )
            .start()
            .await;
        Self {
            cluster,
            folder,
            server,
            http: reqwest::Client::builder().no_proxy().build().unwrap(),
        }
    }

    fn gate(&self, stage: &str) -> Gate {
        Gate::close(&self.folder.path().join("gates"), stage)
    }

    async fn get(&self, path: &str) -> Answer {
        let url = format!("{}{path}", self.server.origin());
        answer(self.http.get(url)).await
    }

    async fn post(&self, version: &str, method: &str, mut params: Value) -> Answer {
        let mut request = self
            .http
            .post(self.server.url())
            .header("accept", "application/json, text/event-stream")
            .header("mcp-protocol-version", version);
        if version == MODERN {
            let prefix = "io.modelcontextprotocol";
            params["_meta"] = json!({
                format!("{prefix}/protocolVersion"): version,
                format!("{prefix}/clientInfo"): {"name": "acceptance", "version": "1"},
                format!("{prefix}/clientCapabilities"): {},
            });
            if method.starts_with("tasks/")
                || method == "subscriptions/listen"
                || params["task"] == true
            {
                params.as_object_mut().unwrap().remove("task");
                params["_meta"][format!("{prefix}/clientCapabilities")] =
                    json!({"extensions": {format!("{prefix}/tasks"): {}}});
            }
            request = request.header("mcp-method", method);
            let name = [&params["name"], &params["taskId"]]
                .into_iter()
                .find_map(Value::as_str);
            if let Some(name) = name {
                request = request.header("mcp-name", name);
            }
        }
        let message = json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params});
        answer(request.json(&message)).await
    }

    async fn call(&self, version: &str, tool: &str, arguments: Value) -> Answer {
        let params = json!({"name": tool, "arguments": arguments});
        self.post(version, "tools/call", params).await
    }
}

async fn answer(request: reqwest::RequestBuilder) -> Answer {
    let began = Instant::now();
    let response = request.send().await.unwrap();
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    let text = response.text().await.unwrap();
    let text = text.strip_prefix(": still working\n\n").unwrap_or(&text);
    let json = text
        .trim()
        .trim_start_matches("event: message\n")
        .trim_start_matches("data: ");
    Answer {
        status,
        headers,
        json: serde_json::from_str(json).unwrap_or_else(|error| panic!("{error}: {text}")),
        took: began.elapsed(),
    }
}

impl Answer {
    fn shows_nothing(&self, what: &str) {
        let mut json = self.json.clone();
        // Only for operators, and that is everybody where nobody has to say who they are.
        json.as_object_mut().unwrap().remove("cause");
        let (shown, all) = (json.to_string(), self.json.to_string());
        for inside in INSIDE {
            assert!(!shown.contains(inside), "{what}: {shown}");
        }
        assert!(!all.contains(PASSWORD), "{what}: {all}");
    }

    /// Sees that it says that the store is away, as the answer of a tool.
    fn is_tool_error(&self, what: &str) {
        self.shows_nothing(what);
        assert_eq!(self.status, 200, "{what}: {}", self.json);
        let result = &self.json["result"];
        assert_eq!(result["isError"], true, "{what}: {}", self.json);
        let text: Value =
            serde_json::from_str(result["content"][0]["text"].as_str().unwrap()).unwrap();
        let expected = json!({"error": SENTENCE, "error_code": "internal", "retry_after_ms": 5000});
        assert_eq!(text, expected, "{what}");
    }

    /// The same as an error of the protocol.
    fn is_protocol_error(&self, what: &str) {
        self.shows_nothing(what);
        let error = json!({"code": -32_603, "message": SENTENCE, "data": {"retry_after_ms": 5000}});
        assert_eq!((self.status, &self.json["error"]), (200, &error), "{what}");
    }

    /// The same off `/mcp`.
    fn is_unavailable(&self, what: &str) {
        self.shows_nothing(what);
        assert_eq!(self.status, 503, "{what}: {}", self.json);
        assert!(
            self.json["error"]
                .as_str()
                .is_some_and(|error| error.len() > 8),
            "{what}"
        );
        let pause = self.headers["retry-after"].to_str().unwrap();
        assert!(
            (1..=10).contains(&pause.parse::<u32>().unwrap()),
            "{what}: {pause}"
        );
    }
}

#[tokio::test]
async fn while_the_database_is_away_callers_are_told_and_the_rest_goes_on() {
    let rig = Rig::new().await;
    let client = rig.server.client();
    let started = async || {
        let started = client.call("start_assemble", json!({})).await;
        started["job_id"].as_str().unwrap().to_owned()
    };
    let finished = started().await;
    client.follow("get_assemble_status", &finished).await;
    let gate = rig.gate(STAGES[1]);
    let held_job = started().await;
    let held = gate.reached().await;
    rig.cluster.stop();

    let everybody_is_told = async |limit: Duration| {
        let id = json!({"job_id": held_job});
        let task = json!({"taskId": held_job, "inputResponses": {}});
        for version in VERSIONS {
            let (status, result, start, cancel) = tokio::join!(
                rig.call(version, "get_assemble_status", id.clone()),
                rig.call(version, "get_assemble_result", id.clone()),
                rig.call(version, "start_assemble", json!({})),
                rig.call(version, "cancel_assemble", id.clone()),
            );
            for (what, answer) in [
                ("status", status),
                ("result", result),
                ("start", start),
                ("cancel", cancel),
            ] {
                answer.is_tool_error(&format!("{version} {what}"));
                assert!(answer.took < limit, "{version} {what}: {:?}", answer.took);
            }
        }
        let (get, update, cancel, listen) = tokio::join!(
            rig.post(MODERN, "tasks/get", task.clone()),
            rig.post(MODERN, "tasks/update", task.clone()),
            rig.post(MODERN, "tasks/cancel", task.clone()),
            rig.post(
                MODERN,
                "subscriptions/listen",
                json!({"notifications": {"taskIds": [held_job]}})
            ),
        );
        for (what, answer) in [
            ("get", get),
            ("update", update),
            ("cancel", cancel),
            ("listen", listen),
        ] {
            answer.is_protocol_error(what);
            assert!(answer.took < limit, "{what}: {:?}", answer.took);
        }
        let begin = json!({"name": "assemble", "arguments": {}, "task": true});
        rig.post(MODERN, "tools/call", begin)
            .await
            .is_tool_error("a task that starts");
        let path = format!("/files/{finished}");
        let (file, ready) = tokio::join!(rig.get(&path), rig.get("/readyz"));
        file.is_unavailable("file");
        ready.is_unavailable("ready");
        assert_eq!(ready.json["failing"], "store");
    };
    everybody_is_told(FIRST).await;
    // Nobody waits long for what is known.
    everybody_is_told(LATER).await;

    for version in VERSIONS {
        // What needs no database is as quick as ever, though the machine may be slow once.
        let mut quickest = Duration::MAX;
        for _ in 0..3 {
            let listed = rig.post(version, "tools/list", json!({})).await;
            assert!(listed.json["result"]["tools"].is_array(), "{}", listed.json);
            let greeted = rig.call(version, "greet", json!({})).await;
            assert_ne!(greeted.json["result"]["isError"], true, "{}", greeted.json);
            quickest = quickest.min(listed.took.max(greeted.took));
        }
        assert!(quickest < Duration::from_secs(1), "{quickest:?}");
    }
    assert_eq!(rig.get("/healthz").await.json, json!({"ok": true}));

    rig.cluster.start_again();
    until("a server that is ready again", async || {
        (rig.get("/readyz").await.status == 200).then_some(())
    })
    .await;
    drop((gate, held));
    for id in [&held_job, &started().await] {
        let seen = client.follow("get_assemble_status", id).await;
        let last = seen.last().unwrap();
        assert_eq!(last["state"], "succeeded", "{last}");
    }
    let file = format!("{}/files/{finished}", rig.server.origin());
    assert!(!client.download(&file).await.is_empty());
    let talk = rig.server.talk();
    assert!(
        !talk.contains("panicked") && !talk.contains(PASSWORD),
        "{talk}"
    );
    rig.server.stop().await;
}

#[tokio::test]
async fn both_python_sdks_hear_the_sentence_and_keep_their_session() {
    let rig = Rig::new().await;
    rig.cluster.stop();
    for python in &PYTHONS {
        let seen = Peer::python(python, "acceptance/clients/outage_client.py")
            .argument(rig.server.url())
            .arguments(&["start_assemble", "greet"])
            .json(python.name)
            .await;
        let said: Value = serde_json::from_str(seen["text"].as_str().unwrap()).unwrap();
        assert_eq!(said["error"], SENTENCE, "{}", python.name);
        let verdicts = (&seen["failed"], &seen["other_failed"]);
        assert_eq!(verdicts, (&json!(true), &json!(false)), "{}", python.name);
    }
    rig.cluster.start_again();
    rig.server.stop().await;
}

/// Whoever comes while it is away waits for it; only who meets a connection that broke in this very
/// second is told.
#[tokio::test]
async fn a_restart_of_the_database_that_is_over_soon_is_hardly_noticed() {
    let rig = Rig::new().await;
    let client = rig.server.client();
    let started = client.call("start_assemble", json!({})).await;
    let id = started["job_id"].as_str().unwrap().to_owned();
    client.follow("get_assemble_status", &id).await;
    rig.cluster.stop();
    let cluster = Arc::clone(&rig.cluster);
    let back = tokio::task::spawn_blocking(move || cluster.start_again());
    let polled = until("an answer from the database", async || {
        let poll = json!({"job_id": id});
        let polled = rig.call(MODERN, "get_assemble_status", poll).await.json;
        let content = &polled["result"]["structuredContent"];
        content.is_object().then(|| content.clone())
    });
    let (polled, back) = tokio::join!(polled, back);
    back.unwrap();
    assert_eq!(polled["state"], "succeeded", "{polled}");
    rig.server.stop().await;
}
