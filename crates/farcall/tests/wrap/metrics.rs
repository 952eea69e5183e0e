//! What is counted of programs.

use std::{fs, os::unix::fs::PermissionsExt};

use serde_json::json;

use crate::harness::{Project, until};

const TOML: &str = r#"
[tool.greet]
description = "Say hello."
command = ["echo", "hello"]

[tool.fail]
description = "Fail."
command = ["sh", "-c", "exit 3"]

[tool.linger]
description = "Stay for too long."
command = ["sleep", "600"]
timeout = "300ms"

[tool.echo]
description = "Say it again."
command = ["echo", "{text}"]
params.text = { type = "string", description = "What." }

[tool.gone]
description = "Be gone."
command = ["./gone.sh"]

[job.film]
description = "Make a film."
command = ["sh", "-c", "printf film > film.txt"]
stages = ["cutting"]
artifacts = ["film.txt"]
"#;

#[tokio::test]
async fn programs_are_counted_from_their_start_to_their_end() {
    let project = Project::new(TOML).with("FARCALL_METRICS", "127.0.0.1:0");
    let program = project.path("gone.sh");
    fs::write(&program, "#!/bin/sh\n").unwrap();
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
    let server = project.serve().await;
    fs::remove_file(&program).unwrap();
    server.call("greet", json!({})).await;
    for wrong in ["fail", "linger"] {
        assert!(server.call(wrong, json!({})).await.is_error);
    }
    // No fault of the program's: its caller says more than the system lets it take.
    let long = json!({"text": "x".repeat(200_000)});
    assert!(server.call("echo", long).await.is_error);
    assert!(server.call("gone", json!({})).await.is_error);
    server.call("start_film", json!({})).await;
    let wanted = [
        r#"farcall_children_started_total{outcome="started"} 4"#,
        r#"farcall_children_started_total{outcome="failed"} 1"#,
        r#"farcall_children_ended_total{how="exited"} 2"#,
        r#"farcall_children_ended_total{how="failed"} 1"#,
        "farcall_children_running 0",
        r#"farcall_tool_calls_total{tool="linger",outcome="timeout"} 1"#,
        r#"farcall_job_attempts_total{kind="film",outcome="succeeded"} 1"#,
        r#"farcall_job_stage_duration_seconds_count{kind="film",stage="cutting"} 1"#,
        "farcall_file_written_bytes_total 4",
    ];
    let mut lacking = Vec::new();
    let told = until("everything to be counted", async || {
        let told = server.metrics().await;
        let is_told = |wanted: &&str| told.lines().any(|line| line == *wanted);
        lacking = wanted
            .into_iter()
            .filter(|wanted| !is_told(wanted))
            .collect();
        lacking.is_empty().then_some(told)
    });
    let told = told.await;
    // The one that lingered was told to stop, and did.
    let stopped = r#"farcall_children_ended_total{how="stopped"} 1"#;
    assert!(told.contains(stopped), "{told}");
    server.stop().await;
}
