//! `doctor` against set-ups that are broken on purpose: the right finding, the right remedy, the right exit status.
//!
//! Servers are real ones, and what stands in front of them is a few lines that answer 530, hold answers back, cut
//! streams, or show certificates that are wrong in one way.

mod calls;
mod certificates;
mod committed;
mod configured;
mod edges;
mod elsewhere;
mod front;
mod handed_over;
mod kept;
mod messages;
mod overlong;
mod roundabout;
mod same_server;
mod secrets;
mod sound;
mod strangers;
mod streams;

use std::{path::Path, process::Command, time::Duration};

use farcall_testpg::free_port;
use serde_json::Value;
use tokio::time::timeout;

use crate::harness::{PATH, Project, Server};

/// How long `doctor` may take here.
const PATIENCE: Duration = Duration::from_mins(1);

/// A secret of these servers.
const TOKEN: &str = "d0ct0r-t0ken-d0ct0r-t0ken";

/// A server with a tool and a job.
const FARM: &str = r#"
[server]
name = "farm-mcp"

[tool.add]
description = "Add two numbers."
command = ["python3", "-c", "import json, sys; print(json.dumps(dict(sum=float(sys.argv[1]) + float(sys.argv[2]))))", "{a}", "{b}"]
output = "json"
params.a = { type = "number", description = "First number." }
params.b = { type = "number", description = "Second number." }

[job.print]
description = "Print a page."
command = ["python3", "-c", "import pathlib, sys; pathlib.Path('page.txt').write_text(sys.argv[1])", "{text}"]
artifacts = ["page.txt"]
params.text = { type = "string", default = "hello", description = "What to print." }
"#;

/// A command line that is being put together.
struct Doctor(Command);

impl Doctor {
    /// `farcall doctor --json` in this folder, in an empty environment.
    fn within(folder: &Path) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_farcall"));
        command
            .args(["doctor", "--json"])
            .current_dir(folder)
            .env_clear()
            .env("PATH", PATH);
        Self(command)
    }

    fn argument(mut self, argument: impl AsRef<std::ffi::OsStr>) -> Self {
        self.0.arg(argument);
        self
    }

    fn variable(mut self, name: &str, value: &str) -> Self {
        self.0.env(name, value);
        self
    }

    async fn run(mut self) -> Seen {
        let run = tokio::task::spawn_blocking(move || self.0.output());
        let output = timeout(PATIENCE, run).await.unwrap().unwrap().unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        let (stdout, stderr) = (text(output.stdout), text(output.stderr));
        assert!(
            !format!("{stdout}{stderr}").contains(TOKEN),
            "{stdout}{stderr}"
        );
        let report: Value = serde_json::from_str(&stdout).unwrap_or_default();
        Seen {
            exit: output.status.code().unwrap(),
            findings: report["findings"].as_array().cloned().unwrap_or_default(),
            stdout,
            stderr,
        }
    }
}

/// A look at a URL alone, from a folder with nothing in it.
async fn afar(url: &str, variables: &[(&str, &str)]) -> Seen {
    let folder = tempfile::tempdir().unwrap();
    let doctor = Doctor::within(folder.path()).argument(url);
    let doctor = variables
        .iter()
        .fold(doctor, |doctor, (name, value)| doctor.variable(name, value));
    doctor.run().await
}

/// A look from the folder of a project whose server has this port.
fn beside(project: &Project, port: &str) -> Doctor {
    Doctor::within(&project.path("")).variable("MCP_PORT", port)
}

/// The hops of the machine alone, with nobody at the port.
fn machine(project: &Project) -> Doctor {
    Doctor::within(&project.path(""))
        .argument("--only")
        .argument("machine")
        .variable("MCP_PORT", &free_port().to_string())
}

/// A project whose server will have a port that is known before it is started.
fn on_a_known_port() -> (Project, String) {
    let port = free_port().to_string();
    (Project::new(FARM).with("MCP_PORT", &port), port)
}

/// A server that wants [`TOKEN`].
async fn gated() -> (Project, Server) {
    let project = Project::new(FARM).with("MCP_BEARER_TOKEN", TOKEN);
    let server = project.serve().await;
    (project, server)
}

/// What it said.
#[derive(Debug)]
struct Seen {
    exit: i32,
    findings: Vec<Value>,
    stdout: String,
    stderr: String,
}

impl Seen {
    /// That a check came to a level, with these words in its finding and in its remedy.
    #[track_caller]
    fn says(&self, check: &str, level: &str, finding: &str, remedy: &str) -> &Self {
        let text =
            |value: &Value, field: &str| value[field].as_str().unwrap_or_default().to_owned();
        let found = self.findings.iter().any(|found| {
            text(found, "check") == check
                && text(found, "level") == level
                && (text(found, "finding") + &text(found, "cause")).contains(finding)
                && text(found, "remedy").contains(remedy)
        });
        assert!(
            found,
            "no {level} {check} with `{finding}` and `{remedy}`:\n{}",
            self.all()
        );
        self
    }

    /// That this is broken, the first of what is, and so the exit status is 1.
    #[track_caller]
    fn is_broken_at(&self, check: &str, finding: &str, remedy: &str) -> &Self {
        assert_eq!(self.exit, 1, "{}", self.all());
        assert_eq!(
            self.broken().first().map(String::as_str),
            Some(check),
            "{}",
            self.all()
        );
        self.says(check, "broken", finding, remedy)
    }

    /// The checks that found something broken.
    fn broken(&self) -> Vec<String> {
        let broken = self
            .findings
            .iter()
            .filter(|found| found["level"] == "broken");
        broken
            .map(|found| found["check"].as_str().unwrap().to_owned())
            .collect()
    }

    fn all(&self) -> String {
        let lines: Vec<_> = self.findings.iter().map(Value::to_string).collect();
        format!("exit {}\n{}\n{}", self.exit, lines.join("\n"), self.stderr)
    }
}
