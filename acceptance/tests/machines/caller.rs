//! A client of 2026-07-28 without any SDK, which tells what it may try again from what is wrong.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::{Duration, Instant},
};

use farcall_acceptance::{sha256, wait::DEADLINE};
use serde_json::{Value, json};

const VERSION: &str = "2026-07-28";

/// How long it waits before it asks again.
const PAUSE: Duration = Duration::from_millis(50);

/// Cheap to clone.
#[derive(Clone)]
pub(crate) struct Caller {
    origin: String,
    http: reqwest::Client,
    capabilities: Value,
    troubles: Arc<AtomicU32>,
}

/// Why there is no answer, although nothing is wrong with the request.
#[derive(Debug)]
#[expect(dead_code, reason = "it is shown where a test fails")]
pub(crate) enum Trouble {
    /// The line broke, or nobody was there.
    Line(reqwest::Error),
    /// Whoever stands before the servers found none of them.
    Nobody(u16),
    /// The server cannot reach its database or its files.
    Store(Value),
}

impl Caller {
    /// One of the server, or of the balancer, at `origin`.
    pub(crate) fn new(http: reqwest::Client, origin: &str) -> Self {
        Self {
            origin: origin.to_owned(),
            http,
            capabilities: json!({}),
            troubles: Arc::default(),
        }
    }

    /// The same, which can be asked and knows tasks.
    pub(crate) fn who_can_be_asked(&self) -> Self {
        let extensions = json!({"io.modelcontextprotocol/tasks": {}});
        Self {
            capabilities: json!({"elicitation": {}, "extensions": extensions}),
            ..self.clone()
        }
    }

    /// How often it had to ask again.
    pub(crate) fn troubles(&self) -> u32 {
        self.troubles.load(Ordering::Relaxed)
    }

    /// Sends a request, and returns its result.
    pub(crate) async fn request(
        &self,
        method: &str,
        name: &str,
        params: Value,
    ) -> Result<Value, Trouble> {
        let answer = self.send(method, name, params).await?;
        match answer.get("result") {
            Some(result) => Ok(result.clone()),
            None => panic!("`{method}` of `{name}` was answered with `{answer}`"),
        }
    }

    /// Sends a request that has to be refused, and returns the error.
    pub(crate) async fn refusal(&self, method: &str, name: &str, params: Value) -> Value {
        let answer = self.send(method, name, params).await.unwrap();
        assert!(answer.get("error").is_some(), "{answer}");
        answer["error"].clone()
    }

    async fn send(&self, method: &str, name: &str, mut params: Value) -> Result<Value, Trouble> {
        let prefix = "io.modelcontextprotocol";
        params["_meta"] = json!({
            format!("{prefix}/protocolVersion"): VERSION,
            format!("{prefix}/clientInfo"): {"name": "machines", "version": "1"},
            format!("{prefix}/clientCapabilities"): self.capabilities,
        });
        let message = json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params});
        let request = self
            .http
            .post(format!("{}/mcp", self.origin))
            .header("Accept", "application/json, text/event-stream")
            .header("MCP-Protocol-Version", VERSION)
            .header("Mcp-Method", method)
            .header("Mcp-Name", name)
            .json(&message);
        let text = answered(request).await?;
        let answer = serde_json::from_str(&text);
        Ok(answer.unwrap_or_else(|_| panic!("`{method}` was answered with `{text}`")))
    }

    /// Calls a tool, and returns what it says.
    pub(crate) async fn try_call(&self, tool: &str, arguments: Value) -> Result<Value, Trouble> {
        let params = json!({"name": tool, "arguments": arguments});
        let result = self.request("tools/call", tool, params).await?;
        let text = result["content"][0]["text"].as_str().unwrap_or_default();
        let said: Value = serde_json::from_str(text).unwrap_or(Value::Null);
        if result["isError"] == true {
            let is_away = text.contains("does not answer at the moment");
            assert!(is_away, "`{tool}` answered with an error: {text}");
            return Err(Trouble::Store(said));
        }
        Ok(said)
    }

    /// The same again and again, until there is an answer.
    pub(crate) async fn call(&self, tool: &str, arguments: Value) -> Value {
        let since = Instant::now();
        loop {
            match self.try_call(tool, arguments.clone()).await {
                Ok(answer) => return answer,
                Err(trouble) => self.wait_after(&trouble, since, tool).await,
            }
        }
    }

    /// The bytes behind `url`, however often that takes.
    pub(crate) async fn download(&self, url: &str) -> Vec<u8> {
        let since = Instant::now();
        loop {
            match self.try_download(url).await {
                Ok(bytes) => return bytes,
                Err(trouble) => self.wait_after(&trouble, since, url).await,
            }
        }
    }

    async fn try_download(&self, url: &str) -> Result<Vec<u8>, Trouble> {
        let response = self.http.get(url).send().await.map_err(Trouble::Line)?;
        match response.status().as_u16() {
            200 => Ok(response.bytes().await.map_err(Trouble::Line)?.into()),
            status @ 500.. => Err(Trouble::Nobody(status)),
            status => panic!("`{url}` was answered with {status}"),
        }
    }

    /// Gives whoever is in trouble a moment.
    async fn wait_after(&self, trouble: &Trouble, since: Instant, what: &str) {
        assert!(
            since.elapsed() < DEADLINE,
            "no answer to `{what}`: {trouble:?}"
        );
        self.troubles.fetch_add(1, Ordering::Relaxed);
        tokio::time::sleep(PAUSE).await;
    }

    /// What `path` says.
    pub(crate) async fn get(&self, path: &str) -> (u16, Value) {
        let url = format!("{}{path}", self.origin);
        let response = self.http.get(url).send().await.unwrap();
        let status = response.status().as_u16();
        let text = response.text().await.unwrap();
        (status, serde_json::from_str(&text).unwrap_or(Value::Null))
    }

    /// Waits until the job `id` of the kind `job` is over, and returns what was said last.
    pub(crate) async fn ended(&self, job: &str, id: &str) -> Value {
        let (tool, since) = (format!("get_{job}_status"), Instant::now());
        loop {
            let status = self.call(&tool, json!({"job_id": id})).await;
            if matches!(status["state"].as_str(), Some("succeeded" | "failed")) {
                return status;
            }
            assert!(since.elapsed() < 2 * DEADLINE, "it does not end: {status}");
            tokio::time::sleep(2 * PAUSE).await;
        }
    }

    /// Fetches every file of the job `id`, whose result it returns, and sees that each is what was
    /// recorded.
    pub(crate) async fn files(&self, job: &str, id: &str) -> Vec<(String, Vec<u8>)> {
        let tool = format!("get_{job}_result");
        let result = self.call(&tool, json!({"job_id": id})).await;
        assert_eq!(result["ready"], true, "{result}");
        let mut files = Vec::new();
        for file in result["artifacts"].as_array().unwrap() {
            let bytes = self.download(file["url"].as_str().unwrap()).await;
            assert_eq!(file["sha256"], sha256(&bytes), "{file}");
            assert_eq!(file["size"], bytes.len(), "{file}");
            files.push((file["name"].as_str().unwrap().to_owned(), bytes));
        }
        files
    }
}

async fn answered(request: reqwest::RequestBuilder) -> Result<String, Trouble> {
    let response = request.send().await.map_err(Trouble::Line)?;
    let status = response.status().as_u16();
    let text = response.text().await.map_err(Trouble::Line)?;
    match status {
        // What is refused is told in JSON as well.
        200 | 400 => Ok(text),
        502..=504 => Err(Trouble::Nobody(status)),
        _ => panic!("answered with {status}: {text}"),
    }
}
