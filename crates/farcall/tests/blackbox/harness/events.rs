//! An answer that comes in events.

use reqwest::header::HeaderMap;
use serde_json::Value;

use super::soon;

/// A stream of server-sent events.
pub(crate) struct Events {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    response: reqwest::Response,
    unread: String,
}

impl Events {
    pub(crate) fn new(response: reqwest::Response) -> Self {
        Self {
            status: response.status().as_u16(),
            headers: response.headers().clone(),
            response,
            unread: String::new(),
        }
    }

    /// The next block as it was written; `None` at the end.
    pub(crate) async fn block(&mut self) -> Option<String> {
        loop {
            if let Some((block, rest)) = self.unread.split_once("\n\n") {
                let (block, rest) = (block.to_owned(), rest.to_owned());
                self.unread = rest;
                return Some(block);
            }
            let chunk = soon(self.response.chunk()).await.unwrap()?;
            self.unread.push_str(std::str::from_utf8(&chunk).unwrap());
        }
    }

    /// The next message, whatever stands between it and this moment; `None` at the end.
    pub(crate) async fn message(&mut self) -> Option<Value> {
        loop {
            let block = self.block().await?;
            let data: String = block
                .lines()
                .filter_map(|line| line.strip_prefix("data:"))
                .map(str::trim)
                .collect();
            if !data.is_empty() {
                return Some(serde_json::from_str(&data).unwrap());
            }
        }
    }

    /// The next message, which must be there.
    pub(crate) async fn expect(&mut self) -> Value {
        self.message().await.expect("the stream has ended")
    }
}
