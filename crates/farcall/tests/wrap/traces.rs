//! Where a caller stands in a trace, in everything that its call makes others do.

use std::{fs, os::unix::fs::PermissionsExt};

use serde_json::{Value, json};

use crate::harness::{Project, Server, message, until};

const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";
const PLACE: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

const TOML: &str = r#"
[tool.where]
description = "Say where this stands."
command = ["sh", "-c", "printenv TRACEPARENT || echo nowhere"]

[job.film]
description = "Make a film."
command = ["sh", "-c", "(printenv TRACEPARENT || echo nowhere) > trace.txt"]
artifacts = ["trace.txt"]

[mount.own]
command = ["python3", "traced.py"]
sandbox = "off"
jobs.slow = { artifacts = [] }
"#;

/// A server whose tools say what they were told of a trace: in their request, and in its environment.
const MOUNTED: &str = r#"
import json, os, sys

def answer(id, result):
    print(json.dumps({"jsonrpc": "2.0", "id": id, "result": result}), flush=True)

for line in sys.stdin:
    request = json.loads(line)
    id, method, params = request.get("id"), request.get("method"), request.get("params") or {}
    if method == "initialize":
        info = {"name": "traced", "version": "1"}
        answer(id, {"protocolVersion": "2025-11-25", "capabilities": {"tools": {}}, "serverInfo": info})
    elif method == "tools/list":
        schema = {"type": "object"}
        names = ["quick", "slow"]
        answer(id, {"tools": [{"name": n, "description": n, "inputSchema": schema} for n in names]})
    elif method == "tools/call":
        said = {"meta": params.get("_meta", {}).get("traceparent"), "env": os.environ.get("TRACEPARENT")}
        answer(id, {"content": [], "structuredContent": said})
    elif id is not None:
        answer(id, {})
"#;

fn project(toml: &str) -> Project {
    let project = Project::new(toml);
    fs::write(project.path("traced.py"), MOUNTED).unwrap();
    // Where the server itself stands is nobody's business.
    project.with(
        "TRACEPARENT",
        "00-ffffffffffffffffffffffffffffffff-ffffffffffffffff-01",
    )
}

/// What a tool answers to a caller that says this of itself.
async fn told(server: &Server, tool: &str, arguments: Value, meta: Value) -> Value {
    let params = json!({"name": tool, "arguments": arguments, "_meta": meta});
    let request = server.request("tools/call", tool, params);
    let message = message(&server.execute(request.build().unwrap()).await);
    assert_ne!(message["result"]["isError"], true, "{message}");
    message["result"].clone()
}

/// What a job leaves whose start says this.
async fn result(server: &Server, job: &str, meta: Value) -> Value {
    let started = told(server, &format!("start_{job}"), json!({}), meta).await;
    let id = started["structuredContent"]["job_id"].as_str().unwrap();
    server.result(job, id).await
}

#[tokio::test]
async fn programs_jobs_and_mounted_servers_stand_in_the_trace_of_their_caller() {
    let server = project(TOML).serve().await;
    for (meta, expected) in [
        (json!({"traceparent": PLACE}), PLACE),
        (json!({}), "nowhere"),
        (json!({"traceparent": "00-1-2-01"}), "nowhere"),
        (json!({"traceparent": format!("{PLACE}; id")}), "nowhere"),
        (json!({"traceparent": 7}), "nowhere"),
    ] {
        let tool = told(&server, "where", json!({}), meta.clone()).await;
        assert_eq!(
            tool["content"][0]["text"],
            format!("{expected}\n"),
            "{meta}"
        );
        let film = result(&server, "film", meta.clone()).await;
        let left = server.download(&film["url"]).await;
        assert_eq!(String::from_utf8(left).unwrap().trim(), expected, "{meta}");
        if expected == PLACE {
            let quick = told(&server, "quick", json!({}), meta.clone()).await;
            // All callers share the server of a tool; a job has one of its own.
            assert_eq!(
                quick["structuredContent"],
                json!({"meta": PLACE, "env": null})
            );
            let slow = result(&server, "slow", meta).await;
            assert_eq!(slow["result"], json!({"meta": PLACE, "env": PLACE}));
        }
    }
    server.stop().await;
}

