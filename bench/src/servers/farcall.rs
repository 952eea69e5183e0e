//! farcall, with its defaults on, but for how often one caller may call.

use std::{path::Path, process::Command};

use anyhow::Result;

use super::{On, S3, Server};
use crate::{requests::TOKEN, setup::Setup};

/// More than any server answers.
const MOST_CALLS: &str = "1000000000/s";

/// The example server; `data` is its folder where it is to outlive the server.
pub(crate) fn example(setup: &Setup, on: On, data: Option<&Path>) -> Result<Server> {
    let program = setup.program("example-mcp-server");
    Server::start(&program, on, |command, port, folder| {
        defaults(command, port, data.unwrap_or(&folder.join("data")));
        Ok(())
    })
}

/// A server with 200 tools.
pub(crate) fn many_tools(setup: &Setup, on: On) -> Result<Server> {
    start(setup, "many-tools", on, |_, _| {})
}

/// A server whose job leaves files of any length, in its folder unless there is a bucket for them.
pub(crate) fn big_files(setup: &Setup, on: On, bucket: Option<&S3>) -> Result<Server> {
    start(setup, "big-files", on, |command, _| {
        command.envs(bucket.into_iter().flat_map(S3::variables));
    })
}

/// Where a server keeps its jobs, if not where it was started.
#[derive(Clone, Copy, Default)]
pub(crate) struct Place<'a> {
    /// The data folder.
    pub(crate) data: Option<&'a Path>,
    /// The address of a database.
    pub(crate) database: Option<&'a str>,
    /// The file to which each job appends its id where it begins.
    pub(crate) begun: Option<&'a Path>,
}

/// A server whose jobs take as long as they are told.
pub(crate) fn many_jobs(setup: &Setup, on: On, place: Place) -> Result<Server> {
    start(setup, "many-jobs", on, |command, folder| {
        command.env("FARCALL_CONCURRENCY", "64").env(
            "FARCALL_DATA_DIR",
            place.data.unwrap_or(&folder.join("data")),
        );
        if let Some(file) = place.begun {
            command.env("BENCH_BEGUN", file);
        }
        if let Some(url) = place.database {
            command.env("FARCALL_DATABASE_URL", url);
        }
    })
}

/// One of the servers of the benchmark's own program.
fn start(
    setup: &Setup,
    name: &str,
    on: On,
    configure: impl FnOnce(&mut Command, &Path),
) -> Result<Server> {
    let program = setup.program("farcall-servers");
    Server::start(&program, on, |command, port, folder| {
        defaults(command, port, &folder.join("data"));
        command.env("BENCH_SERVER", name);
        configure(command, folder);
        Ok(())
    })
}

/// What every server of farcall is told.
pub(super) fn defaults(command: &mut Command, port: u16, data: &Path) {
    command
        .env("MCP_PORT", port.to_string())
        .env("MCP_BEARER_TOKEN", TOKEN)
        .env("FARCALL_DATA_DIR", data);
    // One client stands for many callers here. Each call is counted as it is without this.
    for rate in [
        "FARCALL_CALL_RATE",
        "FARCALL_TOOL_RATE",
        "FARCALL_POLL_RATE",
    ] {
        command.env(rate, MOST_CALLS);
    }
}
