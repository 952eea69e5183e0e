//! `kill -9` in the middle of a render.

use std::{fs, time::SystemTime};

use farcall_acceptance::{DataFolder, sha256, wait::until};
use serde_json::json;

use crate::example::{BARE, example, launch};

#[tokio::test]
async fn a_render_goes_on_after_a_kill_in_the_middle_of_its_second_stage() {
    let example = example(&BARE).await;
    let client = example.server.client();
    // Long enough to be caught in the act.
    let scene = json!({"frames": 48, "width": 480, "height": 360});
    let started = client.call("start_render", scene).await;
    let id = started["job_id"].as_str().unwrap();
    until("the middle of the second stage", async || {
        let status = client
            .call("get_render_status", json!({"job_id": id}))
            .await;
        let is_there = status["stage"] == 2 && status["progress"].as_f64() > Some(0.0);
        is_there.then_some(())
    })
    .await;
    let data = example.folder.path().join("data");
    // What the first stage left for the second.
    let heights = data.join("work").join(id).join("heights.bin");
    let written_at = || -> Option<SystemTime> { fs::metadata(&heights).ok()?.modified().ok() };
    let first_stage_ended_at = written_at();
    assert!(first_stage_ended_at.is_some());
    example.server.kill().await;

    let server = launch(&example.folder, &BARE).start().await;
    let client = server.client();
    // The folder goes with the end of the job, so the last look at it counts.
    let mut last_written_at = None;
    let last = until("the end of the render", async || {
        last_written_at = written_at().or(last_written_at);
        let status = client
            .call("get_render_status", json!({"job_id": id}))
            .await;
        let message = status["message"].as_str().unwrap();
        assert!(!message.contains("preparing assets"), "{status}");
        (status["state"] != "queued" && status["state"] != "running").then_some(status)
    })
    .await;
    assert_eq!(last["state"], "succeeded", "{last}");
    assert_eq!(last["stage"], 3, "{last}");
    assert_eq!(last_written_at, first_stage_ended_at, "stage 1 ran again");

    let result = client
        .call("get_render_result", json!({"job_id": id}))
        .await;
    let file = client.download(result["url"].as_str().unwrap()).await;
    assert!(file.starts_with(b"GIF89a"));
    assert_eq!(result["artifacts"][0]["sha256"], sha256(&file));
    server.stop().await;
    DataFolder::new(data).check_tidy().await;
}
