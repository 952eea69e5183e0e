//! P13: a server is killed at random moments while it begins, runs and ends programs.

use std::{fs, time::Duration};

use serde_json::json;

use crate::{
    chance::{Chance, times},
    counted,
    harness::until,
};

/// How often a server is killed.
const KILLS: usize = 200;

#[tokio::test]
async fn no_program_outlives_a_server_that_is_killed_at_any_moment() {
    let mut chance = Chance::new();
    println!("FARCALL_SEED={}", chance.seed);
    let (project, census, out) = counted();
    let (mut most, mut ends) = (0, Vec::new());
    for kill in 0..times(KILLS) {
        let server = project.serve().await;
        // What the last life left in the queue, and what callers want now.
        let mut calls = tokio::task::JoinSet::new();
        for number in 0..2 {
            let arguments = json!({"how": "stay", "more": format!("{kill}-{number}")});
            let (tool, arguments) = if number == 0 {
                ("start_kin", arguments)
            } else {
                ("family", arguments)
            };
            let params = json!({"name": tool, "arguments": arguments});
            let request = server.request("tools/call", tool, params);
            calls.spawn(async move {
                // Whether it was answered depends on the moment.
                let _ = request.send().await;
            });
        }
        if chance.below(3) == 0 {
            let up = out.path().join("up");
            let word = format!("{kill}-1");
            until("a family that is whole", async || {
                let up = fs::read_to_string(&up).unwrap_or_default();
                up.lines().any(|line| line == word).then_some(())
            })
            .await;
        }
        tokio::time::sleep(chance.moment(60)).await;
        most = most.max(census.alive().len());
        server.kill();
        ends.push(census.returns_to(&[]).await);
        calls.join_all().await;
        // Jobs of a lost worker run alone; they would be what each further life begins with.
        if kill % 10 == 9 {
            fs::remove_dir_all(project.path(".farcall")).unwrap();
        }
    }
    ends.sort();
    let (most_within, slowest) = (ends[ends.len() * 9 / 10], ends[ends.len() - 1]);
    println!(
        "{} kills, {most} processes at most, nine of ten gone after {most_within:?}, all after {slowest:?}",
        times(KILLS)
    );
    assert!(most_within < Duration::from_secs(2), "{most_within:?}");
    // The server; a shim and at least five for each of two families.
    assert!(
        most >= 13,
        "the moments were too early to show anything: {most}"
    );
}
