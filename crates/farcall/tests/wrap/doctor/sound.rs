//! A server with which nothing is wrong.

use std::{fs, process::Command};

use super::{
    Doctor, FARM, TOKEN, free_port,
    front::{Way, relay},
};
use crate::harness::Project;

#[tokio::test]
async fn nothing_is_broken_of_a_server_that_is_well() {
    let project = Project::new(FARM);
    let port = free_port().to_string();
    let project = project
        .with("MCP_PORT", &port)
        .with("MCP_BEARER_TOKEN", TOKEN);
    let server = project.serve().await;
    let doctor = |folder: &std::path::Path| {
        Doctor::within(folder)
            .variable("MCP_PORT", &port)
            .variable("MCP_BEARER_TOKEN", TOKEN)
    };
    let seen = doctor(&project.path("")).run().await;
    assert_eq!(seen.broken(), [""; 0], "{}", seen.all());
    assert_eq!(seen.exit, 0);
    for (check, finding) in [
        ("configuration", "`farm-mcp`"),
        ("bind", "`127.0.0.1`"),
        ("data folder", "for this user alone"),
        ("disk", "are free"),
        ("store", "no page is damaged"),
        ("port", "somebody listens"),
        ("health", "is alive"),
        ("readiness", "jobs can be taken in"),
        ("credentials", "`Authorization` of `MCP_BEARER_TOKEN`"),
        ("edge", "lets this caller in"),
        ("same server", "whose data is here"),
        ("Host guard", "is refused"),
        ("protocol", "2026-07-28 is spoken, and lists 5 tools"),
        ("protocol", "2025-11-25 is spoken, and lists 5 tools"),
        ("tool call", "`add` answers"),
        ("buffering", "while it went on"),
        ("job", "ran to its file of 5 B"),
        ("open to strangers", "401"),
        ("files open to strangers", "401"),
    ] {
        seen.says(check, "ok", finding, "");
    }
    seen.says("idle cut", "unverified", "", "");

    // From another machine, through something that does its work: what it cannot see it does not claim.
    let afar = tempfile::tempdir().unwrap();
    let front = relay(&server.origin(), Way::Through).await;
    let seen = Doctor::within(afar.path())
        .argument(format!("{front}/mcp"))
        .variable("FARCALL_TOKEN", TOKEN)
        .run()
        .await;
    assert_eq!((seen.exit, seen.broken()), (0, vec![]), "{}", seen.all());
    seen.says("job", "ok", "ran to its file", "");
    seen.says(
        "same server",
        "unverified",
        "beside its data",
        "in the folder of the server",
    );
    seen.says(
        "Host guard",
        "unverified",
        "only on the machine of the server",
        "",
    );
}

#[test]
fn people_read_a_line_for_each_check_and_the_sum_of_them() {
    let project = Project::new(FARM);
    let mut command = Command::new(env!("CARGO_BIN_EXE_farcall"));
    let port = free_port().to_string();
    command
        .args(["doctor", "--only", "machine"])
        .current_dir(project.path(""))
        .env_clear()
        .env("PATH", "/nowhere:/usr/bin:/bin")
        .env("MCP_PORT", &port)
        .env("FARCALL_MIN_FREE", "0");
    let output = command.output().unwrap();
    let shown = String::from_utf8(output.stdout).unwrap();
    let port_at = shown
        .find("broken      port: nobody listens at `127.0.0.1:")
        .unwrap_or_else(|| panic!("{shown}"));
    let below: Vec<_> = shown[port_at..].lines().skip(1).collect();
    assert!(
        below[0].starts_with("            cause: the server does not run"),
        "{shown}"
    );
    assert!(
        below[1].starts_with("            remedy: farcall serve; then curl -s http://127.0.0.1:"),
        "{shown}"
    );
    let talk = String::from_utf8(output.stderr).unwrap();
    assert!(talk.ends_with("error: 1 thing is broken\n"), "{talk}");
    assert_eq!(output.status.code(), Some(1));
}

#[tokio::test]
async fn nothing_is_left_behind_and_nothing_is_made() {
    let project = Project::new(FARM);
    let before = names(&project.path(""));
    let seen = Doctor::within(&project.path(""))
        .variable("MCP_PORT", &free_port().to_string())
        .run()
        .await;
    assert_eq!(names(&project.path("")), before, "{}", seen.all());
}

fn names(folder: &std::path::Path) -> Vec<String> {
    let names = fs::read_dir(folder).unwrap();
    let mut names: Vec<_> = names
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}
