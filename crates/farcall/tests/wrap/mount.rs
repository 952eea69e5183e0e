//! Existing MCP servers: what they offer is what clients see, whatever becomes of them.

use std::{fs, path::Path};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};

use crate::harness::{Project, Server, gone, until, written};

fn project(more: &str) -> (Project, tempfile::TempDir) {
    let out = tempfile::tempdir().unwrap();
    let toml = format!(
        "[mount.tiny]\ncommand = [\"python3\", \"mcp_server.py\"]\nsandbox = \"off\"\nenv = {{ TEST_OUT = \"${{OUT}}\" }}\n{more}\n"
    );
    (
        Project::new(&toml).with("OUT", out.path().to_str().unwrap()),
        out,
    )
}

async fn result(server: &Server, method: &str, name: &str, params: Value) -> Value {
    let answer = server.request(method, name, params).send().await.unwrap();
    let body = answer.text().await.unwrap();
    let json = body
        .lines()
        .filter_map(|line| line.strip_prefix("data:"))
        .next_back();
    let message: Value = serde_json::from_str(json.unwrap_or(&body)).unwrap();
    assert!(message["result"].is_object(), "{message}");
    message["result"].clone()
}

fn processes(out: &Path, file: &str) -> Vec<i32> {
    let text = fs::read_to_string(out.join(file)).unwrap_or_default();
    text.lines().map(|line| line.parse().unwrap()).collect()
}

#[tokio::test]
async fn what_a_server_offers_is_passed_on_as_it_is() {
    let (project, _out) = project(
        "prefix = \"t_\"\nallow = [\"echo\", \"who\", \"dirty\"]\ntools.who = { name = \"me\", description = \"Who am I?\" }",
    );
    let server = project.serve().await;
    let tools = server.tools().await;
    let echo = &tools[0];
    assert_eq!(
        (&echo["name"], &echo["title"]),
        (&json!("t_echo"), &json!("Echo"))
    );
    assert_eq!(
        echo["inputSchema"]["$schema"],
        "http://json-schema.org/draft-07/schema#"
    );
    assert_eq!(
        echo["inputSchema"]["properties"],
        json!({"nonce": {"type": "string"}})
    );
    assert!(echo["outputSchema"].is_object());
    assert_eq!(
        (&echo["annotations"], &echo["_meta"]),
        (&json!({"readOnlyHint": true}), &json!({"test/a": 1}))
    );
    let names: Vec<_> = tools
        .iter()
        .map(|tool| tool["name"].as_str().unwrap())
        .collect();
    assert_eq!(names, ["t_echo", "t_dirty", "me"]);
    assert_eq!(
        (&tools[1]["description"], &tools[2]["description"]),
        (&json!("Say what is hidden."), &json!("Who am I?"))
    );

    let answer = server.call("t_echo", json!({"nonce": "n"})).await;
    assert_eq!(
        (answer.text.as_str(), &answer.structured),
        ("n", &json!({"nonce": "n"}))
    );
    let answer = server.call("t_dirty", json!({})).await;
    assert_eq!(
        (answer.text.as_str(), &answer.structured),
        ("red", &json!({"a": "b"}))
    );
    let (error, _) = server.call("t_echo", json!({"nonce": 1})).await.failure();
    assert!(error.contains("`nonce`"), "{error}");

    let listed = result(&server, "resources/list", "", json!({})).await;
    assert_eq!(
        listed["resources"],
        json!([{"uri": "demo://one", "name": "one", "mimeType": "text/plain"}])
    );
    for uri in ["demo://one", "demo://item/a/b?day=1"] {
        let read = result(&server, "resources/read", uri, json!({"uri": uri})).await;
        assert_eq!(
            read["contents"],
            json!([{"uri": uri, "mimeType": "text/plain", "text": "read"}])
        );
    }
    let listed = result(&server, "prompts/list", "", json!({})).await;
    assert_eq!(
        listed["prompts"],
        json!([{"name": "t_greet", "arguments": [{"name": "who", "required": true}]}])
    );
    let written = result(
        &server,
        "prompts/get",
        "t_greet",
        json!({"name": "t_greet", "arguments": {"who": "Ada"}}),
    )
    .await;
    assert_eq!(written["description"], "today");
    assert_eq!(
        written["messages"],
        json!([{"role": "assistant", "content": {"type": "text", "text": "Greet Ada."}}])
    );
    let reference = json!({"type": "ref/prompt", "name": "t_greet"});
    let params = json!({"ref": reference, "argument": {"name": "who", "value": "A"}});
    let suggested = result(&server, "completion/complete", "", params).await;
    assert_eq!(suggested["completion"]["values"], json!(["Ada", "greet"]));
    server.stop().await;
}

