//! SIGHUP: mounted servers are started anew, and nothing that is under way notices.

use std::{
    fs,
    path::Path,
    time::{Duration, Instant},
};

use rustix::process::Signal;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::{
    harness::{Project, Server, gone, is_alive, until, written},
    reload::{names, reload},
};

/// One server, with these words behind its program's name.
fn mount(out: &Path, words: &str, more: &str) -> String {
    format!(
        "[mount.tiny]\ncommand = [\"python3\", \"mcp_server.py\"{words}]\nallow = [\"who\", \"wait\"]\nsandbox = \"off\"\nenv = {{ TEST_OUT = {:?} }}\n{more}\n",
        out.to_str().unwrap()
    )
}

async fn served() -> (Project, Server, TempDir) {
    let out = tempfile::tempdir().unwrap();
    let project = Project::new(&mount(out.path(), "", ""));
    let server = project.serve().await;
    (project, server, out)
}

/// The process that answers.
async fn process(server: &Server) -> i32 {
    let who = server.value("who", json!({})).await;
    i32::try_from(who["pid"].as_i64().unwrap()).unwrap()
}

fn processes(out: &Path, file: &str) -> Vec<i32> {
    let text = fs::read_to_string(out.join(file)).unwrap_or_default();
    text.lines().map(|line| line.parse().unwrap()).collect()
}

#[tokio::test]
async fn a_call_ends_where_it_began_and_its_server_after_it() {
    let (project, server, out) = served().await;
    let before = process(&server).await;
    let gate = out.path().join("gate");
    let params = json!({"name": "wait", "arguments": {"path": gate}});
    let call = tokio::spawn(server.request("tools/call", "wait", params).send());
    written(&out.path().join("waiting")).await;

    let renamed = mount(out.path(), "", "tools.who = { description = \"Who?\" }");
    reload(&project, &server, &renamed).await;
    assert_eq!(server.tools().await[0]["description"], "Who?");
    let after = process(&server).await;
    assert_ne!(before, after);
    assert!(is_alive(before), "somebody waits for it");

    fs::write(gate, "").unwrap();
    let answer = call.await.unwrap().unwrap().text().await.unwrap();
    let last = answer
        .lines()
        .filter_map(|line| line.strip_prefix("data:"))
        .next_back();
    let answer: Value = serde_json::from_str(last.unwrap_or(&answer)).unwrap();
    assert_eq!(answer["result"]["structuredContent"]["pid"], before);
    gone(&[before]).await;
    // It was told by the end of its input, and ended by itself.
    assert_eq!(processes(out.path(), "ended"), [before]);
    server.stop().await;
    assert_eq!(processes(out.path(), "ended"), [before, after]);
}

#[tokio::test]
async fn where_a_server_cannot_be_started_those_before_stay() {
    let (project, server, out) = served().await;
    let before = process(&server).await;
    let broken = "[mount.broken]\ncommand = [\"python3\", \"mcp_server.py\", \"broken\"]\n";
    let more = mount(out.path(), "", "prefix = \"x_\"") + broken;
    reload(&project, &server, &more).await;
    let talk = server.talk();
    assert!(talk.contains("no module named nonsense"), "{talk}");
    assert_eq!(names(&server).await, ["who", "wait"]);
    assert_eq!(process(&server).await, before);
    let started = processes(out.path(), "started");
    assert_eq!((started.len(), started[0]), (2, before));
    gone(&started[1..]).await;
    server.stop().await;
}

#[tokio::test]
async fn a_server_that_is_slow_to_start_holds_up_nobody() {
    let (project, server, out) = served().await;
    let late = mount(out.path(), ", \"late\"", "prefix = \"x_\"");
    fs::write(project.path("farcall.toml"), &late).unwrap();
    server.signal(Signal::HUP);
    written(&out.path().join("late")).await;
    process(&server).await;

    // What is told while the file is read is not forgotten.
    let tool = "[tool.hello]\ndescription = \"Say hello.\"\ncommand = [\"echo\", \"hello\"]\n";
    fs::write(project.path("farcall.toml"), late.clone() + tool).unwrap();
    server.signal(Signal::HUP);
    fs::write(out.path().join("gate"), "").unwrap();
    until("the file that was written last", async || {
        let names = names(&server).await;
        (names == ["hello", "x_who", "x_wait"]).then_some(())
    })
    .await;

    fs::remove_file(out.path().join("gate")).unwrap();
    fs::remove_file(out.path().join("late")).unwrap();
    server.signal(Signal::HUP);
    let last = written(&out.path().join("late")).await;
    let asked = Instant::now();
    server.stop().await;
    assert!(asked.elapsed() < Duration::from_secs(30));
    gone(&[last.trim().parse().unwrap()]).await;
    gone(&processes(out.path(), "started")).await;
}
