//! The guide's server in Python.

use anyhow::Result;

use super::{On, Server};
use crate::{requests::TOKEN, setup::Setup};

/// With steps of half a second.
pub(crate) fn guide(setup: &Setup, on: On) -> Result<Server> {
    guide_with_steps(setup, on, 0.5)
}

/// Each of the three steps of a render takes so many seconds at least.
pub(crate) fn guide_with_steps(setup: &Setup, on: On, seconds: f64) -> Result<Server> {
    Server::start(&setup.python(), on, |command, port, folder| {
        command
            .arg(setup.root.join("bench/guide_server.py"))
            .env("MCP_PORT", port.to_string())
            .env("MCP_BEARER_TOKEN", TOKEN)
            .env("STEP_SECONDS", seconds.to_string())
            .env("TMPDIR", folder);
        Ok(())
    })
}