#[tokio::test]
async fn failures_are_told_as_they_are() {
    let (project, _out) = project("");
    let server = project.serve().await;
    let failed = server.call("fail", json!({})).await;
    assert_eq!(
        (failed.is_error, failed.text.as_str()),
        (true, "it is Monday")
    );
    let (error, _) = server.call("refuse", json!({})).await.failure();
    assert_eq!(error, "no such thing");
    let talk = server.talk();
    assert!(
        talk.contains("the server starts"),
        "its standard error goes to the log: {talk}"
    );
    assert!(talk.contains("`who` has no description"), "{talk}");
}

/// CVE-2026-25536: two hundred at once, over one server that answers in whatever order.
#[tokio::test]
async fn everybody_gets_the_own_answer() {
    let (project, out) = project("");
    let server = std::sync::Arc::new(project.serve().await);
    let calls: Vec<_> = (0..200)
        .map(|number| {
            let server = std::sync::Arc::clone(&server);
            tokio::spawn(async move {
                for round in 0..5 {
                    let nonce = format!("{number}-{round}");
                    let answer = server.call("echo", json!({"nonce": nonce})).await;
                    assert_eq!(
                        answer.structured,
                        json!({"nonce": nonce}),
                        "{}",
                        answer.text
                    );
                }
            })
        })
        .collect();
    for call in calls {
        call.await.unwrap();
    }
    assert_eq!(processes(out.path(), "started").len(), 1);
}

#[tokio::test]
async fn progress_reaches_the_caller_that_asked_for_it() {
    let (project, _out) = project("");
    let server = project.serve().await;
    let params = json!({"name": "slow", "arguments": {"steps": 20}});
    let mut request = server
        .request("tools/call", "slow", params)
        .build()
        .unwrap();
    let mut body: Value =
        serde_json::from_slice(request.body().unwrap().as_bytes().unwrap()).unwrap();
    body["params"]["_meta"]["progressToken"] = json!("mine");
    *request.body_mut() = Some(body.to_string().into());
    let answer = server.execute(request).await;
    let said = answer.lines().filter_map(|line| line.strip_prefix("data:"));
    let said: Vec<Value> = said
        .filter_map(|line| serde_json::from_str(line).ok())
        .collect();
    let (last, news) = said.split_last().unwrap();
    assert_eq!(last["result"]["content"][0]["text"], "counted");
    let steps: Vec<_> = news.iter().map(|one| &one["params"]).collect();
    let expected: Vec<_> = (1..=20)
        .map(|step| json!({"progressToken": "mine", "progress": f64::from(step), "total": 20.0, "message": format!("step {step}")}))
        .collect();
    assert_eq!(steps, expected.iter().collect::<Vec<_>>());
}

#[tokio::test]
async fn a_caller_that_leaves_takes_its_request_back_and_nobody_elses() {
    let (project, out) = project("tools.hang = { timeout = \"1s\" }");
    let server = project.serve().await;
    let (error, code) = server.call("hang", json!({})).await.failure();
    assert_eq!(code, "timeout", "{error}");
    written(&out.path().join("cancelled")).await;

    let params = json!({"name": "hang", "arguments": {}});
    let call = tokio::spawn(server.request("tools/call", "hang", params).send());
    until("a second call", async || {
        (processes(out.path(), "hanging").len() == 2).then_some(())
    })
    .await;
    call.abort();
    until("the end of the second call", async || {
        let cancelled = fs::read_to_string(out.path().join("cancelled")).unwrap();
        (cancelled.lines().count() == 2).then_some(())
    })
    .await;
    assert_eq!(server.call("echo", json!({"nonce": "x"})).await.text, "x");
    assert_eq!(processes(out.path(), "started").len(), 1);
}

#[tokio::test]
async fn nonsense_and_requests_of_the_server_do_no_harm() {
    let (project, _out) = project("");
    let server = project.serve().await;
    assert_eq!(server.call("babble", json!({})).await.text, "after it");
    let told = server.call("ask", json!({})).await.text;
    let told: Value = serde_json::from_str(&told).unwrap();
    assert_eq!(
        told,
        json!({"ping": {}, "roots/list": -32601, "sampling/createMessage": -32601})
    );
    assert!(
        server.talk().contains("no message of MCP"),
        "{}",
        server.talk()
    );
}

#[tokio::test]
async fn a_server_that_dies_is_an_error_for_its_callers_and_is_started_again() {
    let (project, out) = project("restarts = 2");
    let server = project.serve().await;
    let params = json!({"name": "hang", "arguments": {}});
    let waiting = tokio::spawn(server.request("tools/call", "hang", params).send());
    let hanging = written(&out.path().join("hanging")).await;
    let first: i32 = hanging.trim().parse().unwrap();
    kill_process(Pid::from_raw(first).unwrap(), Signal::KILL).unwrap();
    let body = waiting.await.unwrap().unwrap().text().await.unwrap();
    assert!(body.contains("ended before it answered"), "{body}");
    gone(&[first]).await;

    let (error, code) = server.call("die", json!({})).await.failure();
    assert_eq!(code, "internal");
    assert!(error.contains("ended before it answered"), "{error}");
    assert_eq!(server.call("echo", json!({"nonce": "x"})).await.text, "x");
    server.call("die", json!({})).await.failure();
    let (error, _) = server.call("echo", json!({"nonce": "x"})).await.failure();
    assert!(error.contains("too often"), "{error}");
    let started = processes(out.path(), "started");
    assert_eq!(started.len(), 3);
    gone(&started).await;
    assert!(
        server.talk().contains("ended by signal 9"),
        "{}",
        server.talk()
    );
}

