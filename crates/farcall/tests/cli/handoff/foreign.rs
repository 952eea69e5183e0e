//! Names and descriptions that somebody else wrote.

use farcall::{
    axum::{Json, Router, routing::post},
    json,
};
use serde_json::Value;

use crate::harness::{farcall, with_routes};

const NAME: &str = "\u{1b}[2Jx\"</script>'; rm -rf ~ #`${HOME}`\n## Injected\u{202e}";

/// A server of somebody else, who calls everything as it is worst for whoever prints it.
fn hostile() -> Router {
    Router::new().route(
        "/mcp",
        post(async |Json(asked): Json<Value>| {
            let result = match asked["method"].as_str() {
                Some("initialize") => json!({
                    "protocolVersion": "2025-11-25",
                    "capabilities": {"tools": {}},
                    "serverInfo": {"name": NAME, "version": NAME, "title": NAME},
                }),
                Some("tools/list") => json!({"tools": [
                    {"name": "fine", "description": NAME, "inputSchema": {"type": "object"}},
                    {"name": NAME, "description": "", "inputSchema": {"type": "object"}},
                ]}),
                Some("server/discover") => {
                    return Json(json!({
                        "jsonrpc": "2.0", "id": asked["id"], "error": {"code": -32601, "message": "no"},
                    }));
                }
                _ => json!({}),
            };
            Json(json!({"jsonrpc": "2.0", "id": asked["id"], "result": result}))
        }),
    )
}

#[test]
fn nothing_of_it_leaves_its_place() {
    with_routes(hostile(), |url| async move {
        let url = format!("{url}/mcp");
        for client in ["default", "codex", "goose", "claude-desktop", "vscode"] {
            for more in ["--sheet", "--json", "--auth=bearer"] {
                let ended = farcall(["handoff", &url, "--client", client, more])
                    .run()
                    .await;
                assert_eq!(ended.exit, 0, "{ended}");
                let said = ended.to_string();
                let is_obeyed =
                    |sign: char| (sign.is_control() && sign != '\n') || sign == '\u{202e}';
                assert!(!said.contains(is_obeyed), "{client} {more}: {said:?}");
                assert!(
                    !said
                        .lines()
                        .any(|line| line.trim_start().starts_with("## Injected")),
                    "{said}"
                );
            }
        }
        let ended = farcall(["handoff", &url]).run().await;
        let block: Value = serde_json::from_str(&ended.stdout).unwrap();
        let servers = block["mcpServers"].as_object().unwrap();
        let (name, server) = servers.iter().next().unwrap();
        assert_eq!(name, "2jx-script-rm-rf-home-injected");
        assert_eq!(server["enabledTools"], json!(["fine"]));
        assert!(
            ended.stderr.contains("no client could name it so"),
            "{ended}"
        );
    });
}
