//! The bytes of every request that is sent.

/// The bearer token of every server that checks one; the others get it, too.
pub(crate) const TOKEN: &str = "0f6c2f6b6f1d4b7e8a55c1f09d3e7a21";

/// The revision of MCP in which every request stands alone.
pub(crate) const STATELESS: &str = "2026-07-28";
/// The revision that the guide's Python server speaks.
pub(crate) const OLDER: &str = "2025-11-25";

const BOTH: &str = "application/json, text/event-stream";

/// `add` as a client of 2026-07-28 calls it.
pub(crate) fn add() -> Vec<u8> {
    add_accepting(BOTH)
}

/// The same by a client that reads nothing but event streams.
pub(crate) fn add_as_stream() -> Vec<u8> {
    add_accepting("text/event-stream")
}

fn add_accepting(accept: &str) -> Vec<u8> {
    let body = format!(
        r#"{{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{{"name":"add","arguments":{{"a":2,"b":3}},{META}}}}}"#
    );
    let headers = [("Mcp-Method", "tools/call"), ("Mcp-Name", "add")];
    post(&body, accept, STATELESS, &headers)
}

const META: &str = r#""_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientInfo":{"name":"bench","version":"1"},"io.modelcontextprotocol/clientCapabilities":{}}"#;

/// `tools/list` as a client of 2026-07-28 sends it.
pub(crate) fn tools_list() -> Vec<u8> {
    let body = format!(r#"{{"jsonrpc":"2.0","id":1,"method":"tools/list","params":{{{META}}}}}"#);
    post(&body, BOTH, STATELESS, &[("Mcp-Method", "tools/list")])
}

/// A tool as a client of 2025-11-25 calls it, in a session where the server has one.
pub(crate) fn older_call(tool: &str, arguments: &str, session: Option<&str>) -> Vec<u8> {
    let body = format!(
        r#"{{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{{"name":"{tool}","arguments":{arguments}}}}}"#
    );
    older(&body, session)
}

/// Starts the job of `many-jobs` that takes so many seconds.
pub(crate) fn start_work(seconds: f64) -> Vec<u8> {
    older_call("start_work", &format!("{{\"seconds\":{seconds}}}"), None)
}

/// A poll of a job by a client of 2025-11-25.
pub(crate) fn status_of(job: &str, id: &str, session: Option<&str>) -> Vec<u8> {
    let arguments = format!("{{\"job_id\":\"{id}\"}}");
    older_call(&format!("get_{job}_status"), &arguments, session)
}

/// `add` as a client of 2025-11-25 calls it.
pub(crate) fn older_add(session: Option<&str>) -> Vec<u8> {
    older_call("add", r#"{"a":2,"b":3}"#, session)
}

/// The first message of a session.
pub(crate) fn initialize() -> Vec<u8> {
    let body = format!(
        r#"{{"jsonrpc":"2.0","id":0,"method":"initialize","params":{{"protocolVersion":"{OLDER}","capabilities":{{}},"clientInfo":{{"name":"bench","version":"1"}}}}}}"#
    );
    older(&body, None)
}

/// The second.
pub(crate) fn initialized(session: &str) -> Vec<u8> {
    older(
        r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#,
        Some(session),
    )
}

fn older(body: &str, session: Option<&str>) -> Vec<u8> {
    let session = session.map(|id| ("Mcp-Session-Id", id));
    post(body, BOTH, OLDER, session.as_slice())
}

fn post(body: &str, accept: &str, version: &str, headers: &[(&str, &str)]) -> Vec<u8> {
    let mut head = format!(
        "POST /mcp HTTP/1.1\r\nHost: 127.0.0.1:8900\r\nAuthorization: Bearer {TOKEN}\r\nContent-Type: application/json\r\nAccept: {accept}\r\nMCP-Protocol-Version: {version}\r\nContent-Length: {}\r\n",
        body.len()
    );
    for (name, value) in headers {
        head.extend([name, ": ", value, "\r\n"]);
    }
    format!("{head}\r\n{body}").into_bytes()
}

/// A file or a probe.
pub(crate) fn get(path: &str) -> Vec<u8> {
    format!(
        "GET {path} HTTP/1.1\r\nHost: 127.0.0.1:8900\r\nAuthorization: Bearer {TOKEN}\r\nAccept: */*\r\n\r\n"
    )
    .into_bytes()
}
