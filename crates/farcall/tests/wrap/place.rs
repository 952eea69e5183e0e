//! Where a program may reach: what its author names, and nothing of the server's, of its owner's or of
//! another caller's. It is the kernel that says no (CVE-2026-53710: a sandbox of the language's was left).

use std::{
    fs,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
};

use serde_json::json;
use tempfile::TempDir;

use crate::harness::{Project, Server, written};

/// A tool for each sandbox, a mounted server for each, and a job that stays.
fn toml(sandboxes: &[&str]) -> String {
    let tools = sandboxes.iter().map(|sandbox| {
        format!(
            r#"
[tool.{sandbox}]
description = "Try to reach something."
command = ["python3", "reach.py", "{{actions}}"]
output = "json"
sandbox = "{sandbox}"
readable = ["${{PLACE}}/models", ".cache"]
writable = ["out"]
params.actions = {{ type = "array", items = {{ type = "string" }}, description = "What to try." }}

[mount.{sandbox}]
command = ["python3", "mcp_server.py"]
sandbox = "{sandbox}"
readable = ["${{PLACE}}/models", ".cache"]
writable = ["out"]
allow = ["reach"]
prefix = "{sandbox}_"
"#
        )
    });
    tools.collect::<String>() + crate::jobs::ACT
}

/// A project with everything in it that a program might want, and its server.
struct Town {
    project: Project,
    elsewhere: TempDir,
    server: Server,
    /// A file in the work folder of a job that runs.
    of_a_job: PathBuf,
    data: PathBuf,
}

impl Town {
    /// With its data in this folder of the project, and these sandboxes.
    async fn new(data: &str, sandboxes: &[&str]) -> Self {
        let elsewhere = tempfile::tempdir().unwrap();
        let place = elsewhere.path().to_str().unwrap();
        for folder in ["models", "models-evil", "home/.ssh"] {
            fs::create_dir_all(elsewhere.path().join(folder)).unwrap();
        }
        for file in ["models/a", "models-evil/a", "home/.ssh/id"] {
            fs::write(elsewhere.path().join(file), "x").unwrap();
        }
        let project = Project::new(&toml(sandboxes).replace("${PLACE}", place));
        for folder in [".cache", ".git", "out", "scenes/.inner", "shows"] {
            fs::create_dir_all(project.path(folder)).unwrap();
        }
        for file in [
            ".cache/a",
            ".env",
            ".git/config",
            "notes.txt",
            "scenes/lake",
            "scenes/.inner/a",
        ] {
            fs::write(project.path(file), "# x\n").unwrap();
        }
        symlink("scenes/lake", project.path("near")).unwrap();
        symlink(".env", project.path("hidden")).unwrap();
        symlink(elsewhere.path().join("home/.ssh/id"), project.path("far")).unwrap();
        let project = project
            .with("OUT", place)
            .with("HOME", elsewhere.path().join("home").to_str().unwrap())
            .with("FARCALL_DATA_DIR", data);
        let server = project.serve().await;
        server
            .start("act", json!({"actions": ["write=mine:x", "where", "wait"]}))
            .await;
        let work = written(&elsewhere.path().join("where")).await;
        Self {
            data: project.path(data),
            project,
            elsewhere,
            server,
            of_a_job: Path::new(work.trim_end()).join("mine"),
        }
    }

    async fn tried(&self, tool: &str, actions: &[String]) -> Vec<(String, String)> {
        let answer = self.server.value(tool, json!({"actions": actions})).await;
        let outcome = |action: &String| {
            let outcome = answer[action].as_str();
            (
                action.clone(),
                outcome.map_or_else(|| answer.to_string(), str::to_owned),
            )
        };
        actions.iter().map(outcome).collect()
    }

    fn allowed(&self) -> Vec<String> {
        let here = |verb: &str, name: &str| action(verb, &self.project.path(name));
        let there = |verb: &str, name: &str| action(verb, &self.elsewhere.path().join(name));
        vec![
            here("list", ""),
            here("read", "notes.txt"),
            here("read", "scenes/lake"),
            here("read", "scenes/.inner/a"),
            here("read", "near"),
            here("read", ".cache/a"),
            here("write", "out/new"),
            there("read", "models/a"),
            "read=/etc/passwd".to_owned(),
        ]
    }

    fn forbidden(&self) -> Vec<String> {
        let here = |verb: &str, name: &str| action(verb, &self.project.path(name));
        let there = |verb: &str, name: &str| action(verb, &self.elsewhere.path().join(name));
        let process = Path::new("/proc").join(self.server.process().to_string());
        vec![
            here("read", ".env"),
            here("read", "hidden"),
            here("read", ".git/config"),
            here("read", "farcall.toml"),
            here("read", "far"),
            action("read", &self.data.join("jobs.sqlite3")),
            action("read", &self.of_a_job),
            there("read", "models-evil/a"),
            there("read", "home/.ssh/id"),
            there("list", "home"),
            action("read", &process.join("environ")),
            here("write", ".env"),
            here("write", "notes.txt"),
            here("write", "new"),
            here("write", "scenes/new"),
            here("write", "farcall.toml"),
            here("write", ".cache/new"),
            action("write", &self.data.join("new")),
            action("write", &self.of_a_job),
            there("write", "models/new"),
            there("write", "home/.ssh/id"),
        ]
    }
}

