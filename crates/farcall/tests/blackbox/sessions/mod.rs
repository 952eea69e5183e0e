//! Sessions of clients before 2026-07-28: off by default, bounded, and each its caller's.

mod callers;
mod limits;
mod news;
mod questions;

use farcall::{Value, json};

use crate::harness::{Client, Reply, Rpc};

/// The handshake of an older client.
fn initialize(client: &Client) -> Rpc {
    let params = json!({
        "protocolVersion": "2025-11-25",
        "capabilities": {
            "elicitation": {}, "sampling": {}, "extensions": {"io.modelcontextprotocol/tasks": {}},
        },
        "clientInfo": {"name": "blackbox", "version": "1"},
    });
    client.legacy("initialize", params)
}

/// A session that is open, and the client that opened it.
pub(crate) struct Session {
    client: Client,
    id: String,
}

impl Session {
    pub(crate) async fn open(client: &Client) -> Self {
        let reply = initialize(client).send().await;
        assert_eq!(reply.result()["protocolVersion"], "2025-11-25");
        let id = reply.header("mcp-session-id").to_owned();
        assert!(id.len() >= 32, "`{id}` can be guessed");
        let session = Self {
            client: client.clone(),
            id,
        };
        let ready = session.request("notifications/initialized", json!({}));
        assert_eq!(ready.without_id().send().await.status, 202);
        session
    }

    pub(crate) fn request(&self, method: &str, params: Value) -> Rpc {
        let request = self.client.legacy(method, params);
        request.header("mcp-session-id", &self.id)
    }

    pub(crate) fn call(&self, tool: &str, arguments: Value) -> Rpc {
        self.request("tools/call", json!({"name": tool, "arguments": arguments}))
    }

    /// Sends an answer to a request of the server.
    async fn answer(&self, id: &Value, result: Value) -> Reply {
        let body = json!({"jsonrpc": "2.0", "id": id, "result": result});
        self.request("", json!({}))
            .with_body(body.to_string())
            .send()
            .await
    }

    async fn end(&self) -> Reply {
        let request = self.client.http(reqwest::Method::DELETE, "/mcp");
        let request = request.header("mcp-session-id", &self.id);
        request
            .header("mcp-protocol-version", "2025-11-25")
            .send()
            .await
    }
}
