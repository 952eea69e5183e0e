//! What is broken on the machine of the server: its data, its secrets, its service, its port.

use std::{
    fs,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::Command,
};

use super::{Doctor, FARM, Seen, TOKEN, free_port, front::answering};
use crate::harness::{PATH, Project};

/// The hops of the machine alone, with nobody at the port.
fn machine(project: &Project) -> Doctor {
    Doctor::within(&project.path(""))
        .argument("--only")
        .argument("machine")
        .variable("MCP_PORT", &free_port().to_string())
}

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

#[tokio::test]
async fn secrets_that_are_in_git() {
    let project = Project::new(FARM);
    let private = |name: &str, text: String| {
        fs::write(project.path(name), text).unwrap();
        fs::set_permissions(project.path(name), fs::Permissions::from_mode(0o600)).unwrap();
    };
    private(".env", format!("MCP_BEARER_TOKEN={TOKEN}\n"));
    git(&project.path(""), &["init", "-q"]);
    let seen = machine(&project).run().await;
    seen.says(
        "secrets",
        "warning",
        "`.env` is not ignored",
        "echo .env >> .gitignore",
    );
    // It is ignored, and its value stands elsewhere.
    private(".gitignore", ".env\n".to_owned());
    private(
        "deploy.sh",
        format!("curl -H 'Authorization: Bearer {TOKEN}'\n"),
    );
    git(&project.path(""), &["add", "-A"]);
    let seen = machine(&project).run().await;
    seen.is_broken_at(
        "secrets",
        "`MCP_BEARER_TOKEN` stands in `deploy.sh`",
        "make a new one",
    );
    // It is in there itself.
    git(&project.path(""), &["rm", "-q", "--cached", "deploy.sh"]);
    git(&project.path(""), &["add", "-f", ".env"]);
    let seen = machine(&project).run().await;
    seen.is_broken_at("secrets", "`.env` is in git", "git rm --cached .env");
}

#[tokio::test]
async fn the_address_of_a_database_in_git_is_no_leak_and_its_password_is() {
    let farm = FARM.replace(
        "[server]\n",
        "[server]\ndatabase_url = \"postgres://127.0.0.1:1/farm\"\n",
    );
    let project = Project::new(&farm);
    git(&project.path(""), &["init", "-q"]);
    fs::write(project.path(".gitignore"), ".env\n.farcall\n").unwrap();
    git(&project.path(""), &["add", "-A"]);
    let seen = machine(&project).run().await;
    seen.says("secrets", "ok", "no secret of the configuration", "");
    // The address is in no file, and its password is.
    let address = format!("postgres://farm:{TOKEN}@127.0.0.1:1/farm");
    fs::write(
        project.path("deploy.sh"),
        format!("export PGPASSWORD={TOKEN}\n"),
    )
    .unwrap();
    git(&project.path(""), &["add", "-A"]);
    let seen = machine(&project)
        .variable("FARCALL_DATABASE_URL", &address)
        .run()
        .await;
    seen.says(
        "secrets",
        "broken",
        "the password in `FARCALL_DATABASE_URL` stands in `deploy.sh`",
        "make a new one",
    );
}

#[tokio::test]
async fn what_is_staged_is_searched_also_where_the_file_is_another_by_now() {
    let project = Project::new(FARM);
    let folder = project.path("");
    let here = || machine(&project).variable("MCP_BEARER_TOKEN", TOKEN);
    git(&folder, &["init", "-q"]);
    fs::write(project.path(".gitignore"), ".env\n.farcall\n").unwrap();
    fs::write(project.path("deploy.sh"), format!("token={TOKEN}\n")).unwrap();
    git(&folder, &["add", ".gitignore", "deploy.sh"]);
    fs::write(project.path("deploy.sh"), "token=$TOKEN\n").unwrap();
    let staged = "`MCP_BEARER_TOKEN` stands in `deploy.sh` as it is staged";
    here()
        .run()
        .await
        .is_broken_at("secrets", staged, "make a new one");
    fs::remove_file(project.path("deploy.sh")).unwrap();
    here()
        .run()
        .await
        .is_broken_at("secrets", staged, "make a new one");
    // What is neither here nor said to differ is not called clean.
    git(&folder, &["update-index", "--skip-worktree", "deploy.sh"]);
    let seen = here().run().await;
    seen.says(
        "secrets",
        "unverified",
        "1 of the files that git has here could not be read",
        "",
    );
    let is_clean =
        |found: &serde_json::Value| found["check"] == "secrets" && found["level"] == "ok";
    assert!(!seen.findings.iter().any(is_clean), "{}", seen.all());
}

#[tokio::test]
async fn an_env_in_git_is_told_also_where_git_cannot_say_the_rest() {
    let project = Project::new(FARM);
    fs::write(project.path(".env"), format!("MCP_BEARER_TOKEN={TOKEN}\n")).unwrap();
    git(&project.path(""), &["init", "-q"]);
    git(&project.path(""), &["add", "-f", ".env"]);
    let seen = machine(&project)
        .variable("FARCALL_DATA_DIR", ":(nonsense)data")
        .run()
        .await;
    seen.says(
        "secrets",
        "broken",
        "`.env` is in git",
        "git rm --cached .env",
    );
    seen.says("secrets", "unverified", "git fails", "git status");
}

#[tokio::test]
async fn what_git_does_not_tell_is_not_said_to_be_clean() {
    let project = Project::new(FARM);
    let folder = project.path("");
    let here = || machine(&project).variable("MCP_BEARER_TOKEN", TOKEN);
    let not_clean = |seen: &Seen, finding: &str| {
        seen.says("secrets", "unverified", finding, "");
        let is_clean =
            |found: &serde_json::Value| found["check"] == "secrets" && found["level"] == "ok";
        assert!(!seen.findings.iter().any(is_clean), "{}", seen.all());
    };
    not_clean(&here().run().await, "in no repository of git");
    git(&folder, &["init", "-q"]);
    fs::write(project.path(".gitignore"), ".env\n.farcall\n").unwrap();
    git(&folder, &["add", ".gitignore"]);
    here()
        .run()
        .await
        .says("secrets", "ok", "the first MiB of each", "");
    // There are more files than are searched, all of them the same one.
    let blob = Command::new("git")
        .args(["hash-object", "-w", ".gitignore"])
        .current_dir(&folder)
        .output()
        .unwrap();
    let blob = String::from_utf8(blob.stdout).unwrap();
    let lines: Vec<_> = (0..20_005)
        .map(|index| format!("100644 {} 0\tfile-{index}\n", blob.trim()))
        .collect();
    fs::write(project.path("index-info"), lines.concat()).unwrap();
    let added = Command::new("git")
        .args(["update-index", "--index-info"])
        .current_dir(&folder)
        .stdin(fs::File::open(project.path("index-info")).unwrap())
        .status();
    assert!(added.unwrap().success());
    not_clean(&here().run().await, "first 20000 files of the 20006");
    // Somebody has leaked it, and git cannot say so.
    fs::write(project.path("leak.sh"), format!("token={TOKEN}\n")).unwrap();
    git(&folder, &["add", "leak.sh"]);
    fs::write(project.path(".git/index"), "torn").unwrap();
    not_clean(&here().run().await, "git fails");
}

fn git(folder: &Path, arguments: &[&str]) {
    let run = Command::new("git")
        .args(arguments)
        .current_dir(folder)
        .output()
        .unwrap();
    assert!(run.status.success(), "{run:?}");
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
