//! Who puts a server of standard input and output online, each in front of the same one.

use std::{ffi::OsString, path::Path, process::Command};

use anyhow::Result;

use super::{On, Server, farcall::defaults};
use crate::setup::Setup;

/// The server that is mounted.
const MOUNTED: &str = "stdio-server";

/// farcall, with its defaults on.
pub(crate) fn farcall(setup: &Setup, on: On) -> Result<Server> {
    Server::start(&setup.program("farcall"), on, |command, port, folder| {
        command.args(["serve", "--"]).arg(setup.program(MOUNTED));
        defaults(command, port, &folder.join("data"));
        Ok(())
    })
}

/// supergateway with sessions: without them it starts the server for each request.
pub(crate) fn supergateway(setup: &Setup, on: On) -> Result<Server> {
    Server::start(&setup.supergateway(), on, |command, port, _| {
        let mounted = setup.program(MOUNTED);
        command
            .arg("--stdio")
            .arg(mounted)
            .args(["--outputTransport", "streamableHttp", "--stateful"])
            .args(["--healthEndpoint", "/healthz", "--logLevel", "none"])
            .args(["--port", &port.to_string()]);
        let path: OsString = [setup.node().as_os_str(), ":/usr/bin:/bin".as_ref()]
            .into_iter()
            .collect();
        command.env("PATH", path);
        Ok(())
    })
}

/// mcp-proxy of PyPI.
pub(crate) fn mcp_proxy(setup: &Setup, on: On) -> Result<Server> {
    let configure = |command: &mut Command, port: u16, _: &Path| {
        command
            .args(["--log-level", "ERROR"])
            .args(["--port", &port.to_string(), "--"])
            .arg(setup.program(MOUNTED));
        Ok(())
    };
    Server::start_with(&setup.mcp_proxy(), on, "/status", configure)
}
