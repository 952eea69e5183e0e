//! A whole answer.

use reqwest::{Method, header::HeaderMap};
use serde_json::Value;

/// What an answer must never show.
const INSIDE: &[&str] = &["panicked", ".rs:", "/src/", "SELECT ", "sqlx", "rmcp"];

/// A whole answer.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
}

impl Reply {
    /// The same answer, which keeps what every answer must keep.
    pub(crate) fn checked(self, method: &Method, path: &str, secret_path: &str) -> Self {
        let text = self.text();
        let what = format!("{method} {path}: {} {text:.500}", self.status);
        assert!(self.headers.contains_key("x-request-id"), "no id: {what}");
        assert_ne!(self.status, 500, "{what}");
        assert!(!text.contains(secret_path), "it leaks a path: {what}");
        for inside in INSIDE {
            assert!(!text.contains(inside), "it leaks `{inside}`: {what}");
        }
        self.is_as_described(method, path);
        if self.status >= 400 && *method != Method::HEAD {
            assert_eq!(self.header("content-type"), "application/json", "{what}");
            let error = &self.json()["error"];
            let sentence = if path == "/mcp" {
                assert_eq!(self.json()["jsonrpc"], "2.0", "{what}");
                assert!(error["code"].is_i64(), "{what}");
                &error["message"]
            } else {
                error
            };
            assert!(sentence.as_str().is_some_and(|s| s.len() > 8), "{what}");
        }
        self
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// A header, or nothing.
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .map_or("", |value| value.to_str().unwrap())
    }

    pub(crate) fn is_stream(&self) -> bool {
        self.header("content-type") == "text/event-stream"
    }

    /// The JSON value that was answered; of a stream, the last one.
    pub(crate) fn json(&self) -> Value {
        if self.is_stream() {
            return self.messages().pop().expect("the stream says nothing");
        }
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|error| panic!("{error}: {} {}", self.status, self.text()))
    }

    /// The messages of a stream, in order.
    pub(crate) fn messages(&self) -> Vec<Value> {
        assert!(self.is_stream(), "{self:?}");
        let text = self.text();
        let data = text.lines().filter_map(|line| line.strip_prefix("data:"));
        data.map(str::trim)
            .filter(|data| !data.is_empty())
            .map(|data| serde_json::from_str(data).unwrap())
            .collect()
    }

    /// The result of a request that went well.
    pub(crate) fn result(&self) -> Value {
        let json = self.json();
        assert_eq!(self.status, 200, "{json}");
        assert!(json["result"].is_object(), "no result: {json}");
        json["result"].clone()
    }

    /// What a tool answered; it must be the same as text and as a value.
    pub(crate) fn structured(&self) -> Value {
        let result = self.result();
        assert_ne!(result["isError"], true, "{result}");
        let text = result["content"][0]["text"].as_str().expect("no text");
        let as_text: Value = serde_json::from_str(text).expect("the text is no JSON");
        assert_eq!(result["structuredContent"], as_text);
        as_text
    }

    /// What a tool that failed said: `{"error": …}`.
    pub(crate) fn tool_failure(&self) -> Value {
        let result = self.result();
        assert_eq!(result["isError"], true, "{result}");
        let text = result["content"][0]["text"].as_str().expect("no text");
        let failure: Value = serde_json::from_str(text).expect("the text is no JSON");
        assert!(failure["error"].is_string(), "{failure}");
        failure
    }

    /// The sentence of a tool that failed.
    pub(crate) fn tool_error(&self) -> String {
        self.tool_failure()["error"].as_str().unwrap().to_owned()
    }

    /// The code and the sentence of a JSON-RPC error.
    pub(crate) fn rpc_error(&self) -> (i64, String) {
        let json = self.json();
        let code = json["error"]["code"].as_i64();
        let sentence = json["error"]["message"].as_str();
        match (code, sentence) {
            (Some(code), Some(sentence)) => (code, sentence.to_owned()),
            _ => panic!("no error: {} {json}", self.status),
        }
    }

    /// The sentence of an error off `/mcp`.
    pub(crate) fn plain_error(&self) -> String {
        let json = self.json();
        json["error"].as_str().expect("no error").to_owned()
    }
}
