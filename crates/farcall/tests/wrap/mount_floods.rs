//! Mounted servers that never fall silent: what they say is read and not kept, and nobody waits for it.

use std::{
    fs,
    time::{Duration, Instant},
};

use serde_json::json;

use crate::{
    harness::{Server, written},
    mount::project,
};

/// How much is said at least, in bytes.
const FLOOD: usize = 40 << 20;

/// How much memory may grow meanwhile, in bytes.
const GROWTH: u64 = 8 << 20;

/// How many lines of a server the log takes within ten seconds, with the one that counts the others.
const LOGGED: u64 = 201;

#[tokio::test]
async fn a_flood_of_log_messages_keeps_nobody_waiting() {
    let message = json!({
        "jsonrpc": "2.0",
        "method": "notifications/message",
        "params": {"level": "info", "data": "high water"},
    });
    a_flood_keeps_nobody_waiting("stdout", &message.to_string()).await;
}

#[tokio::test]
async fn a_flood_of_nonsense_keeps_nobody_waiting() {
    a_flood_keeps_nobody_waiting("stdout", "high water").await;
}

#[tokio::test]
async fn a_flood_of_errors_keeps_nobody_waiting() {
    a_flood_keeps_nobody_waiting("stderr", "high water").await;
}

async fn a_flood_keeps_nobody_waiting(place: &str, line: &str) {
    let (project, out) =
        project("tools.echo = { timeout = \"5s\" }\ntools.chatter = { timeout = \"60s\" }");
    let server = project.serve().await;
    let quiet = out.path().join("quiet");
    let said = json!({"line": line, "where": place, "bytes": FLOOD, "path": quiet});
    let params = json!({"name": "chatter", "arguments": said});
    let before = memory(&server, "VmRSS");
    let begun = Instant::now();
    let flood = tokio::spawn(server.request("tools/call", "chatter", params).send());
    written(&out.path().join("chattering")).await;
    for number in 0..10 {
        let nonce = number.to_string();
        let answer = server.call("echo", json!({"nonce": nonce})).await;
        assert_eq!(answer.text, nonce, "beside a flood");
    }
    fs::write(quiet, "").unwrap();
    let answer = flood.await.unwrap().unwrap().text().await.unwrap();
    assert!(answer.contains("enough"), "{answer}");

    let most = memory(&server, "VmHWM");
    assert!(most < before + GROWTH, "{before} bytes became {most}");
    let talk = server.talk();
    // After the log was read, in which more could have begun to stand meanwhile.
    let spells = begun.elapsed().as_secs() / Duration::from_secs(10).as_secs() + 1;
    let logged = talk.lines().filter(|line| line.contains("high water"));
    let logged = logged.count() as u64;
    assert!((1..=LOGGED * spells).contains(&logged), "{logged} lines");
}

/// A number of what the kernel knows of a server's memory, in bytes.
fn memory(server: &Server, name: &str) -> u64 {
    let status = fs::read_to_string(format!("/proc/{}/status", server.process())).unwrap();
    let line = status.lines().find(|line| line.starts_with(name)).unwrap();
    let kibibytes = line.split_whitespace().nth(1).unwrap();
    kibibytes.parse::<u64>().unwrap() << 10
}
