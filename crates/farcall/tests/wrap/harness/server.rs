//! A server of a project, and what its clients ask it.

use std::{
    io::{BufRead, BufReader},
    process::{Child, Command, Stdio},
    sync::{Arc, Mutex},
};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::{client, until};

/// A server; it is killed when this is dropped.
pub(crate) struct Server {
    child: Child,
    /// Where it answers, once it does.
    url: String,
    talk: Arc<Mutex<String>>,
    http: reqwest::Client,
    _folder: Arc<TempDir>,
}

/// What a tool answered.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) is_error: bool,
    pub(crate) text: String,
    pub(crate) structured: Value,
}

impl Answer {
    /// The sentence and the code of a call that failed.
    pub(crate) fn failure(&self) -> (String, String) {
        assert!(self.is_error, "{self:?}");
        let failure: Value = serde_json::from_str(&self.text).unwrap();
        let text = |field: &str| failure[field].as_str().unwrap_or("user_error").to_owned();
        (text("error"), text("error_code"))
    }
}

impl Server {
    /// Starts the server of a project in this folder.
    pub(super) fn spawn(mut command: Command, folder: Arc<TempDir>) -> Self {
        command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let talk = Arc::<Mutex<String>>::default();
        let stderr = child.stderr.take().unwrap();
        let heard = Arc::clone(&talk);
        std::thread::spawn(move || {
            for line in BufReader::new(stderr).lines().map_while(Result::ok) {
                let mut heard = heard.lock().unwrap();
                heard.push_str(&line);
                heard.push('\n');
            }
        });
        Self {
            child,
            url: String::new(),
            talk,
            _folder: folder,
            http: client(),
        }
    }

    /// Waits until it says where it answers.
    pub(super) async fn once_it_serves(mut self) -> Self {
        self.url = until("the banner of the server", async || {
            let talk = self.talk();
            if let Some(status) = self.child.try_wait().unwrap() {
                panic!("the server ended with {status}:\n{talk}");
            }
            let line = talk.lines().find(|line| line.starts_with("  mcp "))?;
            line.split_whitespace().last().map(str::to_owned)
        })
        .await;
        self
    }

    /// Waits until it has ended by itself; its exit status, and all that it said.
    pub(super) async fn refusal(mut self) -> (i32, String) {
        let status = until("the end of a server that does not start", async || {
            self.child.try_wait().unwrap()
        })
        .await;
        until("its last words", async || {
            // Whoever listens has let go of them.
            (Arc::strong_count(&self.talk) == 1).then_some(())
        })
        .await;
        (status.code().unwrap(), self.talk())
    }

    /// What it counts, where `FARCALL_METRICS` gives that an address.
    pub(crate) async fn metrics(&self) -> String {
        let talk = self.talk();
        let line = talk.lines().find(|line| line.starts_with("  metrics "));
        let url = line.and_then(|line| line.split_whitespace().last());
        let answer = self
            .http
            .get(url.expect("no metrics"))
            .send()
            .await
            .unwrap();
        assert_eq!(answer.status(), 200);
        answer.text().await.unwrap()
    }

    /// Where it answers, without a path.
    pub(crate) fn origin(&self) -> String {
        self.url.trim_end_matches("/mcp").to_owned()
    }

    pub(crate) fn request(
        &self,
        method: &str,
        name: &str,
        params: Value,
    ) -> reqwest::RequestBuilder {
        self.request_of(&self.http, method, name, params)
    }

