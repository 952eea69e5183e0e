//! The clients that run here: where each reads its block, how it is asked, and what it says once it is connected.

use std::{
    fs,
    path::{Path, PathBuf},
};

use serde_json::{Value, json};

use crate::{
    example::TOOLS,
    peer::{self, PYTHONS, Peer, repository},
};

/// A client that reads a block.
pub(super) struct Reader {
    /// As `handoff --client` calls it.
    pub(super) id: &'static str,
    /// Where it reads, below its home.
    file: &'static str,
    /// How it is asked whether it is connected, with its home.
    asked: fn(&Path) -> Peer,
    /// Whether what it printed says so.
    is_content: fn(&str) -> bool,
}

pub(super) const READERS: [Reader; 8] = [
    Reader {
        id: "claude-code",
        file: ".claude.json",
        asked: |_| {
            Peer::at(&native("@anthropic-ai", "claude-code", "claude")).arguments(&["mcp", "list"])
        },
        is_content: |said| said.contains("✔ Connected"),
    },
    Reader {
        id: "claude-desktop",
        file: "claude_desktop_config.json",
        asked: desktop,
        is_content: |said| lists_all(&json(said)["tools"]),
    },
    Reader {
        id: "codex",
        file: ".codex/config.toml",
        asked: codex,
        is_content: |said| {
            let servers = json(said);
            let tools = servers["data"][0]["tools"].as_object();
            tools.is_some_and(|tools| TOOLS.iter().all(|tool| tools.contains_key(*tool)))
        },
    },
    Reader {
        id: "gemini-cli",
        file: ".gemini/settings.json",
        // It uses no server of a folder that nobody has said to trust.
        asked: |_| {
            Peer::client("gemini")
                .arguments(&["mcp", "list"])
                .environment(&[("GEMINI_CLI_TRUST_WORKSPACE", "true")])
        },
        is_content: |said| said.contains("✓ example-mcp") && said.contains("Connected"),
    },
    Reader {
        id: "mcporter",
        file: "config/mcporter.json",
        asked: |_| Peer::client("mcporter").arguments(&["list", "example-mcp", "--json"]),
        is_content: |said| lists_all(&json(said)["tools"]),
    },
    Reader {
        id: "nanobot",
        file: ".nanobot/config.json",
        asked: |_| {
            let python = peer::folder().join("py-nanobot/bin/python");
            Peer::at(&python).argument(repository().join("acceptance/clients/nanobot_client.py"))
        },
        is_content: |said| {
            let said = json(said);
            let tools = said["tools"].as_array().unwrap();
            let has = |tool: &str| {
                tools
                    .iter()
                    .any(|own| *own == format!("mcp_example-mcp_{tool}"))
            };
            said["connected"] == json!(["example-mcp"]) && TOOLS.iter().all(|tool| has(tool))
        },
    },
    Reader {
        id: "opencode",
        file: "opencode.json",
        asked: |_| Peer::at(&native("", "opencode", "bin/opencode")).arguments(&["mcp", "list"]),
        is_content: |said| said.contains("✓ example-mcp") && said.contains("connected"),
    },
    Reader {
        id: "qwen-code",
        file: ".qwen/settings.json",
        asked: |_| Peer::client("qwen").arguments(&["mcp", "list"]),
        is_content: |said| said.contains("example-mcp") && said.contains(" - Connected"),
    },
];

impl Reader {
    /// Puts `block` where the client reads it, with what belongs to a person's own file besides.
    pub(super) fn put(&self, home: &Path, block: &str) {
        let file = home.join(self.file);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        let text = if self.id == "nanobot" {
            // It refuses servers of its own machine otherwise.
            let mut config = json(block);
            config["tools"]["ssrfWhitelist"] = json!(["127.0.0.0/8"]);
            config.to_string()
        } else {
            block.to_owned()
        };
        fs::write(file, text).unwrap();
    }

