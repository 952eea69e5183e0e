//! The official SDK without anything around it.

use anyhow::Result;

use super::{On, Server};
use crate::setup::Setup;

pub(crate) fn plain_rmcp(setup: &Setup, on: On) -> Result<Server> {
    Server::start(&setup.program("plain-rmcp"), on, |command, port, _| {
        command.arg(port.to_string());
        Ok(())
    })
}
