//! `smoke`: the guide's smoke test of a server, from outside.
//!
//! It lists the tools, calls `add`, drives a job to its file and checks the file, over each
//! version of the protocol. Standard output is the guide's lines, or one JSON object;
//! everything else is talk, on standard error.

mod bar;
mod drive;
mod file;
mod plan;
mod report;
mod screen;

use std::time::Duration;

use secrecy::SecretString;

use self::{
    drive::drive,
    report::{Report, Run},
    screen::Screen,
};
pub(in crate::verbs) use self::{
    file::fetched,
    plan::{Plan, Sum, Wanted},
};
use crate::{
    Failure,
    client::{ConnectError, Connection, Endpoint, Wire},
    terminal::{print_json, talk},
};

/// What `smoke` takes.
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = "\
Environment:
  FARCALL_TOKEN, else MCP_BEARER_TOKEN   Token of the server, sent as `Authorization: Bearer …`
The token is sent to other machines only over TLS; a --header is always sent.

Exit status: 0 the server is fine, 1 it is not, 2 the command is wrong")]
pub struct Flags {
    /// URL of the server's MCP endpoint, for example http://127.0.0.1:8900/mcp
    pub url: String,
    /// Tool to call, or job to drive, instead of `add` and the first job
    #[arg(long, value_name = "NAME")]
    pub tool: Option<String>,
    /// Arguments of that tool or job, a JSON object [default: {}]
    #[arg(long, value_name = "JSON", requires = "tool")]
    pub args: Option<String>,
    /// Header to send with every request; can be given several times
    #[arg(long = "header", value_name = "NAME: VALUE")]
    pub headers: Vec<SecretString>,
    /// Version of the protocol to speak
    #[arg(long, value_name = "VERSION", default_value = "both")]
    pub wire: Wires,
    /// Seconds that a job may take
    #[arg(long, value_name = "SECONDS", default_value_t = 120)]
    pub timeout: u64,
    /// Print one JSON object instead of lines
    #[arg(long)]
    pub json: bool,
}

/// Which versions of the protocol are tested.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Wires {
    /// 2026-07-28, then 2025-11-25
    Both,
    /// Every request stands for itself
    #[value(name = "2026-07-28")]
    Stateless,
    /// Requests follow a handshake
    #[value(name = "2025-11-25")]
    Handshake,
}

impl Wires {
    fn list(self) -> &'static [Wire] {
        match self {
            Self::Both => &[Wire::Stateless, Wire::Handshake],
            Self::Stateless => &[Wire::Stateless],
            Self::Handshake => &[Wire::Handshake],
        }
    }
}

/// What is to be tested, once the flags have been read.
struct Task {
    endpoint: Endpoint,
    wanted: Wanted,
    wires: &'static [Wire],
    give_up_after: Duration,
}

impl Task {
    fn read(flags: &Flags) -> Result<Self, Failure> {
        Ok(Self {
            endpoint: Endpoint::new(&flags.url)?.with_credentials(&flags.headers)?,
            wanted: Wanted::read(flags.tool.as_deref(), flags.args.as_deref())?,
            wires: flags.wire.list(),
            give_up_after: Duration::from_secs(flags.timeout),
        })
    }
}

pub(crate) async fn smoke(flags: Flags) -> Result<(), Failure> {
    let task = Task::read(&flags)?;
    let screen = Screen::new(flags.json);
    let mut report = Report::new(&task.endpoint);
    let outcome = test(&task, &screen, &mut report).await;
    if flags.json {
        print_json(&report.ended(&outcome));
    } else if outcome.is_ok() {
        screen.line("OK ✅");
    }
    outcome
}

/// Goes through everything once a version, and says so where it is not the first time.
async fn test(task: &Task, screen: &Screen, report: &mut Report) -> Result<(), Failure> {
    let mut not_spoken = None;
    for &wire in task.wires {
        let is_first = report.runs.is_empty();
        let about = |failure| {
            if is_first {
                failure
            } else {
                again(wire, failure)
            }
        };
        let connection = match Connection::open(&task.endpoint, wire).await {
            Ok(connection) => connection,
            Err(ConnectError::NotSpoken(_)) if task.wires.len() > 1 && not_spoken.is_none() => {
                not_spoken = Some(wire);
                continue;
            }
            Err(ConnectError::NotSpoken(failure)) if failure.hint.is_none() => {
                return Err(about(
                    failure.hint("leave the version to the server: --wire both"),
                ));
            }
            Err(error) => return Err(about(error.into())),
        };
        let mut run = Run::new(connection.version());
        if is_first && let Some(wire) = not_spoken {
            screen.note(&format!(
                "this server does not speak {wire}; it is tested over {} only",
                run.version
            ));
        }
        let outcome = drive(&connection, task, &screen.of_run(is_first), &mut run).await;
        connection.close().await;
        if !is_first && outcome.is_ok() {
            talk(&format!("again over {}: fine", run.version));
        }
        report.runs.push(run);
        outcome.map_err(about)?;
    }
    report.not_spoken = not_spoken.map(|wire| wire.to_string());
    if not_spoken == Some(Wire::Handshake) {
        screen.note("this server does not speak 2025-11-25, which most clients need");
    }
    Ok(())
}

/// A failure that was not there over the version before says which one it is about.
fn again(wire: Wire, mut failure: Failure) -> Failure {
    failure.message = format!("over {wire}: {}", failure.message);
    failure
}
