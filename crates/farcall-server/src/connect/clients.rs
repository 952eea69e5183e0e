//! The clients, and what is known of each.
//!
//! What a client does was read in its documentation, its source or its package, or seen when it was run; `tried` says
//! which. `acceptance/tests/peers/handoff` runs those that run without an account.

use super::{Registration, blocks};

/// The program through which Claude Desktop reaches servers elsewhere, as `npx` is given it.
pub const MCP_REMOTE: &str = "mcp-remote@0.15.1";

/// A client, and how it is told of a server.
#[derive(Clone, Copy, Debug)]
pub struct Client {
    /// What `handoff --client` calls it.
    pub id: &'static str,
    /// What people call it.
    pub name: &'static str,
    /// The file that the block belongs in.
    pub file: &'static str,
    /// The language of that file.
    pub format: Format,
    /// How it comes by secrets.
    pub secrets: Secrets,
    /// What else to know, as sentences; may be empty.
    pub note: &'static str,
    /// Whether its block was tried.
    pub tried: Tried,
    block: fn(&Registration) -> String,
}

/// The language of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// JSON.
    Json,
    /// TOML.
    Toml,
    /// YAML.
    Yaml,
}

/// How a client comes by the secrets that a block only names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Secrets {
    /// It takes them from the environment that it is started in.
    Environment,
    /// It asks for each once, and keeps it.
    Asked,
    /// It substitutes nothing: people write the values into the file.
    Written,
}

/// Whether the block of a client was tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tried {
    /// This version of it read the block, and did this.
    Run(&'static str, &'static str),
    /// It was not run, for this reason; the form is from there.
    NotRun(&'static str),
}

impl Format {
    /// What it is called behind the fence of a code block.
    pub fn fence(self) -> &'static str {
        match self {
            Self::Json => "json",
            Self::Toml => "toml",
            Self::Yaml => "yaml",
        }
    }
}

impl Client {
    /// What belongs in the file of this client, without a line break at its end.
    pub fn block(&self, server: &Registration) -> String {
        (self.block)(server)
    }
}

/// The client that `handoff --client` calls so.
pub fn client(id: &str) -> Option<&'static Client> {
    CLIENTS.iter().find(|client| client.id == id)
}

