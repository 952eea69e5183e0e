//! The block of each client, as it is printed.

use std::fmt::Write as _;

use serde_json::Value;

use super::{Folder, PROJECT, SECRET};
use crate::harness::shows;

const CLIENTS: [&str; 16] = [
    "default",
    "claude-code",
    "claude-desktop",
    "cline",
    "codex",
    "cursor",
    "gemini-cli",
    "goose",
    "mcporter",
    "nanobot",
    "opencode",
    "qwen-code",
    "roo",
    "vscode",
    "windsurf",
    "zed",
];

#[test]
fn the_registration_of_the_guide_is_printed_alone() {
    shows!(Folder::online().handoff(""), @r#"
    exit 0
    ---- stdout
    {
      "mcpServers": {
        "render-farm": {
          "type": "streamableHttp",
          "url": "https://render-farm.example.com/mcp",
          "headers": {
            "Authorization": "Bearer ${RENDER_FARM_MCP_TOKEN}"
          },
          "enabledTools": ["welcome", "start_render", "get_render_status", "get_render_result", "cancel_render"]
        }
      }
    }
    ---- stderr
    Any agent framework: put it into the file in which it registers MCP servers. Set `RENDER_FARM_MCP_TOKEN` in the environment that it is started in.
    The form that most know. Some skip a block whose `type` they do not know; ask for theirs by name.
    what to hand over with it, and how to send the secret: the same with --sheet
    "#);
}

#[test]
fn an_access_application_in_front_is_two_headers() {
    let folder = Folder::new(
        "PUBLIC_BASE_URL=https://render-farm.example.com\nFARCALL_ACCESS_TEAM=acme\nFARCALL_ACCESS_AUD=\
         32eafc7626e9b0a7ab5dc5a9c5d3e4f0a1b2c3d4e5f60718293a4b5c6d7e8f90\n",
    );
    shows!(folder.handoff("--client codex"), @r#"
    exit 0
    ---- stdout
    [mcp_servers.render-farm]
    url = "https://render-farm.example.com/mcp"
    env_http_headers = { "CF-Access-Client-Id" = "RENDER_FARM_CF_CLIENT_ID", "CF-Access-Client-Secret" = "RENDER_FARM_CF_CLIENT_SECRET" }
    enabled_tools = ["welcome", "start_render", "get_render_status", "get_render_result", "cancel_render"]
    ---- stderr
    Codex: put it into `~/.codex/config.toml`. Set `RENDER_FARM_CF_CLIENT_ID` and `RENDER_FARM_CF_CLIENT_SECRET` in the environment that it is started in.
    A table called `headers` is ignored; `env_http_headers` names variables.
    what to hand over with it, and how to send the secret: the same with --sheet
    "#);
}

#[test]
fn every_client_has_its_block_and_no_block_has_the_secret() {
    let folder = Folder::online();
    let mut printed = String::new();
    for client in CLIENTS {
        for words in ["", "--sheet", "--json"] {
            let ended = folder.handoff(&format!("--client {client} {words}"));
            assert!(!ended.to_string().contains(SECRET), "{ended}");
        }
        let ended = folder.handoff(&format!("--client {client}"));
        write!(
            printed,
            "==> {client} <==\n{}{}\n",
            ended.stdout, ended.stderr
        )
        .unwrap();
    }
    insta::with_settings!({omit_expression => true}, {
        insta::assert_snapshot!("clients", printed);
    });
}

#[test]
fn the_tools_of_a_mounted_server_are_asked_for_and_it_is_ended() {
    const SERVER: &str = include_str!("../../wrap/programs/mcp_server.py");
    let (folder, out) = (Folder::online(), tempfile::tempdir().unwrap());
    let mount = format!(
        "[mount.tiny]\ncommand = [\"python3\", \"server.py\"]\nallow = [\"echo\", \"train\"]\nprefix = \"t_\"\njobs.train = {{}}\n\
         sandbox = \"off\"\nenv = {{ TEST_OUT = {:?} }}\n",
        out.path().to_str().unwrap()
    );
    folder.put("farcall.toml", &format!("{PROJECT}\n{mount}"));
    folder.put("server.py", SERVER);
    let ended = folder.handoff("--json");
    let said: Value = serde_json::from_str(&ended.stdout).unwrap();
    assert_eq!(said["jobs"], serde_json::json!(["render", "t_train"]));
    let tools = said["tools"].as_array().unwrap();
    let echo = serde_json::json!({"name": "t_echo", "description": "Say it again."});
    assert!(tools.contains(&echo), "{said}");
    // It is not there any more, and was not killed.
    let noted = |name: &str| std::fs::read_to_string(out.path().join(name)).unwrap();
    assert_eq!(noted("started"), noted("ended"));
}

#[test]
fn the_sheet_has_tools_jobs_and_how_to_send_the_secret() {
    let sheet = Folder::online().handoff("--sheet");
    assert_eq!(sheet.stderr, "");
    insta::with_settings!({omit_expression => true}, {
        insta::assert_snapshot!("sheet", sheet.stdout);
    });
}

#[test]
fn json_holds_all_of_it() {
    let ended = Folder::online().handoff("--json --client claude-code");
    let said: Value = serde_json::from_str(&ended.stdout).unwrap();
    assert_eq!(said["variables"][0], "RENDER_FARM_MCP_TOKEN");
    assert_eq!(
        (&said["auth"], &said["format"]),
        (&"bearer".into(), &"json".into())
    );
    assert_eq!(said["jobs"][0], "render");
    assert_eq!(said["tools"][0]["description"], "Greet somebody.");
    let block: Value = serde_json::from_str(said["block"].as_str().unwrap()).unwrap();
    assert_eq!(block["mcpServers"]["render-farm"]["type"], "http");
}

#[test]
fn a_server_for_this_machine_needs_no_secret_and_says_where_it_is_known() {
    shows!(Folder::new("MCP_PORT=8901\n").handoff("--client claude-code"), @r#"
    exit 0
    ---- stdout
    {
      "mcpServers": {
        "render-farm": {
          "type": "http",
          "url": "http://127.0.0.1:8901/mcp"
        }
      }
    }
    ---- stderr
    warning: PUBLIC_BASE_URL is not set, so this is for clients on this machine; set it to the address that others know
    Claude Code: put it into `.mcp.json` in the project, or `~/.claude.json`.
    It asks once whether a server of a project's `.mcp.json` may be used.
    "#);
}

#[test]
fn what_was_said_on_the_command_line_is_what_callers_send() {
    let folder = Folder::online();
    for (word, variables) in [("bearer", 1), ("cloudflare", 2), ("oauth", 0), ("none", 0)] {
        let ended = folder.handoff(&format!("--json --auth {word}"));
        let said: Value = serde_json::from_str(&ended.stdout).unwrap();
        assert_eq!(said["auth"], word);
        assert_eq!(
            said["variables"].as_array().unwrap().len(),
            variables,
            "{word}"
        );
    }
}
