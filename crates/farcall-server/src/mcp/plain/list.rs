//! The list of tools, written once for all who ask.

use axum::response::Response;
use http::StatusCode;
use rmcp::model::{CacheScope, ListToolsResult, RequestId, ServerResult, Tool};

use super::super::client::Era;

/// The result of `tools/list` as JSON, for both kinds of clients.
pub(crate) struct ToolList {
    rounds: Box<[u8]>,
    older: Box<[u8]>,
}

impl ToolList {
    /// # Errors
    /// Where a tool cannot be written as JSON.
    pub(in crate::mcp) fn new(tools: &[Tool]) -> Result<Self, serde_json::Error> {
        let mut list = ListToolsResult::with_all_items(tools.to_vec());
        let mut older = ServerResult::from(list.clone());
        older.strip_result_type_for_legacy_peer();
        older.strip_non_object_output_for_legacy_peer();
        // What the SDK says where nothing else is known: ask again each time, keep it for yourself.
        list.ttl_ms = Some(0);
        list.cache_scope = Some(CacheScope::Private);
        Ok(Self {
            rounds: serde_json::to_vec(&list)?.into_boxed_slice(),
            older: serde_json::to_vec(&older)?.into_boxed_slice(),
        })
    }

    pub(super) fn response(&self, id: &RequestId, era: Era) -> Response {
        let list = if era == Era::Rounds {
            &self.rounds
        } else {
            &self.older
        };
        let mut body = Vec::with_capacity(list.len() + 64);
        body.extend_from_slice(br#"{"jsonrpc":"2.0","id":"#);
        // A number or a string, which any writer of JSON can write.
        body.extend_from_slice(serde_json::json!(id).to_string().as_bytes());
        body.extend_from_slice(br#","result":"#);
        body.extend_from_slice(list);
        body.push(b'}');
        super::json(StatusCode::OK, body)
    }
}
