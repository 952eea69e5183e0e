//! The example server, in each of the ways in which callers are let in.

use farcall_acceptance::{Launch, Server, scratch};
use tempfile::TempDir;

use crate::peer::binary;

pub(crate) const TOOLS: [&str; 5] = [
    "add",
    "echo",
    "start_render",
    "get_render_status",
    "get_render_result",
];

const TOKEN: &str = "a-token-for-acceptance-tests-only";

/// What stands between a caller and the server.
pub(crate) struct Access {
    pub(crate) name: &'static str,
    /// What the server is told.
    pub(crate) server: &'static [(&'static str, &'static str)],
    /// What the client has.
    pub(crate) client: &'static [(&'static str, &'static str)],
}

pub(crate) const BARE: Access = Access {
    name: "bare",
    server: &[],
    client: &[],
};

/// The guide's option 3B: this server asks for a token.
pub(crate) const BEARER: Access = Access {
    name: "bearer",
    server: &[("MCP_BEARER_TOKEN", TOKEN)],
    client: &[("EXAMPLE_MCP_TOKEN", TOKEN)],
};

/// The guide's option 3A: an edge checks two headers, which also arrive here.
pub(crate) const EDGE: Access = Access {
    name: "edge",
    server: &[],
    client: &[
        ("EXAMPLE_CF_CLIENT_ID", "0123456789abcdef.access"),
        ("EXAMPLE_CF_CLIENT_SECRET", "a-secret-for-tests"),
    ],
};

pub(crate) const EVERY_ACCESS: [Access; 3] = [BARE, BEARER, EDGE];

/// An example server with a data folder of its own.
pub(crate) struct Example {
    pub(crate) server: Server,
    pub(crate) folder: TempDir,
}

pub(crate) async fn example(access: &Access) -> Example {
    let folder = scratch(env!("CARGO_TARGET_TMPDIR"));
    let server = launch(&folder, access).start().await;
    Example { server, folder }
}

pub(crate) fn launch(folder: &TempDir, access: &Access) -> Launch {
    let launch = Launch::of(&binary("example-mcp-server"), folder.path());
    let variables = access.server.iter();
    variables.fold(launch, |launch, (name, value)| launch.env(name, value))
}
