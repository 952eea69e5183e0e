//! What these tests would see without the watermark, and without the ballast.

use farcall_acceptance::{disk::with_own_mounts, fixture::LOAD_STAGES, wait::until};
use serde_json::json;

use crate::rig::{MIB, Rig, Small, end, is_at, start, succeed};

const PLANT: &str = "FARCALL_PLANT";

#[test]
fn without_the_watermark_a_start_is_taken_in_with_too_little_space() {
    with_own_mounts(env!("CARGO_TARGET_TMPDIR"), async {
        let rig = Rig::new(Small::Both, 32 * MIB);
        let launch = rig.launch(8 * MIB).env(PLANT, "no-watermark");
        let server = launch.start().await;
        let _filler = rig.disk.fill(4 * MIB);
        succeed(&server.client(), json!({})).await;
    });
}

#[test]
fn without_the_ballast_a_job_stays_running_on_a_full_disk() {
    with_own_mounts(env!("CARGO_TARGET_TMPDIR"), async {
        let rig = Rig::new(Small::Database, 16 * MIB);
        let launch = rig.launch(MIB).env(PLANT, "no-ballast");
        let server = launch.start().await;
        let client = server.client();
        let gate = rig.gate(LOAD_STAGES[1]);
        let id = start(&client, json!({"carried": 900_000})).await;
        is_at(&client, &id, 2).await;
        let held = gate.reached().await;
        rig.has_ballast(2 * MIB).await;
        rig.truncate_log().await;
        let filler = rig.disk.fill(0);
        drop((gate, held));
        until("an ending that is not kept", async || {
            let talk = server.talk();
            talk.contains("the ending of the job is not kept yet")
                .then_some(())
        })
        .await;
        let status = client.call("get_load_status", json!({"job_id": id})).await;
        assert_eq!(status["state"], "running", "{status}");
        drop(filler);
        let status = end(&client, &id).await;
        assert_eq!(status["error_code"], "storage_full", "{status}");
    });
}
