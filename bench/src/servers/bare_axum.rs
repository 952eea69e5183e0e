//! The limit.

use std::fs;

use anyhow::Result;

use super::{On, Server};
use crate::setup::Setup;

/// Bare axum, with a ready answer to `tools/list`.
pub(crate) fn bare_axum(setup: &Setup, on: On, tools: &[u8]) -> Result<Server> {
    Server::start(&setup.program("bare-axum"), on, |command, port, folder| {
        let file = folder.join("tools.json");
        fs::write(&file, tools)?;
        command.arg(port.to_string()).arg(file);
        Ok(())
    })
}
