//! A job that takes its server with it, beside others that do not.

use std::os::unix::process::ExitStatusExt;

use farcall_acceptance::{
    Server,
    data::JobRow,
    fixture::{ABORTION, STAGES},
    wait::until,
};
use serde_json::json;

use crate::rig::{Rig, check_success, started};

/// How many run beside it.
const INNOCENT: usize = 20;

async fn aborted(server: Server) {
    let status = server.ended().await;
    assert_eq!(status.signal(), Some(6), "{status}");
}

/// P7.
#[tokio::test]
async fn a_job_that_kills_its_server_fails_and_twenty_beside_it_succeed() {
    let rig = Rig::new();
    let all = INNOCENT + 1;
    let (innocence, abortion) = (rig.gate(STAGES[1]), rig.gate(ABORTION));
    let launch = rig.launch().env("FARCALL_CONCURRENCY", all.to_string());
    let server = launch.start().await;
    let mut innocent = Vec::new();
    for _ in 0..INNOCENT / 2 {
        innocent.push(started(&server).await);
    }
    let client = server.client();
    let guilty = client.call("start_assemble", json!({"aborts": true})).await;
    let guilty = guilty["job_id"].as_str().unwrap().to_owned();
    while innocent.len() < INNOCENT {
        innocent.push(started(&server).await);
    }
    until("all of them to run beside each other", async || {
        let jobs = rig.data().jobs().await;
        let is_held = |job: &JobRow| job.stage == if job.id == guilty { 1 } else { 2 };
        (jobs.len() == all && jobs.iter().all(is_held)).then_some(())
    })
    .await;
    drop(abortion.reached().await);
    aborted(server).await;

    // One after the other now, oldest first, until it is the guilty one's turn, twice.
    drop(innocence);
    for _ in 0..2 {
        let launch = rig.launch().env("FARCALL_CONCURRENCY", all.to_string());
        let server = launch.start().await;
        drop(abortion.reached().await);
        aborted(server).await;
        let jobs = rig.data().jobs().await;
        let running: Vec<_> = jobs.iter().filter(|job| job.state == "running").collect();
        assert!(running.len() == 1 && running[0].id == guilty, "{running:?}");
    }
    let launch = rig.launch().env("FARCALL_CONCURRENCY", all.to_string());
    let server = launch.start().await;
    for id in &innocent {
        check_success(&server, id).await;
    }
    let status = server.client().follow("get_assemble_status", &guilty).await;
    assert_eq!(status.last().unwrap()["error_code"], "worker_lost");
    server.stop().await;
    for job in rig.data().jobs().await {
        let expected = if job.id == guilty {
            ("failed", 3, 3, 2)
        } else {
            ("succeeded", 2, 1, 0)
        };
        let seen = (
            job.state.as_str(),
            job.attempt,
            job.losses,
            job.counted_losses,
        );
        assert_eq!(seen, expected, "{job:?}");
    }
    rig.data().check_tidy().await;
}
