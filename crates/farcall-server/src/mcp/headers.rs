//! The names of MCP's own headers (Streamable HTTP, SEP-2243).

use http::HeaderName;

/// The session of a client before 2026-07-28.
pub(super) const MCP_SESSION_ID: HeaderName = HeaderName::from_static("mcp-session-id");
/// The revision of the protocol that a request is written in.
pub(super) const MCP_PROTOCOL_VERSION: HeaderName = HeaderName::from_static("mcp-protocol-version");
/// The method of the body, for who routes without reading it.
pub(super) const MCP_METHOD: HeaderName = HeaderName::from_static("mcp-method");
/// The tool, prompt or resource that the body names.
pub(super) const MCP_NAME: HeaderName = HeaderName::from_static("mcp-name");
