//! A start whose answer a kill swallowed, sent again under its key.

use serde_json::{Value, json};

use crate::rig::{Rig, check_success, order};

fn keyed() -> Value {
    let mut order = order();
    order["idempotency_key"] = json!("a-key");
    order
}

/// Sends the start twice more, and sees that there is one job, which `was_kept` before or not.
async fn check_repetition(rig: &Rig, was_kept: bool) -> String {
    let server = rig.start().await;
    let client = server.client();
    let first = client.call("start_assemble", keyed()).await;
    let second = client.call("start_assemble", keyed()).await;
    let id = first["job_id"].as_str().unwrap();
    assert_eq!(first["deduplicated"] == true, was_kept, "{first}");
    assert_eq!(second["job_id"], id);
    assert_eq!(second["deduplicated"], true, "{second}");
    check_success(&server, id).await;
    server.stop().await;
    assert_eq!(rig.only_job().await.id, id);
    id.to_owned()
}

/// P2.
#[cfg(debug_assertions)]
#[tokio::test]
async fn a_start_that_was_cut_off_is_repeated_without_a_second_job() {
    for point in farcall_store::CRASH_POINTS {
        if !point.starts_with("store.enqueue.") {
            continue;
        }
        let rig = Rig::new();
        let launch = rig.launch().env("FARCALL_CRASH_AT", format!("{point}:1"));
        let server = launch.start().await;
        let cut_off = server.client().try_call("start_assemble", keyed()).await;
        assert!(cut_off.is_err(), "{point}: {cut_off:?}");
        server.ended().await;
        check_repetition(&rig, point.ends_with(".committed")).await;
    }
}

/// P2.
#[tokio::test]
async fn a_key_is_known_after_a_kill_right_after_the_answer() {
    let rig = Rig::new();
    let server = rig.start().await;
    let started = server.client().call("start_assemble", keyed()).await;
    server.kill().await;
    assert_eq!(check_repetition(&rig, true).await, started["job_id"]);
}
