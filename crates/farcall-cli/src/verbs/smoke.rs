//! `smoke`: the guide's smoke test of a server, from outside.

use crate::Failure;

/// What `smoke` takes.
#[derive(Clone, Debug, clap::Args)]
pub struct Flags {
    /// URL of the server's MCP endpoint, for example http://127.0.0.1:8900/mcp
    pub url: String,
}

pub(crate) async fn smoke(flags: Flags) -> Result<(), Failure> {
    Err(Failure::failed(flags.url))
}