fn action(verb: &str, path: &Path) -> String {
    format!("{verb}={}", path.to_str().unwrap())
}

async fn is_kept_in_its_place(sandbox: &str, data: &str) {
    let town = Town::new(data, &[sandbox, "off"]).await;
    let own = ["write=in-its-own-folder".to_owned()];
    assert_eq!(town.tried(sandbox, &own).await[0].1, "ok");
    let forbidden = town.forbidden();
    // A mounted server is kept in its place as a program is.
    for tool in [sandbox.to_owned(), format!("{sandbox}_reach")] {
        for (action, outcome) in town.tried(&tool, &town.allowed()).await {
            assert_eq!(outcome, "ok", "{tool}: {action}");
        }
        for (action, outcome) in town.tried(&tool, &forbidden).await {
            let is_refused = ["EACCES", "ENOENT", "EROFS"].contains(&outcome.as_str());
            assert!(is_refused, "{tool}: {action}: {outcome}");
        }
    }
    // All of it is there: without a sandbox, nothing is in the way of any of them.
    for tool in ["off", "off_reach"] {
        for (action, outcome) in town.tried(tool, &forbidden).await {
            assert_eq!(outcome, "ok", "{tool}: {action}");
        }
    }
}

#[tokio::test]
async fn a_program_reads_what_is_not_hidden_and_what_its_author_names() {
    is_kept_in_its_place("required", ".farcall").await;
}

#[tokio::test]
async fn a_data_folder_that_is_not_hidden_is_the_servers_all_the_same() {
    is_kept_in_its_place("required", "shows/state").await;
}

#[cfg(feature = "bwrap-tests")]
#[tokio::test]
async fn bubblewrap_shows_a_program_no_more_than_that() {
    is_kept_in_its_place("bwrap", ".farcall").await;
    is_kept_in_its_place("bwrap", "shows/state").await;
}

/// Whoever may write to the folder of a `farcall.toml` may run anything.
#[tokio::test]
async fn a_program_that_runs_in_the_folder_of_the_file_reads_it_and_writes_nothing() {
    let toml = r#"
[tool.reach]
description = "Try to reach something."
command = ["python3", "reach.py", "{actions}"]
output = "json"
working_dir = "."
params.actions = { type = "array", items = { type = "string" }, description = "What to try." }
"#;
    let project = Project::new(toml);
    fs::write(project.path(".env"), "# x\n").unwrap();
    let server = project.serve().await;
    let reached = json!({
        "list=.": "ok",
        "read=reach.py": "ok",
        "read=.env": "EACCES",
        "write=.env": "EACCES",
        "write=farcall.toml": "EACCES",
        "write=new": "EACCES",
        "write=reach.py": "EACCES",
    });
    let actions: Vec<_> = reached.as_object().unwrap().keys().collect();
    let seen = server.value("reach", json!({"actions": actions})).await;
    assert_eq!(seen, reached);
}

/// Who called what is no business of theirs, nor is what was rotated away or copied.
#[tokio::test]
async fn a_program_reads_no_audit_log_and_nothing_that_came_of_one() {
    let toml = r#"
[tool.reach]
description = "Try to reach something."
command = ["python3", "reach.py", "{actions}"]
output = "json"
sandbox = "required"
readable = ["${LOGS}"]
params.actions = { type = "array", items = { type = "string" }, description = "What to try." }
"#;
    let logs = tempfile::tempdir().unwrap();
    let place = logs.path().to_str().unwrap();
    let project = Project::new(&toml.replace("${LOGS}", place))
        .with("FARCALL_AUDIT", &format!("{place}/audit.jsonl"));
    let server = project.serve().await;
    // After the start: programs are shown what there is when they begin.
    fs::create_dir(logs.path().join("audit.jsonl.d")).unwrap();
    for file in [
        "audit.jsonl.1",
        "audit.jsonl-20261129.gz",
        "audit.jsonl.d/a",
        "other.log",
    ] {
        fs::write(logs.path().join(file), "x\n").unwrap();
    }
    fs::write(project.path("farcall.toml~"), "# x\n").unwrap();
    let actions = [
        (action("read", &logs.path().join("other.log")), true),
        (action("read", &logs.path().join("audit.jsonl")), false),
        (action("read", &logs.path().join("audit.jsonl.1")), false),
        (
            action("read", &logs.path().join("audit.jsonl-20261129.gz")),
            false,
        ),
        (action("read", &logs.path().join("audit.jsonl.d/a")), false),
        (action("write", &logs.path().join("other.log")), false),
        (action("read", &project.path("farcall.toml~")), false),
    ];
    let names: Vec<_> = actions.iter().map(|(action, _)| action).collect();
    let seen = server.value("reach", json!({"actions": names})).await;
    for (action, is_allowed) in &actions {
        assert_eq!(seen[action] == "ok", *is_allowed, "{action}: {seen}");
    }
    // The log is moved away, and the next one is not there yet.
    fs::remove_file(logs.path().join("audit.jsonl")).unwrap();
    let rotated = action("read", &logs.path().join("audit.jsonl.1"));
    let seen = server.value("reach", json!({"actions": [&rotated]})).await;
    assert_ne!(seen[&rotated], "ok");
}
