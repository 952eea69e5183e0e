//! SIGHUP: mounted servers that are declared otherwise are started anew, others stay, and nothing that is under
//! way notices.

use std::{
    fs,
    path::Path,
    time::{Duration, Instant},
};

use rustix::process::Signal;
use serde_json::json;
use tempfile::TempDir;

use crate::{
    harness::{Project, Server, gone, is_alive, message, noted, until, written},
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

#[tokio::test]
async fn a_call_ends_where_it_began_and_its_server_after_it() {
    let (project, server, out) = served().await;
    let before = process(&server).await;
    let gate = out.path().join("gate");
    let params = json!({"name": "wait", "arguments": {"path": gate}});
    let call = tokio::spawn(server.request("tools/call", "wait", params).send());
    written(&out.path().join("waiting")).await;

    let changed = mount(
        out.path(),
        ", \"again\"",
        "tools.who = { description = \"Who?\" }",
    );
    reload(&project, &server, &changed).await;
    assert_eq!(server.tools().await[0]["description"], "Who?");
    let after = process(&server).await;
    assert_ne!(before, after);
    assert!(is_alive(before), "somebody waits for it");

    fs::write(gate, "").unwrap();
    let answer = call.await.unwrap().unwrap().text().await.unwrap();
    assert_eq!(
        message(&answer)["result"]["structuredContent"]["pid"],
        before
    );
    gone(&[before]).await;
    // It was told by the end of its input, and ended by itself.
    assert_eq!(noted(out.path(), "ended"), [before]);
    server.stop().await;
    assert_eq!(noted(out.path(), "ended"), [before, after]);
}

/// What it remembers, and what it has locked, stays with it.
#[tokio::test]
async fn a_server_that_is_started_from_the_same_is_kept() {
    let (project, server, out) = served().await;
    let before = process(&server).await;
    let tool = "[tool.hello]\ndescription = \"Say hello.\"\ncommand = [\"echo\", \"hello\"]\n";
    let other = "prefix = \"x_\"\ntools.who = { name = \"who\", description = \"Who?\" }";
    for round in 1..=3 {
        reload(
            &project,
            &server,
            &(mount(out.path(), "", other) + &tool.repeat(round % 2)),
        )
        .await;
        assert_eq!(process(&server).await, before);
    }
    assert_eq!(names(&server).await, ["hello", "who", "x_wait"]);
    // Also where what stands beside it cannot be served.
    reload(&project, &server, &(mount(out.path(), "", other) + "x = 1")).await;
    let broken = "[mount.broken]\ncommand = [\"python3\", \"mcp_server.py\", \"broken\"]\n";
    reload(&project, &server, &(mount(out.path(), "", other) + broken)).await;
    assert_eq!(process(&server).await, before);
    assert_eq!(noted(out.path(), "started"), [before]);
    server.stop().await;
    assert_eq!(noted(out.path(), "ended"), [before]);
}

#[tokio::test]
async fn a_server_that_is_started_from_something_else_is_started_anew() {
    let (project, server, out) = served().await;
    let mut processes = vec![process(&server).await];
    for more in [
        "grace = \"9s\"",
        "idle = \"9m\"",
        "pool = 2",
        "readable = [\"reach.py\"]",
        "limits.open_files = 100",
        "inherit_env = [\"ANY\"]",
    ] {
        reload(&project, &server, &mount(out.path(), "", more)).await;
        processes.push(process(&server).await);
    }
    // Its script is another one.
    let script = fs::read_to_string(project.path("mcp_server.py")).unwrap();
    fs::write(project.path("mcp_server.py"), script + "# new\n").unwrap();
    let last = mount(out.path(), "", "inherit_env = [\"ANY\"]");
    reload(&project, &server, &last).await;
    processes.push(process(&server).await);
    // A secret of its environment is.
    reload(
        &project,
        &server,
        &last.replace("env = {", "env = { A = \"b\","),
    )
    .await;
    processes.push(process(&server).await);
    assert_eq!(noted(out.path(), "started"), processes);
    server.stop().await;
    gone(&processes).await;
}

/// From its first moment on, and however long its servers take.
#[tokio::test]
async fn what_is_told_while_servers_start_is_not_lost() {
    let out = tempfile::tempdir().unwrap();
    let late = mount(out.path(), ", \"late\"", "");
    let project = Project::new(&late);
    let server = project.begin();
    written(&out.path().join("late")).await;
    server.signal(Signal::HUP);
    let asked = Instant::now();
    server.stop().await;
    assert!(asked.elapsed() < Duration::from_secs(10));
    gone(&noted(out.path(), "started")).await;

    // Without a stop it is done as soon as it can be.
    fs::remove_file(out.path().join("late")).unwrap();
    let server = project.begin();
    written(&out.path().join("late")).await;
    server.signal(Signal::HUP);
    fs::write(out.path().join("gate"), "").unwrap();
    until("the file to be read again", async || {
        server
            .talk()
            .contains("the file was read again")
            .then_some(())
    })
    .await;
    server.stop().await;
    gone(&noted(out.path(), "started")).await;
}

#[tokio::test]
async fn where_a_server_cannot_be_started_those_before_stay() {
    let (project, server, out) = served().await;
    let before = process(&server).await;
    let broken = "[mount.broken]\ncommand = [\"python3\", \"mcp_server.py\", \"broken\"]\n";
    let more = mount(out.path(), ", \"again\"", "prefix = \"x_\"") + broken;
    reload(&project, &server, &more).await;
    let talk = server.talk();
    assert!(talk.contains("no module named nonsense"), "{talk}");
    assert_eq!(names(&server).await, ["who", "wait"]);
    assert_eq!(process(&server).await, before);
    let started = noted(out.path(), "started");
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
    let again = mount(out.path(), ", \"late\", \"again\"", "");
    fs::write(project.path("farcall.toml"), again).unwrap();
    server.signal(Signal::HUP);
    let last = written(&out.path().join("late")).await;
    let asked = Instant::now();
    server.stop().await;
    assert!(asked.elapsed() < Duration::from_secs(30));
    gone(&[last.trim().parse().unwrap()]).await;
    gone(&noted(out.path(), "started")).await;
}
