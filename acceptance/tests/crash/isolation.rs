//! `isolation = "process"`: what ends a process ends a stage, and nothing else.

use std::{fs, path::PathBuf};

use farcall_acceptance::{
    Launch, McpClient, Server,
    oven::{HEAT_LOG, PLACE, SAUCE},
    scratch,
    wait::until,
};
use reqwest::header::{HeaderMap, HeaderValue};
use serde_json::{Value, json};
use tempfile::TempDir;

/// A server with an oven.
struct Kitchen {
    folder: TempDir,
    server: Server,
    client: McpClient,
}

impl Kitchen {
    async fn open() -> Self {
        Self::within(scratch(env!("CARGO_TARGET_TMPDIR"))).await
    }

    async fn within(folder: TempDir) -> Self {
        let bakery = PathBuf::from(env!("CARGO_BIN_EXE_bakery"));
        let launch = Launch::of(&bakery, folder.path())
            .env("BAKERY_OFFERS", "roast,melt")
            .env("FARCALL_CONCURRENCY", "8")
            // Where the server itself stands is no business of its stages.
            .env(
                PLACE,
                "00-ffffffffffffffffffffffffffffffff-ffffffffffffffff-01",
            )
            .env(HEAT_LOG, folder.path().join("stages"));
        let server = launch.start().await;
        Self {
            client: server.client(),
            server,
            folder,
        }
    }

    /// Waits until its log has `told`.
    async fn tells(&self, told: &str) {
        let talk = || self.server.talk();
        until(told, async || talk().contains(told).then_some(())).await;
    }

    async fn order(&self, job: &str, fate: &str) -> String {
        let started = self
            .client
            .call(&format!("start_{job}"), json!({"fate": fate}))
            .await;
        started["job_id"].as_str().unwrap().to_owned()
    }

    /// The last status of a job.
    async fn end(&self, job: &str, id: &str) -> Value {
        let tool = format!("get_{job}_status");
        let mut seen = self.client.follow(&tool, id).await;
        seen.pop().unwrap()
    }

    /// Has a dish roasted as a task, and returns its id.
    async fn order_as_task(&self, fate: &str) -> String {
        let call = json!({"name": "roast", "arguments": {"fate": fate}});
        let handle = self.asked("tools/call", "roast", call).await;
        handle["taskId"].as_str().unwrap().to_owned()
    }

    /// The first state of a task that `is_it`.
    async fn task_when(&self, id: &str, is_it: impl Fn(&Value) -> bool) -> Value {
        until("a state of a task", async || {
            let task = self.asked("tasks/get", id, json!({"taskId": id})).await;
            is_it(&task).then_some(task)
        })
        .await
    }

    /// The result of a request of a client that knows tasks and can be asked.
    async fn asked(&self, method: &str, name: &str, params: Value) -> Value {
        let answer = self.client.try_request(method, name, params).await.unwrap();
        assert!(answer["result"].is_object(), "{answer}");
        answer["result"].clone()
    }

    async fn failed(&self, job: &str, fate: &str) -> (String, String) {
        let id = self.order(job, fate).await;
        let end = self.end(job, &id).await;
        assert_eq!(end["state"], "failed", "{fate}: {end}");
        let text = |field: &str| end[field].as_str().unwrap().to_owned();
        (text("error"), text("error_code"))
    }

    /// The stages that have begun, each with its process.
    fn stages(&self) -> Vec<(String, u32)> {
        let text = fs::read_to_string(self.folder.path().join("stages")).unwrap_or_default();
        let stage = |line: &str| {
            let (stage, process) = line.rsplit_once(' ').unwrap();
            (stage.to_owned(), process.parse().unwrap())
        };
        text.lines().map(stage).collect()
    }

    /// The process of the stage that waits.
    async fn roasting(&self) -> u32 {
        let what = "a stage that has begun";
        until(what, async || {
            let stages = self.stages();
            let stage = stages.into_iter().find(|(stage, _)| stage == "roasting 0");
            stage.map(|(_, process)| process)
        })
        .await
    }
}

fn is_there(process: u32) -> bool {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
    let state = stat
        .rsplit_once(')')
        .map_or("", |(_, rest)| rest.trim_start());
    !state.is_empty() && !state.starts_with(['Z', 'X'])
}

async fn gone(process: u32) {
    until("the end of a stage", async || {
        (!is_there(process)).then_some(())
    })
    .await;
}

