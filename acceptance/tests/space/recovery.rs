//! P15: a full disk is a state that passes, also by itself.

use std::time::Duration;

use farcall_acceptance::{
    McpClient,
    disk::with_own_mounts,
    fixture::{KEEP_SECONDS, LOAD_STAGES},
    wait::{until, until_within},
};
use serde_json::json;

use crate::rig::{MIB, Rig, Small, check_file, end, is_ready, refusal, start, succeed};

/// How long it may take until what is kept has expired, and its room is back.
const RECOVERY: Duration = Duration::from_mins(2);

/// What SQLite alone cannot do on a full disk: delete.
#[test]
fn on_a_full_disk_expired_jobs_are_deleted_and_their_room_comes_back() {
    with_own_mounts(env!("CARGO_TARGET_TMPDIR"), async {
        const JOBS: usize = 12;
        let rig = Rig::new(Small::Database, 24 * MIB);
        let launch = rig.launch(2 * MIB).env(KEEP_SECONDS, "40");
        let server = launch.start().await;
        let client = server.client();
        for _ in 0..JOBS {
            succeed(&client, json!({"result": 500_000})).await;
        }
        rig.has_ballast(3 * MIB).await;
        rig.truncate_log().await;
        let filler = rig.disk.fill(0);
        is_ready(&server, Some("disk")).await;
        assert_eq!(
            rig.data().jobs().await.len(),
            JOBS,
            "they expired too soon for this test"
        );

        until_within(RECOVERY, "the end of expired jobs", async || {
            rig.data().jobs().await.is_empty().then_some(())
        })
        .await;
        // Nobody has freed anything but the server itself, which does it step by step.
        taken_in(&client).await;
        drop(filler);
        rig.has_ballast(3 * MIB).await;
        server.stop().await;
        rig.data().check_tidy().await;
    });
}

#[test]
fn a_database_that_has_filled_the_disk_gives_it_back() {
    with_own_mounts(env!("CARGO_TARGET_TMPDIR"), async {
        // No file goes with the jobs that expire, whose room would be enough.
        let rig = Rig::new(Small::Database, 32 * MIB);
        let launch = rig.launch(12 * MIB).env(KEEP_SECONDS, "40");
        let server = launch.start().await;
        let client = server.client();
        let load = json!({"result": 900_000});
        let full = async || {
            let answer = client.try_call("start_load", load.clone()).await.unwrap();
            if let Some(id) = answer.payload["job_id"].as_str() {
                end(&client, id).await;
            }
            let code = answer.payload["error_code"].as_str();
            assert!(
                matches!(code, None | Some("storage_full")),
                "{}",
                answer.payload
            );
            code.map(drop)
        };
        until("a disk that is full of results", full).await;
        is_ready(&server, Some("disk")).await;
        taken_in(&client).await;
        is_ready(&server, None).await;
        server.stop().await;
    });
}

/// Waits until a start is taken in again, and its job has succeeded.
async fn taken_in(client: &McpClient) {
    let id = until_within(RECOVERY, "a start that is taken in", async || {
        let answer = client.try_call("start_load", json!({})).await.unwrap();
        let id = answer.payload["job_id"].as_str();
        id.map(str::to_owned)
    });
    let status = end(client, &id.await).await;
    assert_eq!(status["state"], "succeeded", "{status}");
}

#[test]
fn a_server_starts_on_a_full_disk_and_answers() {
    with_own_mounts(env!("CARGO_TARGET_TMPDIR"), async {
        let rig = Rig::new(Small::Both, 16 * MIB);
        let launch = || rig.launch(MIB).env("FARCALL_CONCURRENCY", "1");
        let server = launch().start().await;
        let done = succeed(&server.client(), json!({"file": 100_000})).await;
        rig.has_ballast(2 * MIB).await;
        let gate = rig.gate(LOAD_STAGES[1]);
        let running = start(&server.client(), json!({})).await;
        let held = gate.reached().await;
        let waiting = start(&server.client(), json!({})).await;
        rig.truncate_log().await;
        let filler = rig.disk.fill(0);
        server.kill().await;
        filler.fill_up();
        drop((gate, held));

        let server = launch().start().await;
        let client = server.client();
        is_ready(&server, Some("disk")).await;
        check_file(&client, &done, 100_000).await;
        let (code, sentence) = refusal(&client, "start_load", json!({})).await;
        assert_eq!(code, "storage_full", "{sentence}");
        client.call("cancel_load", json!({"job_id": waiting})).await;
        let status = end(&client, &waiting).await;
        assert_eq!(status["error_code"], "cancelled", "{status}");
        drop(filler);
        is_ready(&server, None).await;
        let status = end(&client, &running).await;
        assert_eq!(status["state"], "succeeded", "{status}");
        succeed(&client, json!({})).await;
        rig.has_ballast(2 * MIB).await;
        server.stop().await;
        rig.data().check_tidy().await;
    });
}
