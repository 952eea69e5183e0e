//! P15: a job that meets a full disk comes to a clean end while the disk is full.

use farcall_acceptance::{disk::with_own_mounts, fixture::LOAD_STAGES};
use serde_json::{Value, json};

use crate::rig::{MIB, Rig, Small, check_file, end, is_at, start, succeed};

#[test]
fn a_job_that_meets_a_full_disk_fails_cleanly_and_the_server_works_on() {
    with_own_mounts(env!("CARGO_TARGET_TMPDIR"), async {
        for small in Small::ALL {
            ends_cleanly(small).await;
        }
    });
}

/// Jobs for which there is no room on this disk, wherever in it they want some.
fn too_large(small: Small) -> Vec<Value> {
    let (work, carried) = (json!({"work": 8 * MIB}), json!({"carried": 900_000}));
    let (file, result) = (json!({"file": 8 * MIB}), json!({"result": 900_000}));
    match small {
        Small::Database => vec![work, carried, result],
        Small::Files => vec![file],
        Small::Both => vec![work, carried, file],
    }
}

async fn ends_cleanly(small: Small) {
    let rig = Rig::new(small, 16 * MIB);
    let server = rig.launch(MIB).start().await;
    let client = server.client();
    let done = succeed(&client, json!({"file": 100_000})).await;
    if small.has_database() {
        rig.has_ballast(2 * MIB).await;
    }
    let gate = rig.gate(LOAD_STAGES[1]);
    let mut doomed = Vec::new();
    for load in too_large(small) {
        doomed.push(start(&client, load).await);
    }
    let modest = start(&client, json!({})).await;
    for id in doomed.iter().chain([&modest]) {
        is_at(&client, id, 2).await;
    }
    let held = gate.reached().await;
    if small.has_database() {
        rig.truncate_log().await;
    }
    let filler = rig.disk.fill(0);
    drop((gate, held));

    for id in &doomed {
        let status = end(&client, id).await;
        assert_eq!(status["state"], "failed", "{small:?}: {status}");
        assert_eq!(status["error_code"], "storage_full", "{small:?}: {status}");
        let sentence = status["error"].as_str().unwrap();
        assert!(sentence.contains("no room left"), "{sentence}");
        check_file(&client, &done, 100_000).await;
    }
    // It wants next to nothing, which may be there or not.
    let status = end(&client, &modest).await;
    assert_ne!(status["state"], "running", "{status}");
    if small.has_database() {
        assert!(rig.ballast() < 2 * MIB, "nothing of the ballast was needed");
    }
    for job in rig.data().jobs().await {
        let is_doomed = doomed.contains(&job.id);
        assert!(
            !is_doomed || job.error_code.as_deref() == Some("storage_full"),
            "{job:?}"
        );
    }

    drop(filler);
    succeed(&client, json!({"file": 8 * MIB})).await;
    if small.has_database() {
        rig.has_ballast(2 * MIB).await;
    }
    server.stop().await;
    rig.data().check_tidy().await;
}
