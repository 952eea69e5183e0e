//! An OAuth resource server.

mod introspection;
mod issuer;
mod metadata;
mod scopes;
mod tokens;

use farcall::{
    Principal,
    axum::{Extension, routing::get},
    json,
};
use reqwest::Method;
use serde_json::Value;

use crate::{
    harness::{Issuer, Reply, Server, Setup, seconds},
    offers::tools_and_jobs,
};

const PUBLIC: &str = "https://farm.example.com";
const RESOURCE: &str = "https://farm.example.com/mcp";
const METADATA: &str =
    "resource_metadata=\"https://farm.example.com/.well-known/oauth-protected-resource/mcp\"";
const GATED: [&str; 3] = ["/mcp", "/files/x", "/who"];

async fn who(Extension(caller): Extension<Principal>) -> String {
    caller.id().to_owned()
}

fn setup(issuer: &Issuer) -> Setup {
    Setup::new(tools_and_jobs().route("/who", get(who)))
        .with("PUBLIC_BASE_URL", PUBLIC)
        .with("FARCALL_OAUTH_ISSUER", &issuer.url)
}

/// What a token says that opens.
fn claims(issuer: &Issuer) -> Value {
    json!({
        "iss": issuer.url, "aud": RESOURCE, "sub": "ann", "client_id": "agent", "scope": "mcp",
        "iat": seconds(0), "exp": seconds(600), "jti": "1",
    })
}

/// A request to `path` with a token, or without one.
async fn asked(server: &Server, path: &str, token: Option<&str>) -> Reply {
    let is_mcp = path == "/mcp";
    let method = if is_mcp { Method::POST } else { Method::GET };
    let mut request = server.http(method, path);
    if let Some(token) = token {
        request = request.header("authorization", &format!("Bearer {token}"));
    }
    if is_mcp {
        let body = json!({"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {}});
        request = request
            .header("content-type", "application/json")
            .body(body.to_string());
    }
    request.send().await
}

/// The challenge of a call of `tool` by both ways through the server, and with all forms of clients.
async fn challenges(server: &Server, tool: &str, token: &str) -> Vec<String> {
    let client = server.with_token(token);
    let params = json!({"name": tool, "arguments": {"a": 1, "b": 2}});
    let asking = json!({"elicitation": {}});
    let calls = [
        client.tool(tool, json!({"a": 1, "b": 2})),
        client.legacy("tools/call", params.clone()),
        // Whom anything can be asked is not answered by the shorter way.
        client
            .tool(tool, json!({"a": 1, "b": 2}))
            .capabilities(asking),
    ];
    let mut said = Vec::new();
    for call in calls {
        let reply = call.send().await;
        if reply.status == 403 {
            let (code, _) = reply.rpc_error();
            assert_eq!(code, -32_000);
        } else {
            assert_eq!(reply.status, 200, "{}", reply.text());
        }
        said.push(reply.header("www-authenticate").to_owned());
    }
    said
}
