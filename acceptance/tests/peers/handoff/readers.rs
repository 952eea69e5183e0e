//! The clients that run here: where each reads its block, what it is asked, and what it answers once it is connected.

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
    /// What it is asked, one after the other; the last has it list the tools.
    questions: &'static [Question],
}

/// A command that shows what a client makes of its block.
struct Question {
    /// It, with the home of the client.
    asked: fn(&Path) -> Peer,
    /// Whether what it printed says that all is well.
    is_content: fn(&str) -> bool,
}

pub(super) const READERS: [Reader; 8] = [
    Reader {
        id: "claude-code",
        file: ".claude.json",
        // Where it cannot list the tools, it says something else.
        questions: &[Question {
            asked: |_| {
                Peer::at(&native("@anthropic-ai", "claude-code", "claude"))
                    .arguments(&["mcp", "list"])
            },
            is_content: |said| said.contains("✔ Connected"),
        }],
    },
    Reader {
        id: "claude-desktop",
        file: "claude_desktop_config.json",
        questions: &[Question {
            asked: desktop,
            is_content: |said| lists_all(&json(said)["tools"]),
        }],
    },
    Reader {
        id: "codex",
        file: ".codex/config.toml",
        questions: &[Question {
            asked: codex,
            is_content: |said| {
                let servers = json(said);
                let tools = servers["data"][0]["tools"].as_object();
                tools.is_some_and(|tools| TOOLS.iter().all(|tool| tools.contains_key(*tool)))
            },
        }],
    },
    Reader {
        id: "gemini-cli",
        file: ".gemini/settings.json",
        // The first does not list the tools. The second starts all of it, which does, and hints at it where it is
        // left none.
        questions: &[
            Question {
                asked: |_| gemini(&["mcp", "list"]),
                is_content: |said| said.contains("✓ example-mcp") && said.contains("Connected"),
            },
            Question {
                asked: |_| gemini(&["skills", "list"]),
                is_content: |said| !said.contains("MCP issues detected"),
            },
        ],
    },
    Reader {
        id: "mcporter",
        file: "config/mcporter.json",
        questions: &[Question {
            asked: |_| Peer::client("mcporter").arguments(&["list", "example-mcp", "--json"]),
            is_content: |said| lists_all(&json(said)["tools"]),
        }],
    },
    Reader {
        id: "nanobot",
        file: ".nanobot/config.json",
        questions: &[Question {
            asked: |_| {
                let python = peer::folder().join("py-nanobot/bin/python");
                Peer::at(&python)
                    .argument(repository().join("acceptance/clients/nanobot_client.py"))
            },
            is_content: nanobot_has_all,
        }],
    },
    Reader {
        id: "opencode",
        file: "opencode.json",
        // Where it cannot list the tools, it says that this has failed.
        questions: &[Question {
            asked: |_| {
                Peer::at(&native("", "opencode", "bin/opencode")).arguments(&["mcp", "list"])
            },
            is_content: |said| said.contains("✓ example-mcp") && said.contains("connected"),
        }],
    },
    Reader {
        id: "qwen-code",
        file: ".qwen/settings.json",
        // The first does not list the tools; the second does, and fails where it is left none.
        questions: &[
            Question {
                asked: |_| Peer::client("qwen").arguments(&["mcp", "list"]),
                is_content: |said| said.contains("example-mcp") && said.contains(" - Connected"),
            },
            Question {
                asked: |_| Peer::client("qwen").arguments(&["mcp", "reconnect", "--all"]),
                is_content: |said| said.contains("example-mcp: Reconnected successfully"),
            },
        ],
    },
];

impl Reader {
    /// Puts `block` where the client reads it, with what belongs to a person's own file besides.
    pub(super) fn put(&self, home: &Path, block: &str) {
        let file = home.join(self.file);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        let mut config = json(block);
        let text = match self.id {
            // It tells its maker otherwise.
            "gemini-cli" => {
                config["privacy"] = json!({"usageStatisticsEnabled": false});
                // Five seconds otherwise.
                let servers = config["mcpServers"].as_object_mut().unwrap();
                for server in servers.values_mut() {
                    server["timeout"] = json!(60_000);
                }
                config.to_string()
            }
            // It refuses servers of its own machine otherwise.
            "nanobot" => {
                config["tools"]["ssrfWhitelist"] = json!(["127.0.0.0/8"]);
                config.to_string()
            }
            _ => block.to_owned(),
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
        let mut printed = String::new();
        for question in self.questions {
            let ended = (question.asked)(home)
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
            let said = format!("{}{}", ended.stdout, ended.stderr);
            printed.push_str(&said);
            if ended.code != Some(0) || !(question.is_content)(&plain(&said)) {
                return (false, printed);
            }
        }
        (true, printed)
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

/// It uses no server of a folder that nobody has said to trust.
fn gemini(arguments: &[&str]) -> Peer {
    Peer::client("gemini")
        .arguments(arguments)
        .environment(&[("GEMINI_CLI_TRUST_WORKSPACE", "true")])
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

fn nanobot_has_all(said: &str) -> bool {
    let said = json(said);
    let tools = said["tools"].as_array();
    let has = |tool: &str| {
        let name = format!("mcp_example-mcp_{tool}");
        tools.is_some_and(|tools| tools.iter().any(|own| *own == name))
    };
    said["connected"] == json!(["example-mcp"]) && TOOLS.iter().all(|tool| has(tool))
}

fn lists_all(tools: &Value) -> bool {
    let tools = tools.as_array();
    tools.is_some_and(|tools| {
        let has = |name: &str| tools.iter().any(|tool| tool["name"] == name);
        TOOLS.iter().all(|name| has(name))
    })
}

/// The value that it begins with.
fn json(said: &str) -> Value {
    let mut values = serde_json::Deserializer::from_str(said).into_iter();
    values.next().and_then(Result::ok).unwrap_or(Value::Null)
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
