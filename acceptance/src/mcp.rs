//! A client without any SDK: JSON-RPC of 2026-07-28 in plain requests.

use serde_json::{Value, json};

use crate::wait::until;

const VERSION: &str = "2026-07-28";

/// Calls the tools of one server; cheap to clone.
#[derive(Clone, Debug)]
pub struct McpClient {
    url: String,
    http: reqwest::Client,
}

/// The server went away before it answered.
#[derive(Debug)]
pub struct Unanswered;

/// What a tool answered.
#[derive(Debug)]
pub struct Answer {
    /// Whether it says that the call failed.
    pub is_error: bool,
    /// Its JSON.
    pub payload: Value,
}

impl McpClient {
    /// A client of the endpoint `url`.
    pub fn new(url: String) -> Self {
        Self::sharing(reqwest::Client::new(), url)
    }

    /// The same, over an HTTP client that others use as well.
    pub fn sharing(http: reqwest::Client, url: String) -> Self {
        Self { url, http }
    }

    /// Calls `tool`.
    ///
    /// # Errors
    /// [`Unanswered`] where the server went away.
    pub async fn try_call(&self, tool: &str, arguments: Value) -> Result<Answer, Unanswered> {
        let params = json!({"name": tool, "arguments": arguments});
        let text = self.send("tools/call", tool, params, json!({})).await?;
        Ok(read(tool, &text))
    }

    /// Sends `method` about `name`, a tool or a task, as a client that knows tasks and can be
    /// asked; returns the message that answers it.
    ///
    /// # Errors
    /// [`Unanswered`] where the server went away.
    pub async fn try_request(
        &self,
        method: &str,
        name: &str,
        params: Value,
    ) -> Result<Value, Unanswered> {
        let extensions = json!({"io.modelcontextprotocol/tasks": {}});
        let capabilities = json!({"elicitation": {}, "extensions": extensions});
        let text = self.send(method, name, params, capabilities).await?;
        let answer = serde_json::from_str(&text);
        Ok(answer.unwrap_or_else(|_| panic!("`{method}` was answered with `{text}`")))
    }

    async fn send(
        &self,
        method: &str,
        name: &str,
        mut params: Value,
        capabilities: Value,
    ) -> Result<String, Unanswered> {
        params["_meta"] = json!({
            "io.modelcontextprotocol/protocolVersion": VERSION,
            "io.modelcontextprotocol/clientInfo": {"name": "acceptance", "version": "1"},
            "io.modelcontextprotocol/clientCapabilities": capabilities,
        });
        let message = json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params});
        let request = self
            .http
            .post(&self.url)
            .header("Accept", "application/json, text/event-stream")
            .header("MCP-Protocol-Version", VERSION)
            .header("Mcp-Method", method)
            .header("Mcp-Name", name)
            .json(&message);
        match request.send().await {
            Ok(response) => response.text().await.map_err(|_| Unanswered),
            Err(_) => Err(Unanswered),
        }
    }

    /// Calls `tool`, which has to succeed, and returns its JSON.
    pub async fn call(&self, tool: &str, arguments: Value) -> Value {
        let answer = self.try_call(tool, arguments).await;
        let Answer { is_error, payload } =
            answer.unwrap_or_else(|_| panic!("`{tool}` was not answered"));
        assert!(!is_error, "`{tool}` answered with an error: {payload}");
        payload
    }

    /// Polls `tool`, a `get_<x>_status`, until the job `id` is over. Returns every status that
    /// differs from the one before, and sees that the stages are those of one attempt.
    pub async fn follow(&self, tool: &str, id: &str) -> Vec<Value> {
        let mut seen: Vec<Value> = Vec::new();
        until(&format!("the end of the job `{id}`"), async || {
            let status = self.call(tool, json!({"job_id": id})).await;
            let (stage, total) = (status["stage"].as_u64(), status["total_stages"].as_u64());
            assert!(stage.unwrap() <= total.unwrap(), "{status}");
            let is_over = matches!(status["state"].as_str(), Some("succeeded" | "failed"));
            if seen.last() != Some(&status) {
                seen.push(status);
            }
            is_over.then_some(())
        })
        .await;
        seen
    }

    /// The bytes behind `url`.
    pub async fn download(&self, url: &str) -> Vec<u8> {
        let response = self.http.get(url).send().await.unwrap();
        let status = response.status();
        assert!(status.is_success(), "`{url}` answers {status}");
        response.bytes().await.unwrap().into()
    }

    /// The status with which `url` is answered.
    pub async fn status_of(&self, url: &str) -> u16 {
        self.http.get(url).send().await.unwrap().status().as_u16()
    }
}

fn read(tool: &str, text: &str) -> Answer {
    let readable = || {
        let message: Value = serde_json::from_str(text).ok()?;
        let result = &message["result"];
        Some(Answer {
            is_error: result["isError"] == true,
            payload: serde_json::from_str(result["content"][0]["text"].as_str()?).ok()?,
        })
    };
    readable().unwrap_or_else(|| panic!("`{tool}` was answered with `{text}`"))
}
