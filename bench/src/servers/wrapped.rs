//! farcall with a program as its only tool.

use std::fs;

use anyhow::Result;

use super::{On, Server, farcall::defaults};
use crate::setup::Setup;

/// The program, and what it is to say.
pub(crate) const PROGRAM: &str = "/bin/echo";
pub(crate) const SAID: &str = "said";

/// farcall, with its defaults on: sandbox, log and limits.
pub(crate) fn farcall(setup: &Setup, on: On) -> Result<Server> {
    Server::start(&setup.program("farcall"), on, |command, port, folder| {
        let tool = format!(
            "[tool.say]\ndescription = \"Say it.\"\ncommand = [\"{PROGRAM}\", \"{SAID}\"]\n"
        );
        fs::write(folder.join("farcall.toml"), tool)?;
        command.arg("serve");
        defaults(command, port, &folder.join("data"));
        Ok(())
    })
}
