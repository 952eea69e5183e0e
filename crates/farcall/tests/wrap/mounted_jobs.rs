//! Tools of mounted servers as durable jobs.

use std::fs;

use rustix::process::Signal;
use serde_json::json;

use crate::harness::{Project, gone, noted, written};

fn project(more: &str) -> (Project, tempfile::TempDir) {
    let out = tempfile::tempdir().unwrap();
    let toml = format!(
        r#"
[mount.tiny]
command = ["python3", "mcp_server.py"]
env = {{ TEST_OUT = "${{OUT}}" }}
sandbox = "off"
grace = "1s"
allow = ["train", "who"]
jobs.train = {{ stages = ["loading", "training", "saving"], artifacts = ["*.bin"], log = true{more} }}
"#
    );
    (
        Project::new(&toml).with("OUT", out.path().to_str().unwrap()),
        out,
    )
}

#[tokio::test]
async fn a_slow_tool_becomes_a_job_with_stages_files_and_a_result() {
    let (project, out) = project("");
    let server = project.serve().await;
    let names: Vec<_> = server
        .tools()
        .await
        .iter()
        .map(|tool| tool["name"].clone())
        .collect();
    let expected = [
        "who",
        "start_train",
        "get_train_status",
        "get_train_result",
        "get_train_log",
        "cancel_train",
    ];
    assert_eq!(names, expected);
    let id = server.start("train", json!({"act": "end"})).await;
    let end = server.ended("train", &id).await;
    assert_eq!(
        (&end["stage"], &end["total_stages"]),
        (&json!(3), &json!(3)),
        "{end}"
    );
    let result = server.result("train", &id).await;
    assert_eq!(result["result"], json!({"loss": 0.1}));
    assert_eq!(server.download(&result["url"]).await, b"weights");
    let log = server.log("train", &id).await;
    assert!(log.iter().any(|line| line == "loss 0.1"), "{log:?}");
    // A server of its own, in a folder of its own; that of all callers is another one.
    let folders = fs::read_to_string(out.path().join("folders")).unwrap();
    let shared = server.value("who", json!({})).await;
    assert_ne!(shared["folder"], folders.trim());
    assert_ne!(shared["pid"], noted(out.path(), "training")[0]);
    gone(&noted(out.path(), "training")).await;
}

#[tokio::test]
async fn a_tool_that_fails_is_a_job_that_fails_in_its_words() {
    let (project, out) = project(", retries = 1, retry_delay = \"1s\"");
    let server = project.serve().await;
    let id = server.start("train", json!({"act": "fail"})).await;
    let end = server.ended("train", &id).await;
    assert_eq!(
        (&end["error"], &end["error_code"]),
        (&json!("out of data"), &json!("user_error"))
    );
    assert_eq!(noted(out.path(), "training").len(), 2);
}

/// P10, P11: the end of one run, and of nothing else.
#[tokio::test]
async fn a_job_is_cancelled_and_cut_with_its_own_server() {
    for (more, code) in [("", "cancelled"), (", timeout = \"4s\"", "timeout")] {
        let (project, out) = project(more);
        let server = project.serve().await;
        let before = server.value("who", json!({})).await;
        let id = server.start("train", json!({"act": "wait"})).await;
        server
            .status_when("train", &id, |status| status["stage"] == 3)
            .await;
        if code == "cancelled" {
            server.value("cancel_train", json!({"job_id": id})).await;
        }
        let end = server.ended("train", &id).await;
        assert_eq!(end["error_code"], code, "{end}");
        gone(&noted(out.path(), "training")).await;
        assert_eq!(server.value("who", json!({})).await["pid"], before["pid"]);
    }
}

/// P9, P13: the run that was lost is not beside the one that begins again.
#[tokio::test]
async fn after_a_kill_a_job_runs_again_and_alone() {
    let (project, out) = project("");
    let server = project.serve().await;
    let id = server.start("train", json!({"act": "wait"})).await;
    written(&out.path().join("training")).await;
    server.kill();
    gone(&noted(out.path(), "training")).await;

    let server = project.serve().await;
    server
        .status_when("train", &id, |status| status["stage"] == 3)
        .await;
    assert_eq!(noted(out.path(), "training").len(), 2);
    server.signal(Signal::TERM);
    server.stop().await;
    gone(&noted(out.path(), "training")).await;
}
