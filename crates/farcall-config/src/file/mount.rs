//! Existing MCP servers that speak over standard input and output.

use std::{collections::BTreeMap, time::Duration};

use farcall_core::job::JobOptions;

use super::Command;

/// Programs that fetch what they run, and keep it in the home of their user.
const RUNNERS: [&str; 12] = [
    "bunx", "deno", "docker", "npm", "npx", "pipx", "pnpm", "podman", "uv", "uvx", "volta", "yarn",
];

/// Whether `program` is one that fetches what it runs. It cannot be kept in its place, because it writes to
/// the home of its user.
pub fn is_runner(program: &str) -> bool {
    let name = program.rsplit('/').next().unwrap_or_default();
    RUNNERS.contains(&name)
}

/// An existing MCP server.
#[derive(Clone, Debug)]
pub struct Mount {
    /// Its name in the file.
    pub name: String,
    /// How it is started; its arguments have no placeholders.
    pub command: Command,
    /// What stands before the names of its tools and prompts, may be empty.
    pub prefix: String,
    /// The tools that are passed on, by their own names; all where it is `None`.
    pub allowed: Option<Vec<String>>,
    /// The prompts that are, by their own names; all where it is `None`.
    pub allowed_prompts: Option<Vec<String>>,
    /// The resources and resource templates that are, by their URIs; all where it is `None`.
    pub allowed_resources: Option<Vec<String>>,
    /// What is changed about its tools, by their own names.
    pub tools: BTreeMap<String, MountedTool>,
    /// Its tools that become durable jobs, by their own names.
    pub jobs: BTreeMap<String, MountedJob>,
    /// How many of it run at once, 1 by default.
    pub pool: u32,
    /// After how long without a call it is stopped, 10 minutes by default; never where it is `None`.
    pub idle: Option<Duration>,
    /// How often it may be started again within a minute, 5 by default.
    pub restarts: u32,
    /// Whether what cannot be passed on as it is gets another name or is left out, instead of being a fault:
    /// there is no file in which anybody could put it right.
    pub is_lenient: bool,
}

/// What is changed about a tool of a mounted server.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MountedTool {
    /// Another name.
    pub name: Option<String>,
    /// Another description.
    pub description: Option<String>,
    /// How long a call may take.
    pub timeout: Option<Duration>,
}

/// A tool of a mounted server that becomes a durable job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MountedJob {
    /// The names of its stages, at least one.
    pub stages: Vec<String>,
    /// The files that it leaves for its caller, as of a job.
    pub artifacts: Vec<String>,
    /// How it is kept, limited and shown.
    pub options: JobOptions,
}
