//! What is broken on the machine of the server: its data, its service, its port.

use std::{fs, os::unix::fs::PermissionsExt as _, path::PathBuf};

use super::{Doctor, FARM, Seen, TOKEN, free_port, front::answering, machine};
use crate::harness::{PATH, Project};

#[tokio::test]
async fn nobody_at_the_port() {
    let project = Project::new(FARM);
    let seen = machine(&project).run().await;
    seen.is_broken_at(
        "port",
        "does not run",
        "farcall serve; then curl -s http://127.0.0.1:",
    );
}

#[tokio::test]
async fn a_worker_has_no_port() {
    let project = Project::new(FARM);
    let seen = Doctor::within(&project.path(""))
        .variable("MCP_PORT", &free_port().to_string())
        .variable("FARCALL_ROLE", "worker")
        .variable("FARCALL_DATABASE_URL", "postgres://127.0.0.1:1/farm")
        .variable("FARCALL_ARTIFACTS_URL", "file:///tmp")
        .run()
        .await;
    assert_eq!(seen.broken(), ["store"], "{}", seen.all());
    seen.says("port", "unverified", "answers no callers", "");
    seen.says("path", "unverified", "answers no callers", "");
}

#[tokio::test]
async fn another_program_at_the_port() {
    let project = Project::new(FARM);
    let other = answering("404 Not Found", "", "nothing here").await;
    let port = other.rsplit_once(':').unwrap().1;
    let seen = machine(&project).variable("MCP_PORT", port).run().await;
    seen.is_broken_at("health", "another program has the port", "ss -ltnp");
}

#[tokio::test]
async fn an_address_of_another_machine() {
    let project = Project::new(FARM);
    let seen = machine(&project)
        .variable("MCP_HOST", "203.0.113.7")
        .variable("MCP_BEARER_TOKEN", TOKEN)
        .run()
        .await;
    seen.is_broken_at("port", "no address of this machine", "MCP_HOST=127.0.0.1");
}

#[tokio::test]
async fn a_server_without_room_for_jobs() {
    let port = free_port().to_string();
    let project = Project::new(FARM)
        .with("MCP_PORT", &port)
        .with("FARCALL_MIN_FREE", "900000GiB");
    let _server = project.serve().await;
    let seen = machine(&project)
        .variable("MCP_PORT", &port)
        .variable("FARCALL_MIN_FREE", "900000GiB")
        .run()
        .await;
    seen.is_broken_at("disk", "storage_full", "FARCALL_MIN_FREE");
    seen.says("readiness", "broken", "the check `disk` fails", "make room");
}

#[tokio::test]
async fn a_file_in_the_place_of_the_data_folder() {
    let project = Project::new(FARM);
    fs::write(project.path("data"), "").unwrap();
    let seen = machine(&project)
        .variable("FARCALL_DATA_DIR", "data")
        .run()
        .await;
    seen.is_broken_at("data folder", "is no folder", "FARCALL_DATA_DIR");
    let seen = machine(&project)
        .variable("FARCALL_DATA_DIR", "data/below")
        .run()
        .await;
    seen.is_broken_at("data folder", "cannot be", "FARCALL_DATA_DIR");
}

#[tokio::test]
async fn a_data_folder_that_others_may_look_into() {
    let project = Project::new(FARM);
    fs::create_dir(project.path(".farcall")).unwrap();
    fs::set_permissions(project.path(".farcall"), fs::Permissions::from_mode(0o755)).unwrap();
    let seen = machine(&project).run().await;
    seen.says("data folder", "warning", "0755", "chmod 700");
}

#[tokio::test]
async fn a_store_that_is_damaged() {
    let project = Project::new(FARM);
    project.token(&["create", "ann"]);
    let file = project.path(".farcall/jobs.sqlite3");
    let sound = fs::read(&file).unwrap();
    // A page that nothing reads when it is opened, as a disk loses one; then all of it.
    let mut damaged = sound.clone();
    damaged[4096 * 11..4096 * 12].fill(0xa5);
    for damaged in [damaged, vec![0xa5; sound.len()]] {
        fs::write(&file, damaged).unwrap();
        let seen = machine(&project).run().await;
        seen.is_broken_at("store", "the disk has lost something", "farcall backup");
    }
}

