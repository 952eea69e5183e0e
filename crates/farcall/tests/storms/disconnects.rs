//! P3, P13: clients go away at random moments, in the middle of a call of a tool or of the start of a job.
//!
//! supergateway #108, #141, #151, #160: a process for each request was never reaped, until the machine had no
//! memory left.

use serde_json::json;
use tokio::task::JoinSet;

use crate::{
    chance::{Chance, times},
    counted,
    harness::{client, until},
};

/// How many clients go away.
const DISCONNECTS: usize = 1_000;

/// How many do so at once.
const AT_ONCE: usize = 10;

#[tokio::test]
async fn clients_that_go_away_leave_no_process_behind() {
    let mut chance = Chance::new();
    println!("FARCALL_SEED={}", chance.seed);
    let (project, census, _out) = counted();
    let server = project.serve().await;
    let base = [server.process()];
    let (mut most, mut answered) = (0, 0);
    for _ in 0..times(DISCONNECTS) / AT_ONCE {
        let mut clients = JoinSet::new();
        for _ in 0..AT_ONCE {
            let (tool, arguments) = match chance.below(4) {
                0 => ("start_kin", json!({"how": "go", "more": "0"})),
                1 => ("family", json!({"how": "go", "more": "0.02"})),
                _ => ("family", json!({"how": "stay", "more": "up"})),
            };
            let params = json!({"name": tool, "arguments": arguments});
            // Of its own, so that the connection goes away with it.
            let request = server.request_of(&client(), "tools/call", tool, params);
            let patience = chance.moment(120);
            clients
                .spawn(async move { tokio::time::timeout(patience, request.send()).await.is_ok() });
        }
        while let Some(client) = clients.join_next().await {
            answered += usize::from(client.unwrap());
        }
        most = most.max(census.alive().len());
        // Jobs that were started go on without their client, and end by themselves.
        until("the end of every job", async || {
            let alive = census.alive();
            (alive == base).then_some(())
        })
        .await;
    }
    println!(
        "{} clients, {answered} of them answered, {most} processes at most",
        times(DISCONNECTS)
    );
    assert!(most > 20, "nobody was at work: {most}");
    assert!(
        answered * 2 < times(DISCONNECTS),
        "{answered} were answered"
    );
    server.stop().await;
    census.returns_to(&[]).await;
}
