//! Existing MCP servers: what they offer is what clients see.

use std::fs;

use rustix::process::Signal;
use serde_json::{Value, json};

use crate::harness::{Project, noted, until};

pub(crate) fn project(more: &str) -> (Project, tempfile::TempDir) {
    let out = tempfile::tempdir().unwrap();
    let toml = format!(
        "[mount.tiny]\ncommand = [\"python3\", \"mcp_server.py\"]\nsandbox = \"off\"\nenv = {{ TEST_OUT = \"${{OUT}}\" }}\n{more}\n"
    );
    (
        Project::new(&toml).with("OUT", out.path().to_str().unwrap()),
        out,
    )
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

    let listed = server.result_of("resources/list", "", json!({})).await;
    assert_eq!(
        listed["resources"],
        json!([{"uri": "demo://one", "name": "one", "mimeType": "text/plain"}])
    );
    for uri in ["demo://one", "demo://item/a/b?day=1"] {
        let read = server
            .result_of("resources/read", uri, json!({"uri": uri}))
            .await;
        assert_eq!(
            read["contents"],
            json!([{"uri": uri, "mimeType": "text/plain", "text": "read"}])
        );
    }
    let listed = server.result_of("prompts/list", "", json!({})).await;
    assert_eq!(
        listed["prompts"],
        json!([{"name": "t_greet", "arguments": [{"name": "who", "required": true}]}])
    );
    let written = server
        .result_of(
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
    let suggested = server.result_of("completion/complete", "", params).await;
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
    assert_eq!(noted(out.path(), "started").len(), 1);
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
    let discovered = server.result_of("server/discover", "", json!({})).await;
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