#[tokio::test]
async fn a_client_of_http_may_say_it_in_the_head_and_what_mcp_says_goes_first() {
    const OTHER: &str = "00-11111111111111111111111111111111-2222222222222222-01";
    let server = project(TOML).serve().await;
    let ask = async |meta: Value, heads: &[&str]| {
        let params = json!({"name": "where", "arguments": {}, "_meta": meta});
        let mut request = server.request("tools/call", "where", params);
        for head in heads {
            request = request.header("traceparent", *head);
        }
        let body = request.send().await.unwrap().text().await.unwrap();
        let said = message(&body)["result"]["content"][0]["text"].clone();
        said.as_str().unwrap().trim().to_owned()
    };
    assert_eq!(ask(json!({}), &[PLACE]).await, PLACE);
    assert_eq!(ask(json!({"traceparent": OTHER}), &[PLACE]).await, OTHER);
    // Which of two counts must not be a matter of taste.
    assert_eq!(ask(json!({}), &[PLACE, OTHER]).await, "nowhere");
    assert_eq!(ask(json!({}), &["x"]).await, "nowhere");
    // What is none stands before no other, and is told to nobody.
    for none in [json!("x"), json!(7), json!(null)] {
        let meta = json!({"traceparent": none});
        assert_eq!(ask(meta.clone(), &[PLACE]).await, PLACE, "{none}");
        let quick = told(&server, "quick", json!({}), meta).await;
        assert_eq!(quick["structuredContent"]["meta"], json!(null), "{none}");
    }
    server.stop().await;
}

#[tokio::test]
async fn a_job_that_waited_for_a_server_still_stands_in_its_trace() {
    // It waits where it has not waited before, which the next attempt sees in the folder of the job.
    let waits = r#"test -e waited || (touch waited; echo '{{\"message\":\"it waits\"}}' >> $FARCALL_EVENTS; sleep 600); (printenv"#;
    let toml = TOML.replace("(printenv", waits);
    assert_ne!(toml, TOML);
    let project = project(&toml);
    let first = project.serve().await;
    let meta = json!({"traceparent": PLACE});
    let started = told(&first, "start_film", json!({}), meta).await;
    let id = started["structuredContent"]["job_id"]
        .as_str()
        .unwrap()
        .to_owned();
    first
        .status_when("film", &id, |status| {
            let message = status["message"].as_str();
            message.is_some_and(|message| message.ends_with("it waits"))
        })
        .await;
    first.kill();
    let second = project.serve().await;
    assert_eq!(second.ended("film", &id).await["attempt"], 2);
    let film = second.result("film", &id).await;
    let left = second.download(&film["url"]).await;
    assert_eq!(String::from_utf8(left).unwrap().trim(), PLACE);
    second.stop().await;
}

/// The first line of the log that says this.
async fn logged(server: &Server, message: &str) -> String {
    until(message, async || {
        let talk = server.talk();
        let mut lines = talk.lines();
        let said = |line: &&str| {
            let line = serde_json::from_str::<Value>(line);
            line.is_ok_and(|line| line["message"] == message)
        };
        lines.find(said).map(str::to_owned)
    })
    .await
}

#[tokio::test]
async fn a_line_about_a_call_that_failed_says_of_which_request_and_of_which_trace_it_is() {
    let toml = r#"
[tool.gone]
description = "Be gone."
command = ["./gone.sh"]
"#;
    let project = project(toml).with("FARCALL_LOG_FORMAT", "json");
    let program = project.path("gone.sh");
    fs::write(&program, "#!/bin/sh\n").unwrap();
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
    let server = project.serve().await;
    fs::remove_file(&program).unwrap();
    let params = json!({"name": "gone", "arguments": {}, "_meta": {"traceparent": PLACE}});
    let request = server.request("tools/call", "gone", params);
    let answer = request.send().await.unwrap();
    let id = answer.headers()["x-request-id"]
        .to_str()
        .unwrap()
        .to_owned();
    assert_eq!(
        message(&answer.text().await.unwrap())["result"]["isError"],
        true
    );
    let line = logged(&server, "a call failed").await;
    // As the guide shows it.
    let begun = format!(r#"{{"request":"{id}","trace_id":"{TRACE}","timestamp":""#);
    assert!(line.starts_with(&begun), "{line}");
    let rest =
        r#""level":"ERROR","message":"a call failed","tool":"gone","code":"internal","cause":""#;
    assert!(line.contains(rest), "{line}");
    let end = r#"","target":"farcall_server::mcp::call"}"#;
    assert!(line.ends_with(end), "{line}");
    server.stop().await;
}

#[tokio::test]
async fn lines_of_a_job_say_of_which_job_and_of_which_trace_they_are() {
    let toml = r#"
[job.fail]
description = "Fail."
command = ["sh", "-c", "exit 3"]
"#;
    let project = project(toml).with("FARCALL_LOG_FORMAT", "json");
    // Whose lines they are does not depend on how many there are.
    let server = project.with("FARCALL_LOG", "warn").serve().await;
    let meta = json!({"traceparent": PLACE});
    let started = told(&server, "start_fail", json!({}), meta).await;
    let id = started["structuredContent"]["job_id"].as_str().unwrap();
    assert_eq!(server.ended("fail", id).await["state"], "failed");
    let line = logged(&server, "the job has failed").await;
    let line: Value = serde_json::from_str(&line).unwrap();
    let span = &line["span"];
    assert_eq!(
        (&span["name"], &span["kind"]),
        (&json!("job"), &json!("fail")),
        "{line}"
    );
    assert_eq!(
        (&span["job"], &span["trace_id"]),
        (&json!(id), &json!(TRACE)),
        "{line}"
    );
    server.stop().await;
}