#[tokio::test]
async fn what_a_stage_does_is_done_by_the_server() {
    let kitchen = Kitchen::open().await;
    let id = kitchen.order("roast", "done").await;
    let end = kitchen.end("roast", &id).await;
    assert_eq!(
        (&end["state"], &end["stage"]),
        (&json!("succeeded"), &json!(3)),
        "{end}"
    );
    let job = json!({"job_id": id});
    let result = kitchen.client.call("get_roast_result", job.clone()).await;
    let by = |stage: &str| u32::try_from(result["result"][stage].as_u64().unwrap()).unwrap();
    let (heated_by, roasted_by) = (by("heated_by"), by("roasted_by"));
    let server = kitchen.server.process_id();
    assert!(heated_by != roasted_by && heated_by != server && roasted_by != server);
    assert!(!is_there(heated_by) && !is_there(roasted_by));
    let file = kitchen
        .client
        .download(result["url"].as_str().unwrap())
        .await;
    assert_eq!(file, b"a dish\n");
    let log = kitchen.client.call("get_roast_log", job).await;
    let lines = log["lines"].to_string();
    for line in ["it smells good", "it is nearly done"] {
        assert!(lines.contains(line), "{lines}");
    }
    kitchen.server.stop().await;
}

#[tokio::test]
async fn a_stage_stands_in_the_trace_of_whoever_started_its_job() {
    const THERE: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    let mut kitchen = Kitchen::open().await;
    for place in [Some(THERE), None] {
        let mut headers = HeaderMap::new();
        if let Some(place) = place {
            headers.insert("traceparent", HeaderValue::from_static(place));
        }
        let http = reqwest::Client::builder().default_headers(headers);
        kitchen.client = McpClient::sharing(http.build().unwrap(), kitchen.server.url());
        let id = kitchen.order("roast", "done").await;
        let end = kitchen.end("roast", &id).await;
        assert_eq!(end["state"], "succeeded", "{end}");
        let job = json!({"job_id": id});
        let result = kitchen.client.call("get_roast_result", job).await;
        let dish = &result["result"];
        assert_eq!(
            (&dish["told"], &dish["inherited"]),
            (&json!(place), &json!(place)),
            "{dish}"
        );
    }
    kitchen.server.stop().await;
}

/// The process of the stage waits for the answer, and gets it.
#[tokio::test]
async fn a_stage_asks_its_caller_and_goes_on_with_the_answer() {
    let kitchen = Kitchen::open().await;
    let id = kitchen.order_as_task("ask").await;
    let task = kitchen
        .task_when(&id, |task| task["status"] != "working")
        .await;
    assert_eq!(task["status"], "input_required", "{task}");
    let question = json!({"method": "elicitation/create", "params": {
        "mode": "form", "message": "Which sauce?",
        "requestedSchema": {"type": "object", "properties": {SAUCE: {"type": "string"}}, "required": [SAUCE]},
    }});
    assert_eq!(task["inputRequests"], json!({SAUCE: question}));
    let process = kitchen.roasting().await;
    assert!(is_there(process) && process != kitchen.server.process_id());

    let answer = json!({SAUCE: {"action": "accept", "content": {SAUCE: "mint"}}});
    let update = json!({"taskId": id, "inputResponses": answer});
    kitchen.asked("tasks/update", &id, update).await;
    let is_over =
        |task: &Value| !matches!(task["status"].as_str(), Some("working" | "input_required"));
    let task = kitchen.task_when(&id, is_over).await;
    assert_eq!(task["status"], "completed", "{task}");
    let dish = &task["result"]["structuredContent"]["result"];
    assert_eq!(
        (&dish["sauce"], &dish["roasted_by"]),
        (&json!("mint"), &json!(process)),
        "{task}"
    );
    let roasted = kitchen.stages().into_iter();
    let roasted = roasted.filter(|(stage, _)| stage.starts_with("roasting"));
    assert_eq!(roasted.count(), 1, "it did not begin again");
    kitchen.server.stop().await;
}

/// By its contract a job has nobody to ask, which is known in its process, too.
#[tokio::test]
async fn a_stage_that_would_have_to_ask_who_cannot_be_asked_says_so() {
    let kitchen = Kitchen::open().await;
    let (error, code) = kitchen.failed("roast", "ask").await;
    assert_eq!(code, "user_error");
    assert!(
        error.contains("which cannot be asked; start it from a client that knows tasks"),
        "{error}"
    );
    kitchen.server.stop().await;
}