    /// The same of another client.
    pub(crate) fn request_of(
        &self,
        http: &reqwest::Client,
        method: &str,
        name: &str,
        mut params: Value,
    ) -> reqwest::RequestBuilder {
        let version = "2026-07-28";
        let mut meta = json!({
            "io.modelcontextprotocol/protocolVersion": version,
            "io.modelcontextprotocol/clientInfo": {"name": "wrap", "version": "1"},
            "io.modelcontextprotocol/clientCapabilities": {},
        });
        if let Some(Value::Object(own)) = params.get("_meta").cloned() {
            meta.as_object_mut().unwrap().extend(own);
        }
        params["_meta"] = meta;
        let request = json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params});
        let request = http
            .post(&self.url)
            .header("Accept", "application/json, text/event-stream")
            .header("MCP-Protocol-Version", version)
            .header("Mcp-Method", method)
            .json(&request);
        if name.is_empty() {
            request
        } else {
            request.header("Mcp-Name", name)
        }
    }

    /// What is answered to a request, as it is.
    pub(crate) async fn execute(&self, request: reqwest::Request) -> String {
        let answer = self.http.execute(request).await.unwrap();
        answer.text().await.unwrap()
    }

    /// The result of a request that is answered with one.
    pub(crate) async fn result_of(&self, method: &str, name: &str, params: Value) -> Value {
        let request = self.request(method, name, params);
        let message = message(&self.execute(request.build().unwrap()).await);
        assert!(message["result"].is_object(), "{message}");
        message["result"].clone()
    }

    /// The tools, by their names.
    pub(crate) async fn tools(&self) -> Vec<Value> {
        let answer = self
            .request("tools/list", "", json!({}))
            .send()
            .await
            .unwrap();
        let answer: Value = serde_json::from_slice(&answer.bytes().await.unwrap()).unwrap();
        answer["result"]["tools"].as_array().unwrap().clone()
    }

    pub(crate) async fn call(&self, tool: &str, arguments: Value) -> Answer {
        let params = json!({"name": tool, "arguments": arguments});
        let response = self
            .request("tools/call", tool, params)
            .send()
            .await
            .unwrap();
        let body = response.text().await.unwrap();
        let message = message(&body);
        let result = &message["result"];
        assert!(result.is_object(), "{tool}: {body}");
        Answer {
            is_error: result["isError"] == true,
            text: result["content"][0]["text"]
                .as_str()
                .unwrap_or_default()
                .to_owned(),
            structured: result["structuredContent"].clone(),
        }
    }

    /// The structured value of a call that went well.
    pub(crate) async fn value(&self, tool: &str, arguments: Value) -> Value {
        let answer = self.call(tool, arguments).await;
        assert!(!answer.is_error, "{tool}: {}", answer.text);
        answer.structured
    }

    /// Starts a job.
    pub(crate) async fn start(&self, job: &str, arguments: Value) -> String {
        let started = self.value(&format!("start_{job}"), arguments).await;
        started["job_id"].as_str().unwrap().to_owned()
    }

    pub(crate) async fn status(&self, job: &str, id: &str) -> Value {
        self.value(&format!("get_{job}_status"), json!({"job_id": id}))
            .await
    }

    /// Waits until the status of a job is what a test waits for.
    pub(crate) async fn status_when(
        &self,
        job: &str,
        id: &str,
        is_it: impl Fn(&Value) -> bool,
    ) -> Value {
        let what = format!("a status of `{job}`");
        until(&what, async || {
            let status = self.status(job, id).await;
            let is_over = status["state"] == "succeeded" || status["state"] == "failed";
            let is_it = is_it(&status);
            assert!(is_it || !is_over, "{status}\n{}", self.talk());
            is_it.then_some(status)
        })
        .await
    }

    /// Waits for the end of a job.
    pub(crate) async fn ended(&self, job: &str, id: &str) -> Value {
        let is_over =
            |status: &Value| status["state"] == "succeeded" || status["state"] == "failed";
        self.status_when(job, id, is_over).await
    }

    /// The result of a job that has to succeed.
    pub(crate) async fn result(&self, job: &str, id: &str) -> Value {
        let end = self.ended(job, id).await;
        assert_eq!(end["state"], "succeeded", "{end}\n{}", self.talk());
        self.value(&format!("get_{job}_result"), json!({"job_id": id}))
            .await
    }

    /// The lines of a job's log.
    pub(crate) async fn log(&self, job: &str, id: &str) -> Vec<String> {
        let page = self
            .value(
                &format!("get_{job}_log"),
                json!({"job_id": id, "lines": 100}),
            )
            .await;
        let lines = page["lines"].as_array().unwrap();
        let text = |line: &Value| {
            let text = line.as_str().or_else(|| line["text"].as_str());
            text.unwrap_or_else(|| panic!("{line}")).to_owned()
        };
        lines.iter().map(text).collect()
    }

    /// What is behind a URL of a file.
    pub(crate) async fn download(&self, url: &Value) -> Vec<u8> {
        let response = self.http.get(url.as_str().unwrap()).send().await.unwrap();
        assert!(
            response.status().is_success(),
            "{url}: {}",
            response.status()
        );
        response.bytes().await.unwrap().into()
    }

    /// What it has said.
    pub(crate) fn talk(&self) -> String {
        self.talk.lock().unwrap().clone()
    }

    /// The number of its process.
    pub(crate) fn process(&self) -> u32 {
        self.child.id()
    }

    pub(crate) fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }

    /// `kill -9`.
    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Stops it in order.
    pub(crate) async fn stop(mut self) {
        self.signal(Signal::TERM);
        let status = until("the end of the server", async || {
            self.child.try_wait().unwrap()
        })
        .await;
        assert!(status.success(), "{status}\n{}", self.talk());
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The message that answers a request: all of the body, or the last of a stream, which a long call is answered as.
pub(crate) fn message(body: &str) -> Value {
    let mut lines = body.lines().filter_map(|line| line.strip_prefix("data:"));
    let last = lines.next_back().unwrap_or(body);
    serde_json::from_str(last).unwrap_or_else(|_| panic!("{body}"))
}
