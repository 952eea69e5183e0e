//! A request of MCP, in the form of 2026-07-28 or of 2025-11-25.

use std::fmt::Write;

use reqwest::Method;
use serde_json::{Value, json};

use super::{Client, Events, Reply, server::Http};

/// Which clients speak like this.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Era {
    /// 2026-07-28: every request says who sends it.
    Modern,
    /// 2025-11-25.
    Legacy,
}

impl Era {
    pub(crate) const ALL: [Self; 2] = [Self::Modern, Self::Legacy];

    fn version(self) -> &'static str {
        match self {
            Self::Modern => "2026-07-28",
            Self::Legacy => "2025-11-25",
        }
    }
}

/// A request of MCP that is being put together.
pub(crate) struct Rpc {
    client: Client,
    era: Era,
    message: Value,
    headers: Vec<(String, String)>,
    accept: String,
}

impl Rpc {
    pub(crate) fn new(client: Client, era: Era, method: &str, params: Value) -> Self {
        let mut message = json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params});
        let mut headers = vec![("mcp-protocol-version".to_owned(), era.version().to_owned())];
        if era == Era::Modern {
            let prefix = "io.modelcontextprotocol";
            message["params"]["_meta"] = json!({
                format!("{prefix}/protocolVersion"): era.version(),
                format!("{prefix}/clientInfo"): {"name": "blackbox", "version": "1"},
                format!("{prefix}/clientCapabilities"): {},
            });
            headers.push(("mcp-method".to_owned(), method.to_owned()));
            let name = match method {
                "tools/call" | "prompts/get" => &message["params"]["name"],
                "resources/read" => &message["params"]["uri"],
                "tasks/get" | "tasks/update" | "tasks/cancel" => &message["params"]["taskId"],
                _ => &Value::Null,
            };
            if let Some(name) = name.as_str() {
                headers.push(("mcp-name".to_owned(), name.to_owned()));
            }
        }
        Self {
            client,
            era,
            message,
            headers,
            accept: "application/json, text/event-stream".to_owned(),
        }
    }

    /// Sets a field of `_meta`.
    pub(crate) fn meta(mut self, key: &str, value: impl Into<Value>) -> Self {
        self.message["params"]["_meta"][key] = value.into();
        self
    }

    /// Says what the client can do; in the older form `initialize` says it.
    pub(crate) fn capabilities(self, capabilities: Value) -> Self {
        self.meta("io.modelcontextprotocol/clientCapabilities", capabilities)
    }

    /// Sets a parameter.
    pub(crate) fn param(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.message["params"][name] = value.into();
        self
    }

    /// Sends the message without an id, as a notification.
    pub(crate) fn without_id(mut self) -> Self {
        self.message.as_object_mut().unwrap().remove("id");
        self
    }

    pub(crate) fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.retain(|(known, _)| known != name);
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    pub(crate) fn accept(mut self, accept: &str) -> Self {
        accept.clone_into(&mut self.accept);
        self
    }

    /// The message as it goes over the wire.
    pub(crate) fn body(&self) -> String {
        self.message.to_string()
    }

    /// The whole request as it goes over a connection of its own, byte by byte.
    pub(crate) fn wire(&self) -> Vec<u8> {
        let body = self.body();
        let mut head = format!(
            "POST /mcp HTTP/1.1\r\nhost: {}\r\nconnection: close\r\naccept: {}\r\n\
             content-type: application/json\r\ncontent-length: {}\r\n",
            self.client.address,
            self.accept,
            body.len()
        );
        for (name, value) in &self.headers {
            write!(head, "{name}: {value}\r\n").unwrap();
        }
        format!("{head}\r\n{body}").into_bytes()
    }

    /// The request with a body of the test's own.
    pub(crate) fn with_body(self, body: impl Into<reqwest::Body>) -> Http {
        let mut http = self
            .client
            .http(Method::POST, "/mcp")
            .header("content-type", "application/json")
            .header("accept", &self.accept);
        for (name, value) in &self.headers {
            http = http.header(name, value);
        }
        http.body(body)
    }

    pub(crate) async fn send(self) -> Reply {
        let body = self.body();
        let era = self.era;
        let reply = self.with_body(body).send().await;
        if era == Era::Modern && reply.status == 200 {
            assert_eq!(reply.json()["id"], 1, "{}", reply.text());
        }
        reply
    }

    pub(crate) async fn events(self) -> Events {
        let body = self.body();
        self.with_body(body).events().await
    }
}
