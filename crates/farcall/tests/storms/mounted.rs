//! P28: clients of a mounted server go away at random moments, and the server is killed at others.
//!
//! supergateway #108, #141, #151, #160; mcp-proxy and others like it have a process for each client, or one that
//! nobody reaps.

use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::{
    census::Census,
    chance::{Chance, times},
    counted_of,
    harness::{Server, client, message, until},
};

/// How many clients go away.
const DISCONNECTS: usize = 1_000;

/// How many do so at once.
const AT_ONCE: usize = 20;

/// How often the mounted server is killed; after every fifth time this one is, too.
const KILLS: usize = 200;

/// One server for all callers, which has a family.
const MOUNT: &str = r#"
[mount.kin]
command = ["python3", "mounted.py"]
grace = "100ms"
restarts = 1000
tools.hang = { timeout = "2s" }
env = { CENSUS = "${CENSUS}" }
"#;

/// This server, a shim, and the mounted one with its child, that one's child and what that has.
const FAMILY: usize = 6;

/// Asks for a nonce, and sees that it is the own one.
async fn echoed(server: &Server, nonce: &str) -> Value {
    let value = server
        .value("echo", json!({"nonce": nonce, "after": 0}))
        .await;
    assert_eq!(value["nonce"], nonce);
    value["pid"].clone()
}

async fn whole(census: &Census) -> Vec<u32> {
    until("a family that is whole", async || {
        let mut alive = census.alive();
        alive.sort_unstable();
        (alive.len() == FAMILY).then_some(alive)
    })
    .await
}

#[tokio::test]
async fn clients_of_a_mounted_server_that_go_away_leave_nothing_behind() {
    let mut chance = Chance::new();
    println!("FARCALL_SEED={}", chance.seed);
    let (project, census, _out) = counted_of(MOUNT);
    let server = project.serve().await;
    let base = whole(&census).await;
    let (mut answered, mut open) = (0, 0);
    for batch in 0..times(DISCONNECTS) / AT_ONCE {
        let mut clients = JoinSet::new();
        for number in 0..AT_ONCE {
            let nonce = format!("{batch}-{number}");
            let (tool, arguments) = match chance.below(2) {
                0 => ("hang", json!({})),
                _ => ("echo", json!({"nonce": nonce, "after": 0.03})),
            };
            let params = json!({"name": tool, "arguments": arguments});
            // Of its own, so that the connection goes away with it.
            let request = server.request_of(&client(), "tools/call", tool, params);
            let patience = chance.moment(120);
            clients.spawn(async move {
                let answer = async { request.send().await.unwrap().text().await.unwrap() };
                let answer = tokio::time::timeout(patience, answer).await.ok()?;
                assert_eq!(
                    message(&answer)["result"]["structuredContent"]["nonce"],
                    nonce
                );
                Some(())
            });
        }
        tokio::time::sleep(chance.moment(60)).await;
        let seen = server.value("open", json!({})).await;
        open = open.max(seen["open"].as_u64().unwrap());
        answered += clients.join_all().await.iter().flatten().count();
        until("every request to be taken back", async || {
            let seen = server.value("open", json!({})).await;
            (seen["open"] == 0).then_some(())
        })
        .await;
        assert_eq!(whole(&census).await, base);
    }
    println!(
        "{} clients, {answered} of them answered, {open} requests open at most",
        times(DISCONNECTS)
    );
    assert!(open > 5, "nobody was at work: {open}");
    assert!(
        answered > 0 && answered * 2 < times(DISCONNECTS),
        "{answered} were answered"
    );
    assert!(Census::zombies_of(server.process()).is_empty());
    server.stop().await;
    census.returns_to(&[]).await;
}

#[tokio::test]
async fn no_relative_outlives_a_mounted_server_that_is_killed_at_any_moment() {
    let mut chance = Chance::new();
    println!("FARCALL_SEED={}", chance.seed);
    let (project, census, _out) = counted_of(MOUNT);
    let mut server = project.serve().await;
    let (mut slowest, mut ends) = (Duration::ZERO, Vec::new());
    for kill in 0..times(KILLS) {
        let before = echoed(&server, &format!("{kill}")).await;
        let mut family = whole(&census).await;
        family.retain(|process| *process != server.process());
        let mut calls = JoinSet::new();
        for number in 0..3 {
            let (tool, after) = if number == 0 {
                ("hang", 0.0)
            } else {
                ("echo", 0.5)
            };
            let nonce = format!("{kill}-{number}");
            let params = json!({"name": tool, "arguments": {"nonce": nonce, "after": after}});
            let request = server.request_of(&client(), "tools/call", tool, params);
            calls.spawn(async move { request.send().await.unwrap().text().await.unwrap() });
        }
        tokio::time::sleep(chance.moment(20)).await;
        let process = i32::try_from(before.as_i64().unwrap()).unwrap();
        kill_process(Pid::from_raw(process).unwrap(), Signal::KILL).unwrap();
        let killed = Instant::now();
        until("the end of the family", async || {
            let alive = census.alive();
            let is_left = family.iter().any(|process| alive.contains(process));
            (!is_left).then_some(())
        })
        .await;
        slowest = slowest.max(killed.elapsed());
        for answer in calls.join_all().await {
            // Of whom it was asked, or of the next one, where it was asked that late.
            assert!(message(&answer)["result"].is_object(), "{answer}");
        }
        assert_ne!(echoed(&server, "again").await, before);
        whole(&census).await;
        assert!(Census::zombies_of(server.process()).is_empty());
        if kill % 5 == 4 {
            server.kill();
            ends.push(census.returns_to(&[]).await);
            server = project.serve().await;
        }
    }
    println!("{} kills, gone after {slowest:?} at most", times(KILLS));
    ends.sort();
    let most_within = ends[ends.len() * 9 / 10];
    assert!(most_within < Duration::from_secs(2), "{most_within:?}");
    server.stop().await;
    census.returns_to(&[]).await;
}
