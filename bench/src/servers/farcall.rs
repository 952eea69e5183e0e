//! farcall, with its defaults on.

use std::path::Path;

use anyhow::Result;

use super::{On, Server};
use crate::{requests::TOKEN, setup::Setup};

/// The example server; `data` is its folder where it is to outlive the server.
pub(crate) fn example(setup: &Setup, on: On, data: Option<&Path>) -> Result<Server> {
    start(setup, "example-mcp-server", on, data)
}

/// A server with 200 tools.
pub(crate) fn many_tools(setup: &Setup, on: On) -> Result<Server> {
    start(setup, "many-tools", on, None)
}

/// A server whose job leaves files of any length.
pub(crate) fn big_files(setup: &Setup, on: On) -> Result<Server> {
    start(setup, "big-files", on, None)
}

/// A server whose jobs take as long as they are told; each appends its id to `begun` where it
/// begins.
pub(crate) fn many_jobs(
    setup: &Setup,
    on: On,
    data: Option<&Path>,
    begun: Option<&Path>,
) -> Result<Server> {
    Server::start(&setup.program("many-jobs"), on, |command, port, folder| {
        command
            .env("MCP_PORT", port.to_string())
            .env("MCP_BEARER_TOKEN", TOKEN)
            .env("FARCALL_CONCURRENCY", "64")
            .env("FARCALL_DATA_DIR", data.unwrap_or(&folder.join("data")));
        if let Some(file) = begun {
            command.env("BENCH_BEGUN", file);
        }
        Ok(())
    })
}

fn start(setup: &Setup, program: &str, on: On, data: Option<&Path>) -> Result<Server> {
    Server::start(&setup.program(program), on, |command, port, folder| {
        command
            .env("MCP_PORT", port.to_string())
            .env("MCP_BEARER_TOKEN", TOKEN)
            .env("FARCALL_DATA_DIR", data.unwrap_or(&folder.join("data")));
        Ok(())
    })
}
