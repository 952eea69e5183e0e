//! Errors over HTTP: `{"error": "…"}` off `/mcp`, JSON-RPC on it.

use axum::{
    body::Body,
    response::{IntoResponse, Response},
};
use http::{HeaderValue, StatusCode, header};
use serde_json::json;

/// `{"error": sentence}` with a status.
pub(crate) fn plain(status: StatusCode, sentence: &str) -> Response {
    json(status, &json!({"error": sentence}))
}

/// A JSON-RPC error without an id, because the request was not read that far.
pub(crate) fn json_rpc(status: StatusCode, code: i32, sentence: &str) -> Response {
    json(
        status,
        &json!({"jsonrpc": "2.0", "error": {"code": code, "message": sentence}}),
    )
}

/// The form that fits the path.
pub(crate) fn for_path(path: &str, status: StatusCode, sentence: &str) -> Response {
    /// The first code that JSON-RPC leaves to servers, for what HTTP already says by its status.
    const REFUSED: i32 = -32_000;
    if path == crate::router::MCP {
        json_rpc(status, REFUSED, sentence)
    } else {
        plain(status, sentence)
    }
}

/// A JSON value that says what went wrong.
pub(crate) fn json(status: StatusCode, value: &serde_json::Value) -> Response {
    let mut response = (status, Body::from(value.to_string())).into_response();
    let kind = HeaderValue::from_static("application/json");
    response.headers_mut().insert(header::CONTENT_TYPE, kind);
    forbid_storing(&mut response);
    response
}

/// What is not there yet may be there soon; no edge may keep the refusal.
pub(crate) fn forbid_storing(response: &mut Response) {
    let no_store = HeaderValue::from_static("no-store");
    response
        .headers_mut()
        .insert(header::CACHE_CONTROL, no_store);
}