#[tokio::test]
async fn an_answer_that_is_too_long_is_an_error_for_its_caller_alone() {
    let (project, out) = project("limits = { output = \"1MiB\" }");
    let server = project.serve().await;
    let (error, code) = server.call("flood", json!({})).await.failure();
    assert_eq!(code, "output_limit");
    assert!(error.contains("more than 1048576 bytes"), "{error}");
    assert_eq!(server.call("echo", json!({"nonce": "x"})).await.text, "x");
    assert_eq!(processes(out.path(), "started").len(), 1);
}

#[tokio::test]
async fn a_server_that_nobody_needs_is_stopped_and_started_on_demand() {
    let (project, out) = project("idle = \"100ms\"\nrestarts = 0");
    let server = project.serve().await;
    for round in 1..=3 {
        until("the end of an idle server", async || {
            (processes(out.path(), "ended").len() == round).then_some(())
        })
        .await;
        gone(&processes(out.path(), "started")).await;
        assert_eq!(server.call("echo", json!({"nonce": "x"})).await.text, "x");
    }
}

#[tokio::test]
async fn a_pool_runs_as_many_as_it_may_and_no_more() {
    let (project, out) = project("pool = 2\ntools.hang = { timeout = \"2s\" }");
    let server = std::sync::Arc::new(project.serve().await);
    let calls: Vec<_> = (0..6)
        .map(|_| {
            let params = json!({"name": "hang", "arguments": {}});
            tokio::spawn(server.request("tools/call", "hang", params).send())
        })
        .collect();
    until("calls in both", async || {
        (processes(out.path(), "hanging").len() == 6).then_some(())
    })
    .await;
    let mut used = processes(out.path(), "hanging");
    used.sort_unstable();
    used.dedup();
    assert_eq!((used.len(), processes(out.path(), "started").len()), (2, 2));
    for call in calls {
        call.await.unwrap().unwrap();
    }
}

/// P13.
#[tokio::test]
async fn a_mounted_server_ends_with_this_one_however_it_ends() {
    for is_killed in [true, false] {
        let (project, out) = project("");
        let server = project.serve().await;
        let started = processes(out.path(), "started");
        assert_eq!(started.len(), 1);
        if is_killed {
            server.kill();
        } else {
            server.stop().await;
            // It was told by the end of its input, and ended by itself.
            assert_eq!(processes(out.path(), "ended"), started);
        }
        gone(&started).await;
    }
}

#[tokio::test]
async fn what_is_wrong_with_mounts_is_one_report_that_names_them() {
    let toml = r#"
[mount.broken]
command = ["python3", "mcp_server.py", "broken"]

[mount.double]
command = ["python3", "mcp_server.py", "double"]
allow = ["echo", "nothing"]

[mount.twin]
command = ["python3", "mcp_server.py"]
allow = ["echo"]
tools.echo = { name = "who" }
jobs.echo = { artifacts = ["x"] }

[tool.start_who]
description = "There already."
command = ["echo"]
"#;
    let (status, said) = Project::new(toml).refused().await;
    assert_eq!(status, 2, "{said}");
    for expected in [
        "mount `broken`: its server cannot be started: it ended with status 3, its last words:",
        "no module named nonsense",
        "mount `double`: its `allow` names the tool `nothing`, which it does not have",
        "mount `double`: there is another tool called `echo`",
        "mount `twin`: there is another tool called `start_who`",
        "mount `twin`: there is another prompt called `greet`",
    ] {
        assert!(said.contains(expected), "{expected}\n{said}");
    }
}

#[tokio::test]
async fn a_server_without_a_file_is_served_under_its_own_name() {
    let project = Project::new("").typed(&["--", "python3", "mcp_server.py"]);
    fs::write(project.path(".env"), "# x\n").unwrap();
    let server = project.serve().await;
    assert!(server.talk().contains("tiny 7"), "{}", server.talk());
    let discovered = result(&server, "server/discover", "", json!({})).await;
    assert_eq!(discovered["instructions"], "Be gentle.");
    // It runs in the folder, and is kept in its place as one in a file is.
    let reached = json!({
        "list=.": "ok",
        "read=reach.py": "ok",
        "read=.env": "EACCES",
        "write=new": "EACCES",
    });
    let actions: Vec<_> = reached.as_object().unwrap().keys().collect();
    let seen = server.value("reach", json!({"actions": actions})).await;
    assert_eq!(seen, reached);
    server.signal(Signal::HUP);
    until("a word about the signal", async || {
        server
            .talk()
            .contains("SIGHUP changes nothing")
            .then_some(())
    })
    .await;
    server.stop().await;
}