/// All of them; the first is the one where nothing was said.
pub const CLIENTS: [Client; 16] = [
    Client {
        id: "default",
        name: "Any agent framework",
        file: "the file in which it registers MCP servers",
        format: Format::Json,
        secrets: Secrets::Environment,
        note: "The form that most know. Some skip a block whose `type` they do not know; ask for theirs by name.",
        tried: Tried::NotRun("it is no program of its own; nanobot reads the same entry"),
        block: blocks::registration,
    },
    Client {
        id: "claude-code",
        name: "Claude Code",
        file: ".mcp.json in the project, or ~/.claude.json",
        format: Format::Json,
        secrets: Secrets::Environment,
        note: "It asks once whether a server of a project's `.mcp.json` may be used.",
        tried: Tried::Run(
            "2.1.332",
            "`claude mcp list` says that it is connected, once it has listed the tools",
        ),
        block: blocks::claude_code,
    },
    Client {
        id: "claude-desktop",
        name: "Claude Desktop",
        file: "claude_desktop_config.json",
        format: Format::Json,
        secrets: Secrets::Written,
        note: "It starts `mcp-remote` with `npx`, so it needs Node.js. Its own dialog for connectors wants OAuth.",
        tried: Tried::Run(
            "mcp-remote 0.15.1",
            "the helper that the block starts lists the tools; Claude Desktop itself was not run",
        ),
        block: blocks::claude_desktop,
    },
    Client {
        id: "cline",
        name: "Cline",
        file: "cline_mcp_settings.json",
        format: Format::Json,
        secrets: Secrets::Written,
        note: "",
        tried: Tried::NotRun(
            "its command line has no verb that connects without an account; the form is from its source",
        ),
        block: blocks::cline,
    },
    Client {
        id: "codex",
        name: "Codex",
        file: "~/.codex/config.toml",
        format: Format::Toml,
        secrets: Secrets::Environment,
        note: "A table called `headers` is ignored; `env_http_headers` names variables.",
        tried: Tried::Run("0.171.0", "its app server lists the tools"),
        block: blocks::codex,
    },
    Client {
        id: "cursor",
        name: "Cursor",
        file: ".cursor/mcp.json in the project, or ~/.cursor/mcp.json",
        format: Format::Json,
        secrets: Secrets::Environment,
        note: "",
        tried: Tried::NotRun("it is an editor with an account; the form is from its documentation"),
        block: blocks::cursor,
    },
    Client {
        id: "gemini-cli",
        name: "Gemini CLI",
        file: "~/.gemini/settings.json, or .gemini/settings.json in the project",
        format: Format::Json,
        secrets: Secrets::Environment,
        note: "",
        tried: Tried::Run(
            "0.61.0",
            "`gemini mcp list` says that it is connected, which it asks for five seconds unless an entry has a `timeout`, as \
             here; `gemini skills list` has it list the tools",
        ),
        block: blocks::gemini,
    },
    Client {
        id: "goose",
        name: "Goose",
        file: "~/.config/goose/config.yaml",
        format: Format::Yaml,
        secrets: Secrets::Environment,
        note: "A variable of `env_keys` may also be in its own store of secrets.",
        tried: Tried::NotRun(
            "it is in no package registry that the tests install from; the form is from its source",
        ),
        block: blocks::goose,
    },
    Client {
        id: "mcporter",
        name: "mcporter",
        file: "config/mcporter.json in the project, or ~/.mcporter/mcporter.json",
        format: Format::Json,
        secrets: Secrets::Environment,
        note: "",
        tried: Tried::Run("0.12.3", "`mcporter list` shows the tools"),
        block: blocks::mcporter,
    },
    Client {
        id: "nanobot",
        name: "nanobot",
        file: "~/.nanobot/config.json",
        format: Format::Json,
        secrets: Secrets::Environment,
        note: "It cuts a call after `toolTimeout` seconds, 30 where it is not set, and refuses private addresses unless \
               `tools.ssrfWhitelist` names them. With a list of tools it takes neither resources nor prompts.",
        tried: Tried::Run(
            "0.3.5",
            "its own code registers the tools, once `ssrfWhitelist` lets it to a server of the same machine",
        ),
        block: blocks::nanobot,
    },
    Client {
        id: "opencode",
        name: "opencode",
        file: "opencode.json in the project, or ~/.config/opencode/opencode.json",
        format: Format::Json,
        secrets: Secrets::Environment,
        note: "",
        tried: Tried::Run(
            "1.18.18",
            "`opencode mcp list` says that it is connected, once it has listed the tools",
        ),
        block: blocks::opencode,
    },
    Client {
        id: "qwen-code",
        name: "Qwen Code",
        file: "~/.qwen/settings.json, or .qwen/settings.json in the project",
        format: Format::Json,
        secrets: Secrets::Environment,
        note: "",
        tried: Tried::Run(
            "0.24.4",
            "`qwen mcp reconnect --all` succeeds, once it has listed the tools",
        ),
        block: blocks::gemini,
    },
    Client {
        id: "roo",
        name: "Roo Code",
        file: ".roo/mcp.json in the project, or mcp_settings.json",
        format: Format::Json,
        secrets: Secrets::Environment,
        note: "",
        tried: Tried::NotRun("it is an extension of an editor; the form is from its source"),
        block: blocks::roo,
    },
    Client {
        id: "vscode",
        name: "VS Code",
        file: ".vscode/mcp.json in the project",
        format: Format::Json,
        secrets: Secrets::Asked,
        note: "",
        tried: Tried::NotRun("it is an editor; the form is from its documentation"),
        block: blocks::vs_code,
    },
    Client {
        id: "windsurf",
        name: "Windsurf",
        file: "~/.codeium/windsurf/mcp_config.json",
        format: Format::Json,
        secrets: Secrets::Environment,
        note: "The key is `serverUrl`; a `url` does not connect.",
        tried: Tried::NotRun("it is an editor with an account; the form is from its documentation"),
        block: blocks::windsurf,
    },
    Client {
        id: "zed",
        name: "Zed",
        file: "~/.config/zed/settings.json",
        format: Format::Json,
        secrets: Secrets::Written,
        note: "",
        tried: Tried::NotRun("it is an editor; the form is from its documentation"),
        block: blocks::zed,
    },
];
