//! Callers that are named beside replicas which share a database.

use std::{
    process::Command,
    time::{Duration, Instant},
};

use farcall_acceptance::wait::until;
use serde_json::json;
use tokio::sync::watch;

use crate::rig::Machines;

const LEASE: Duration = Duration::from_secs(30);

/// Within what every replica knows of a change, and what a slow machine may add to it.
const PROMISED: Duration = Duration::from_secs(1);
const SLOWNESS: Duration = Duration::from_secs(10);

/// What the program's own command line prints, run where a replica runs.
fn typed(machines: &Machines, arguments: &[&str]) -> String {
    let database = machines
        .cluster
        .tcp_url(machines.cluster.server(), "postgres");
    let output = Command::new(env!("CARGO_BIN_EXE_bakery"))
        .arg("token")
        .args(arguments)
        .env_clear()
        .env("FARCALL_DATABASE_URL", database)
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

/// How a server answers to whoever has `token`.
async fn status(http: &reqwest::Client, origin: &str, token: &str) -> u16 {
    let request = http
        .post(format!("{origin}/mcp"))
        .header("Accept", "application/json, text/event-stream")
        .bearer_auth(token)
        .json(&json!({"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {}}));
    request.send().await.unwrap().status().as_u16()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn what_is_done_with_tokens_holds_at_every_replica_within_a_second() {
    let machines = Machines::new(2, LEASE).await;
    // One that only answers callers, and one that runs jobs as well.
    let [one, other] = [(0, "api"), (1, "all")].map(|(number, role)| {
        let replica = machines.replica(number, role);
        // Calls come as fast as they can.
        replica.env("FARCALL_CALL_RATE", "off")
    });
    let replicas = [one.start().await, other.start().await];
    let http = &machines.http;
    let first = typed(&machines, &["create", "ci"]);
    for replica in &replicas {
        assert_eq!(
            status(http, replica.origin(), &first).await,
            200,
            "a new token opens at once"
        );
        until("the end of anonymous calls", async || {
            (status(http, replica.origin(), "none").await == 401).then_some(())
        })
        .await;
    }

    // Rotation under load: whoever takes up a token when it is there never meets a refusal.
    let (newest, token) = watch::channel(first);
    let origin = machines.origin();
    let calling: Vec<_> = (0..4)
        .map(|_| {
            let (http, origin, token) = (http.clone(), origin.clone(), token.clone());
            tokio::spawn(async move {
                let mut calls = 0_u32;
                while token.has_changed().is_ok() {
                    let held = token.borrow().clone();
                    assert_eq!(status(&http, &origin, &held).await, 200);
                    calls += 1;
                }
                calls
            })
        })
        .collect();
    for _ in 0..8 {
        newest.send_replace(typed(&machines, &["rotate", "ci", "--overlap", "1m"]));
    }
    let last = newest.borrow().clone();
    drop(newest);
    for calls in calling {
        assert!(calls.await.unwrap() > 8);
    }

    let mut soonest = Duration::MAX;
    let others = ["lab", "farm"].map(|name| (name, typed(&machines, &["create", name])));
    for (name, token) in [("ci", last)].into_iter().chain(others) {
        typed(&machines, &["revoke", name]);
        let begun = Instant::now();
        for replica in &replicas {
            until("the refusal", async || {
                (status(http, replica.origin(), &token).await == 401).then_some(())
            })
            .await;
        }
        let took = begun.elapsed();
        assert!(took < PROMISED + SLOWNESS, "{took:?}");
        soonest = soonest.min(took);
    }
    assert!(soonest < PROMISED * 2, "{soonest:?}");
}