#[tokio::test]
async fn a_database_that_is_away() {
    let project = Project::new(FARM);
    let seen = machine(&project)
        .variable(
            "FARCALL_DATABASE_URL",
            &format!("postgres://farm:{TOKEN}@127.0.0.1:1/farm"),
        )
        .run()
        .await;
    seen.is_broken_at(
        "store",
        "postgres://127.0.0.1:1/farm",
        "see that the server runs",
    );
}

#[tokio::test]
async fn a_place_of_files_that_takes_none() {
    let project = Project::new(FARM);
    let seen = machine(&project)
        .variable("FARCALL_ARTIFACTS_URL", "file:///proc/no/such/folder")
        .run()
        .await;
    seen.is_broken_at("artifacts", "takes no file in", "FARCALL_ARTIFACTS_URL");
}

#[tokio::test]
async fn an_env_that_others_may_read() {
    let project = Project::new(FARM);
    fs::write(project.path(".env"), format!("MCP_BEARER_TOKEN={TOKEN}\n")).unwrap();
    fs::set_permissions(project.path(".env"), fs::Permissions::from_mode(0o644)).unwrap();
    let seen = machine(&project).run().await;
    seen.is_broken_at("secrets", "mode 0644", "chmod 600 .env");
}

/// A user manager that answers these lines, and a log-in manager that answers this one.
async fn managed(project: &Project, unit: &str, linger: &str) -> Seen {
    let tools = project.path("tools");
    fs::create_dir_all(&tools).unwrap();
    let missing = "LoadState=not-found\nActiveState=inactive";
    script(
        &tools.join("systemctl"),
        &format!(
            "case \"$*\" in *' farm-mcp.service') printf '%s\\n' '{unit}';; *) printf '%s\\n' '{missing}';; esac"
        ),
    );
    script(&tools.join("loginctl"), &format!("echo {linger}"));
    let path = format!("{}:{PATH}", tools.display());
    machine(project).variable("PATH", &path).run().await
}

fn script(path: &PathBuf, body: &str) {
    fs::write(path, format!("#!/bin/sh\n{body}\n")).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
}

/// A unit that is as `deploy systemd` writes it.
const WELL: &str = "LoadState=loaded\nActiveState=active\nSubState=running\nUnitFileState=enabled\nRestart=always\nNRestarts=0\nNeedDaemonReload=no";

#[tokio::test]
async fn a_service_that_is_down_or_does_not_come_back() {
    let project = Project::new(FARM);
    let crashing = WELL
        .replace("ActiveState=active", "ActiveState=activating")
        .replace("SubState=running", "SubState=auto-restart")
        .replace("NRestarts=0", "NRestarts=7");
    let seen = managed(&project, &crashing, "Linger=yes").await;
    seen.is_broken_at(
        "service",
        "7 times by now",
        "journalctl --user -u farm-mcp.service",
    );
    let disabled = WELL.replace("UnitFileState=enabled", "UnitFileState=disabled");
    let seen = managed(&project, &disabled, "Linger=yes").await;
    seen.is_broken_at(
        "service",
        "does not start with the machine",
        "systemctl --user enable farm-mcp.service",
    );
    let once = WELL.replace("Restart=always", "Restart=no");
    let seen = managed(&project, &once, "Linger=yes").await;
    seen.says("service", "warning", "Restart=no", "Restart=always");
    // The port is the next that is wrong, and its remedy is that of a service.
    let seen = managed(&project, WELL, "Linger=yes").await;
    seen.is_broken_at("port", "", "systemctl --user start farm-mcp.service");
    seen.says("linger", "ok", "without a log-in", "");
}

#[tokio::test]
async fn a_user_who_does_not_linger() {
    let project = Project::new(FARM);
    let seen = managed(&project, WELL, "Linger=no").await;
    seen.is_broken_at(
        "linger",
        "end when the last log-in does",
        "loginctl enable-linger",
    );
}

#[tokio::test]
async fn no_service_is_not_taken_for_a_broken_one() {
    let project = Project::new(FARM);
    let seen = managed(&project, "LoadState=not-found", "Linger=no").await;
    seen.says(
        "service",
        "unverified",
        "is not installed",
        "deploy systemd",
    );
    assert_eq!(seen.broken(), ["port"], "{}", seen.all());
}