#[tokio::test]
async fn errors_keep_apart_what_callers_read_and_what_the_log_gets() {
    let kitchen = Kitchen::open().await;
    let refused = kitchen.failed("roast", "refuse").await;
    let sentence = "nobody eats that; order something else";
    assert_eq!(refused, (sentence.to_owned(), "user_error".to_owned()));
    for fate in ["fail", "panic"] {
        let (error, code) = kitchen.failed("roast", fate).await;
        assert!(
            code == "internal" && !error.contains("secret"),
            "{fate}: {error}"
        );
    }
    // The second says where it panicked.
    for told in ["the secret recipe is wrong", "oven.rs:"] {
        kitchen.tells(told).await;
    }
    kitchen.server.stop().await;
}

/// P7 need not be asked for: a stage that aborts takes nobody along.
#[tokio::test]
async fn a_process_that_ends_badly_ends_its_job_alone() {
    let mut kitchen = Kitchen::open().await;
    let mut innocent = Vec::new();
    for _ in 0..6 {
        innocent.push(kitchen.order("roast", "done").await);
    }
    for (fate, cause) in [("abort", "Signalled(6)"), ("exit", "Exited(3)")] {
        let (error, code) = kitchen.failed("roast", fate).await;
        assert_eq!(code, "internal", "{error}");
        assert!(error.contains("the process of the stage ended"), "{error}");
        kitchen.tells(cause).await;
    }
    for id in &innocent {
        let end = kitchen.end("roast", id).await;
        assert_eq!(end["state"], "succeeded", "{end}");
    }
    let begun = kitchen.stages().into_iter();
    let heated = begun.filter(|(stage, _)| stage == "heating").count();
    assert_eq!(heated, innocent.len() + 2, "nothing ran again");
    assert!(kitchen.server.is_alive());
    kitchen.server.stop().await;
}

#[tokio::test]
async fn a_stage_that_takes_all_memory_ends_at_its_limit() {
    let mut kitchen = Kitchen::open().await;
    let beside = kitchen.order("melt", "done").await;
    let (error, code) = kitchen.failed("melt", "melt").await;
    assert_eq!(code, "internal");
    assert!(
        error.contains("needed more memory than its job may use"),
        "{error}"
    );
    assert_eq!(kitchen.end("melt", &beside).await["state"], "succeeded");
    assert!(kitchen.server.is_alive());
    kitchen.server.stop().await;
}

/// P10: in full, where the stage is a process.
#[tokio::test]
async fn a_loop_that_does_not_listen_is_killed_when_it_is_cancelled() {
    let kitchen = Kitchen::open().await;
    let id = kitchen.order("roast", "spin").await;
    let process = kitchen.roasting().await;
    assert!(is_there(process));
    kitchen
        .client
        .call("cancel_roast", json!({"job_id": id}))
        .await;
    let end = kitchen.end("roast", &id).await;
    assert_eq!(end["error_code"], "cancelled", "{end}");
    gone(process).await;
    // Its place is free again.
    let next = kitchen.order("roast", "done").await;
    assert_eq!(kitchen.end("roast", &next).await["state"], "succeeded");
    kitchen.server.stop().await;
}

/// P9 and P13.
#[tokio::test]
async fn a_killed_server_takes_its_stages_along_and_the_job_goes_on() {
    let kitchen = Kitchen::open().await;
    let id = kitchen.order("roast", "wait").await;
    let process = kitchen.roasting().await;
    until("the checkpoint of the stage", async || {
        let status = json!({"job_id": id});
        let status = kitchen.client.call("get_roast_status", status).await;
        // It comes after the checkpoint.
        (status["progress"] == 0.5).then_some(())
    })
    .await;
    let Kitchen { folder, server, .. } = kitchen;
    server.kill().await;
    gone(process).await;

    let kitchen = Kitchen::within(folder).await;
    let end = kitchen.end("roast", &id).await;
    assert_eq!(
        end["state"],
        "succeeded",
        "{end}\n{}",
        kitchen.server.talk()
    );
    let stages: Vec<_> = kitchen
        .stages()
        .into_iter()
        .map(|(stage, _)| stage)
        .collect();
    assert_eq!(stages, ["heating", "roasting 0", "roasting 1"]);
    kitchen.server.stop().await;
}