    /// Whether it is connected, as it says itself, and what it printed.
    pub(super) async fn connects(&self, home: &Path, secrets: &[(&str, &str)]) -> (bool, String) {
        // What is written by hand is not in the environment.
        let secrets = if self.id == "claude-desktop" {
            &[]
        } else {
            secrets
        };
        let home_of = home.to_str().unwrap();
        let ended = (self.asked)(home)
            .environment(&[
                ("HOME", home_of),
                ("CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC", "1"),
                ("OPENCODE_DISABLE_AUTOUPDATE", "1"),
                ("OPENCODE_DISABLE_MODELS_FETCH", "1"),
            ])
            .environment(secrets)
            .within(home)
            .run()
            .await;
        // One of them talks on standard error alone.
        let said = match ended.stdout.trim() {
            "" => &ended.stderr,
            said => said,
        };
        let is_content = ended.code == Some(0) && (self.is_content)(&plain(said));
        (is_content, format!("{}{}", ended.stdout, ended.stderr))
    }
}

/// What Claude Desktop would start, with what `npx` would have fetched in its place.
fn desktop(home: &Path) -> Peer {
    let config = json(&fs::read_to_string(home.join("claude_desktop_config.json")).unwrap());
    let server = &config["mcpServers"]["example-mcp"];
    assert_eq!(server["command"], "npx");
    let arguments: Vec<_> = server["args"]
        .as_array()
        .unwrap()
        .iter()
        .map(|argument| argument.as_str().unwrap())
        .collect();
    assert_eq!(arguments[..2], ["-y", farcall_server::connect::MCP_REMOTE]);
    let remote = peer::folder().join("clients/node_modules/.bin/mcp-remote");
    let variables = server["env"].as_object().into_iter().flatten();
    let variables: Vec<_> = variables
        .map(|(name, value)| (name.as_str(), value.as_str().unwrap()))
        .collect();
    Peer::python(&PYTHONS[0], "acceptance/clients/asked_over_stdio.py")
        .argument(listing("2025-06-18").to_string())
        .argument(remote)
        .arguments(&arguments[2..])
        .environment(&variables)
}

fn codex(_: &Path) -> Peer {
    let messages = json!([
        {"id": 1, "method": "initialize", "params": {"clientInfo": {"name": "farcall", "title": "farcall", "version": "1"}}},
        {"method": "initialized"},
        {"id": 2, "method": "mcpServerStatus/list", "params": {}},
    ]);
    Peer::python(&PYTHONS[0], "acceptance/clients/asked_over_stdio.py")
        .argument(messages.to_string())
        .argument(codex_itself())
        .argument("app-server")
}

fn codex_itself() -> PathBuf {
    let vendor = native("@openai", "codex", "vendor");
    let mut targets = fs::read_dir(vendor).unwrap();
    targets.next().unwrap().unwrap().path().join("bin/codex")
}

fn listing(version: &str) -> Value {
    let client = json!({"name": "farcall", "version": "1"});
    json!([
        {"id": 1, "method": "initialize", "params": {"protocolVersion": version, "capabilities": {}, "clientInfo": client}},
        {"method": "notifications/initialized"},
        {"id": 2, "method": "tools/list"},
    ])
}

/// A program of this platform, from its package.
fn native(scope: &str, package: &str, program: &str) -> PathBuf {
    let packages = peer::folder().join("clients/node_modules").join(scope);
    let begins = format!("{package}-linux-");
    let listed = fs::read_dir(&packages).unwrap_or_else(|error| {
        panic!("`{}`: {error}; run peers/install first", packages.display())
    });
    let mut names = listed.map(|entry| entry.unwrap().path());
    let package = names.find(|path| {
        let name = path.file_name().unwrap().to_str().unwrap();
        name.starts_with(&begins)
    });
    package.expect("peers/install has brought it").join(program)
}

fn lists_all(tools: &Value) -> bool {
    let tools = tools.as_array();
    tools.is_some_and(|tools| {
        let has = |name: &str| tools.iter().any(|tool| tool["name"] == name);
        TOOLS.iter().all(|name| has(name))
    })
}

fn json(said: &str) -> Value {
    serde_json::from_str(said).unwrap_or(Value::Null)
}

/// Without colours.
fn plain(said: &str) -> String {
    let mut plain = String::new();
    let mut rest = said;
    while let Some((before, after)) = rest.split_once("\u{1b}[") {
        plain.push_str(before);
        rest = after
            .split_once(|sign: char| sign.is_ascii_alphabetic())
            .map_or("", |(_, after)| after);
    }
    plain + rest
}
