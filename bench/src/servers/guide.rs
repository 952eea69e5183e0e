//! The guide's server in Python.

use anyhow::Result;

use super::{On, Server};
use crate::{requests::TOKEN, setup::Setup};

pub(crate) fn guide(setup: &Setup, on: On) -> Result<Server> {
    Server::start(&setup.python(), on, |command, port, folder| {
        command
            .arg(setup.root.join("bench/guide_server.py"))
            .env("MCP_PORT", port.to_string())
            .env("MCP_BEARER_TOKEN", TOKEN)
            .env("TMPDIR", folder);
        Ok(())
    })
}
