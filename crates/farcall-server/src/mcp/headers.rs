//! The names of MCP's own headers (Streamable HTTP, SEP-2243).

use farcall_core::{
    JsonObject,
    trace::{TRACEPARENT, TraceParent},
};
use http::{HeaderMap, HeaderName};

/// The session of a client before 2026-07-28.
pub(super) const MCP_SESSION_ID: HeaderName = HeaderName::from_static("mcp-session-id");
/// The revision of the protocol that a request is written in.
pub(super) const MCP_PROTOCOL_VERSION: HeaderName = HeaderName::from_static("mcp-protocol-version");
/// The method of the body, for who routes without reading it.
pub(super) const MCP_METHOD: HeaderName = HeaderName::from_static("mcp-method");
/// The tool, prompt or resource that the body names.
pub(super) const MCP_NAME: HeaderName = HeaderName::from_static("mcp-name");

/// Puts where a caller stands in a trace to where MCP has it, where the head alone says it, as clients of HTTP
/// do by themselves. What is there and is no place in a trace is taken away: nobody is told it, and it does not
/// stand before a head that is right.
pub(super) fn take_trace(headers: &HeaderMap, meta: &mut JsonObject) {
    if TraceParent::of_meta(meta).is_some() {
        return;
    }
    meta.remove(TRACEPARENT);
    let mut values = headers.get_all(TRACEPARENT).iter();
    let (Some(value), None) = (values.next(), values.next()) else {
        return;
    };
    if let Some(place) = value.to_str().ok().and_then(TraceParent::parse) {
        meta.insert(TRACEPARENT.to_owned(), place.to_string().into());
    }
}
