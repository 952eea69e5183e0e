//! `init`: begins a `farcall.toml`.
//!
//! It asks nothing: the name is the folder's, and a script in it becomes a first job; beside one in Python
//! goes what it can tell its progress with. A block of `mcpServers`, as desktop clients keep them, becomes
//! mounts.

mod helper;
mod import;
mod script;

use std::{
    fmt::Write as _,
    fs::OpenOptions,
    io::{self, Write as _},
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
};

use self::script::Script;
use crate::{Failure, terminal::talk};

/// The file that is written.
const FILE: &str = "farcall.toml";

/// What `init` takes.
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = "\
It writes farcall.toml in the working directory, and farcall.py beside a Python script. Secrets of a pasted
block go into `.env`.

Exit status: 0 the file is written, 1 it cannot be, 2 it is there already or the command is wrong")]
pub struct Flags {
    /// Replace a farcall.toml that is there
    #[arg(long)]
    pub force: bool,
    /// Mount the servers of an `mcpServers` block, as Claude Desktop and others keep it
    #[arg(long, value_name = "FILE")]
    pub from: Option<PathBuf>,
}

#[expect(
    clippy::needless_pass_by_value,
    reason = "as every verb takes its flags"
)]
pub(crate) fn init(flags: Flags) -> Result<(), Failure> {
    let folder = std::env::current_dir().map_err(|error| {
        Failure::failed(format!("the working directory cannot be found: {error}"))
    })?;
    if !flags.force && Path::new(FILE).exists() {
        return Err(there());
    }
    let head = head(&folder);
    if let Some(path) = &flags.from {
        let import = import::read(path)?;
        write(&format!("{head}\n{}", import.text), flags.force)?;
        import.keep_secrets()?;
        import.notes.iter().for_each(|note| talk(note));
    } else {
        let found = script::find(&folder);
        let first = found.as_ref().map_or(EXAMPLE.to_owned(), Script::job);
        write(&format!("{head}\n{first}\n{REST}"), flags.force)?;
        if let Some(script) = found.filter(Script::is_python) {
            helper::put_beside(&script.file)?;
        }
    }
    talk(&format!(
        "`{FILE}` is written; edit it, then try: farcall check"
    ));
    Ok(())
}

fn there() -> Failure {
    Failure::usage(format!("there is a `{FILE}` already"))
        .hint("edit it, or replace it with --force")
}

fn write(text: &str, force: bool) -> Result<(), Failure> {
    let mut options = OpenOptions::new();
    options.write(true).mode(0o644);
    if force {
        options.create(true).truncate(true);
    } else {
        // Somebody may have written one since it was looked for.
        options.create_new(true);
    }
    let written = options
        .open(FILE)
        .and_then(|mut file| file.write_all(text.as_bytes()));
    written.map_err(|error| match error.kind() {
        io::ErrorKind::AlreadyExists => there(),
        _ => Failure::failed(format!("`{FILE}` cannot be written: {error}")),
    })
}

/// What every file begins with.
fn head(folder: &Path) -> String {
    let name = folder.file_name().and_then(|name| name.to_str());
    let is_plain = |name: &&str| !name.trim().is_empty() && !name.chars().any(char::is_control);
    let name = quoted(name.filter(is_plain).unwrap_or("farcall"));
    format!(
        "# What agents can use of this folder, over MCP. Each key is explained by docs/reference/farcall-toml.md
# of farcall; `farcall schema > farcall.schema.json` lets editors explain them too:
#:schema ./farcall.schema.json

[server]
name = {name}
# instructions = \"What an agent should know before it calls anything.\"
# public_base_url = \"https://example-mcp.example.com\"   # where clients reach it, once it is online
# bearer_token = \"${{MCP_BEARER_TOKEN}}\"                 # a long secret, in `.env`; without one only this machine may call
"
    )
}

/// What a folder without a script begins with.
const EXAMPLE: &str = "\
# A tool answers at once. No shell is used: {name} is one argument, whatever a caller says.
[tool.welcome]
description = \"Greet somebody by name.\"
command = [\"echo\", \"Hello, {name}!\"]
params.name = { type = \"string\", max_length = 100, description = \"Whom to greet.\" }

# A job takes minutes or hours: it is started, polled, survives restarts, and leaves files.
# [job.render]
# description = \"Render a scene to an mp4 video.\"
# command = [\"python3\", \"render.py\", \"--frames\", \"{frames}\"]   # runs in a folder of its own
# params.frames = { type = \"integer\", minimum = 1, maximum = 10000, default = 24, description = \"Frames to render.\" }
# stages = [\"preparing\", \"rendering\", \"encoding\"]
# artifacts = [\"*.mp4\"]
# timeout = \"2h\"
# slots = { gpu = 1 }
";

const REST: &str = "\
# An HTTP service, whose requests become tools:
# [service.weather]
# base_url = \"http://127.0.0.1:9000\"
# headers.Authorization = \"Bearer ${WEATHER_KEY}\"   # from the environment or `.env`
# [tool.forecast]
# description = \"Forecast for a city.\"
# request = { service = \"weather\", path = \"/v1/forecast/{city}\" }
# params.city = { type = \"string\", description = \"City name.\" }

# An existing MCP server, unchanged; its slow tools can become durable jobs:
# [mount.app]
# command = [\"python3\", \"my_fastmcp_server.py\"]
# jobs.train = { timeout = \"6h\", artifacts = [\"*.safetensors\"] }
";

/// `text` as TOML writes it.
fn quoted(text: &str) -> String {
    let mut quoted = String::from("\"");
    for sign in text.chars() {
        match sign {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            '\n' => quoted.push_str("\\n"),
            '\t' => quoted.push_str("\\t"),
            // Writing to a string cannot fail.
            sign if sign.is_control() => {
                let _ = write!(quoted, "\\u{:04X}", u32::from(sign));
            }
            sign => quoted.push(sign),
        }
    }
    quoted.push('"');
    quoted
}
