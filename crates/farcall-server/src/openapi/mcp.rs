//! `/mcp`: JSON-RPC over HTTP.

use serde_json::{Value, json};

use super::{
    answer::{self, Form, named_schema},
    operation::{Operation, optional},
};

const ABOUT: &str = "\
One message of JSON-RPC 2.0. What a tool says, and most of what is wrong with a message, is told in band with status \
200; a request of 2026-07-28 that is wrong as such has a 4xx. The answer is one JSON value, or a stream of events \
whose last one is the answer: where something is told before it, where it takes longer than ten seconds, and where \
`Accept` admits nothing else.";

pub(super) fn endpoint() -> Value {
    json!({
        "parameters": parameters(),
        "post": post(),
        "get": get(),
        "delete": delete(),
    })
}

fn post() -> Value {
    let stream = json!({"type": "string", "description": "Server-sent events; the data of each is a message."});
    let answered = answer::with_body(
        "The answer, or an error of the protocol.",
        [
            ("application/json", named_schema("JsonRpcAnswer")),
            ("text/event-stream", stream),
        ],
    );
    let body = json!({
        "required": true,
        "description": "At most 1 MiB, not compressed.",
        "content": {"application/json": {"schema": named_schema("JsonRpcMessage"), "examples": examples()}},
    });
    Operation::new(
        "call",
        "mcp",
        "A request, a notification or an answer of a client.",
        Form::JsonRpc,
    )
    .about(ABOUT)
    .gated()
    .with("requestBody", body)
    .answers(200, answered)
    .answers(202, answer::empty("A notification or an answer was taken."))
    .refuses(&[400, 401, 403, 404, 406, 408, 413, 415, 429, 431, 500, 503])
    .done()
}

fn get() -> Value {
    let stream = json!({"type": "string"});
    let stream = answer::with_body(
        "What the server tells the session unasked; or the page, which has no tools for who may not list them.",
        [
            ("text/event-stream", stream.clone()),
            ("text/html; charset=utf-8", stream),
        ],
    );
    in_session(
        "listen",
        "The stream of a session of an older client; a page about the server for browsers.",
    )
    .about(
        "Whoever accepts `text/html`, and neither a stream nor JSON, is a browser: it gets the page, without a credential as well. For \
         anybody else 405 where the program has no sessions, and for clients of 2026-07-28.",
    )
        .answers(200, stream)
        .refuses(&[406])
        .done()
}

/// `/llms.txt`.
pub(super) fn for_models() -> Value {
    let text = json!({"type": "string"});
    let text = answer::with_body("Markdown.", [("text/plain; charset=utf-8", text)]);
    Operation::new(
        "llms_txt",
        "mcp",
        "What the server offers and how clients connect, for a language model.",
        Form::Plain,
    )
    .about("The tools are those that there are for the caller.")
    .gated()
    .answers(200, text)
    .refuses(&[401, 403, 429, 431, 503])
    .and_head()
}

fn delete() -> Value {
    in_session("end_session", "Ends a session of an older client.")
        .answers(204, answer::empty("It has ended."))
        .done()
}

/// Without sessions, which is how servers begin, these are not allowed.
fn in_session(id: &str, summary: &str) -> Operation {
    Operation::new(id, "mcp", summary, Form::JsonRpc)
        .about("405 where the program has no sessions, and for clients of 2026-07-28.")
        .gated()
        .refuses(&[400, 401, 403, 404, 405, 429, 431, 503])
}

fn parameters() -> [Value; 4] {
    let text = || json!({"type": "string"});
    let version = json!({
        "type": "string",
        "enum": ["2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25", "2026-07-28"],
    });
    [
        optional(
            "header",
            "MCP-Protocol-Version",
            version,
            "The revision that the request is written in.",
        ),
        optional(
            "header",
            "Mcp-Method",
            text(),
            "The method of the body; required from 2026-07-28 on.",
        ),
        optional(
            "header",
            "Mcp-Name",
            text(),
            "What the body names; required from 2026-07-28 on where it names something.",
        ),
        optional(
            "header",
            "Mcp-Session-Id",
            text(),
            "The session of an older client, where there are any.",
        ),
    ]
}

fn examples() -> Value {
    let asked = |method, params| json!({"value": {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}});
    let client = json!({"name": "example", "version": "1"});
    json!({
        "initialize": asked("initialize", json!({
            "protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": client,
        })),
        "list": asked("tools/list", json!({})),
        "call": asked("tools/call", json!({"name": "add", "arguments": {"a": 2, "b": 3}})),
        "initialized": {"value": {"jsonrpc": "2.0", "method": "notifications/initialized"}},
    })
}
