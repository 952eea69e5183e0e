//! Plain requests, answered without the SDK's transport: that reads a body several times, and
//! starts three tasks and a dozen channels for each.
//!
//! A call or a list of tools is plain where every part of it is what nearly every client sends.
//! Whatever is not goes to the SDK untouched, so that there is one place for what is wrong or
//! rare; and a test holds both to the same answers. `FARCALL_PLAIN_CALLS=0` leaves everything to
//! the SDK.

mod call;
mod list;

use axum::{body::Body, response::Response};
use farcall_core::principal::Principal;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header, request};
use rmcp::model::{JsonRpcVersion2_0, RequestId};
use serde::Deserialize;
use serde_json::Value;

use self::call::PlainCall;
pub(crate) use self::list::ToolList;
use super::{
    Protocol,
    client::Era,
    front::Accepts,
    headers::{MCP_METHOD, MCP_NAME, MCP_PROTOCOL_VERSION, MCP_SESSION_ID, take_trace},
};
use crate::edge::{ClientAddress, Unambiguous, X_REQUEST_ID, keyed};

/// The revision in which every request stands alone.
const ROUNDS: &str = "2026-07-28";

/// The revisions before, whose requests without a session are alike.
const OLDER: [&str; 4] = ["2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25"];

const PROTOCOL_VERSION: &str = "io.modelcontextprotocol/protocolVersion";
const CLIENT_CAPABILITIES: &str = "io.modelcontextprotocol/clientCapabilities";

/// The body of a plain request; any other key, and any other type, makes it another one.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Sent {
    #[serde(rename = "jsonrpc")]
    _jsonrpc: JsonRpcVersion2_0,
    id: RequestId,
    method: Method,
    #[serde(default, deserialize_with = "keyed")]
    params: Params,
}

#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
// As text: a variant may also be an object, with its name as the key.
#[serde(try_from = "&str")]
enum Method {
    Call,
    List,
}

impl TryFrom<&str> for Method {
    type Error = &'static str;

    fn try_from(name: &str) -> Result<Self, Self::Error> {
        let known = [Self::Call, Self::List];
        let known = known.into_iter().find(|method| method.name() == name);
        known.ok_or("another method")
    }
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Params {
    /// Empty in a list, and in no call that is plain.
    #[serde(default)]
    name: String,
    #[serde(default)]
    arguments: Unambiguous,
    #[serde(default, rename = "_meta")]
    meta: Unambiguous,
}

/// A plain request, ready to be answered.
pub(super) enum Plain {
    Call(PlainCall),
    List(Response),
}

impl Plain {
    pub(super) async fn answer(self) -> Response {
        match self {
            Self::Call(call) => call.answer().await,
            Self::List(response) => response,
        }
    }
}

impl Protocol {
    /// The plain request that this is, or `None` where the SDK is to answer.
    pub(super) fn plain(
        &self,
        request: &request::Parts,
        body: &[u8],
        accepts: Accepts,
    ) -> Option<Plain> {
        let caller = request.extensions.get::<Principal>()?;
        let (mut sent, era) = read(&request.headers, body)?;
        let is_plain = self.are_calls_plain
            && (accepts.json || accepts.stream)
            // An older client without a session is refused where there are sessions.
            && (era == Era::Rounds || !self.are_sessions_on);
        if !is_plain {
            return None;
        }
        let server = self.current.get();
        if sent.method == Method::List {
            // What is written once is for those who may call everything.
            return caller
                .is_unrestricted()
                .then(|| Plain::List(server.tools.response(&sent.id, era)));
        }
        let name = &sent.params.name;
        let is_plain = server.catalog.tool(name).is_some()
            && caller.may_call(name)
            && server.presented.tool_with_headers(name).is_none();
        is_plain.then(|| {
            take_trace(&request.headers, &mut sent.params.meta.0);
            let cancellation = self.http.config.cancellation_token.child_token();
            Plain::Call(PlainCall {
                server,
                caller: caller.clone(),
                request_id: request_id(&request.headers),
                address: ClientAddress::among(&request.extensions),
                accepts,
                era,
                sent,
                cancellation,
            })
        })
    }
}

/// The tool that a plain request calls, where all tools are; empty of a list.
pub(super) fn plain_call(headers: &HeaderMap, body: &[u8]) -> Option<String> {
    let (sent, _) = read(headers, body)?;
    Some(sent.params.name)
}

/// A body that is a plain request, with headers that fit it.
fn read(headers: &HeaderMap, body: &[u8]) -> Option<(Sent, Era)> {
    let only = |name: &HeaderName| {
        let mut values = headers.get_all(name).iter();
        let first = values.next().map(HeaderValue::to_str);
        values.next().is_none().then_some(first)
    };
    let kind = only(&header::CONTENT_TYPE)??.ok()?;
    if kind != "application/json" || headers.contains_key(MCP_SESSION_ID) {
        return None;
    }
    let version = only(&MCP_PROTOCOL_VERSION)?.transpose().ok()?;
    let is_alone = version == Some(ROUNDS);
    if !is_alone && version.is_some_and(|version| !OLDER.contains(&version)) {
        return None;
    }
    let method = if is_alone {
        Some(only(&MCP_METHOD)??.ok()?)
    } else {
        None
    };
    if method.is_some_and(|method| method != "tools/call" && method != "tools/list") {
        return None;
    }
    let mut body = serde_json::Deserializer::from_slice(body);
    let sent: Sent = keyed(&mut body).ok()?;
    body.end().ok()?;
    let is_list = sent.method == Method::List;
    if is_list && !(sent.params.name.is_empty() && sent.params.arguments.0.is_empty()) {
        return None;
    }
    let declared = sent.params.meta.0.get(PROTOCOL_VERSION);
    if !is_alone {
        return declared.is_none().then_some((sent, Era::Stateless));
    }
    let capabilities = sent.params.meta.0.get(CLIENT_CAPABILITIES)?.as_object()?;
    let is_plain = declared.and_then(Value::as_str) == Some(ROUNDS)
        && method == Some(sent.method.name())
        && match (only(&MCP_NAME)?, sent.method) {
            // Whom anything can be asked may need more than one round.
            (Some(name), Method::Call) => capabilities.is_empty() && name.ok()? == sent.params.name,
            (name, method) => name.is_none() && method == Method::List,
        };
    is_plain.then_some((sent, Era::Rounds))
}

impl Method {
    fn name(self) -> &'static str {
        match self {
            Self::Call => "tools/call",
            Self::List => "tools/list",
        }
    }
}

fn request_id(headers: &HeaderMap) -> String {
    let id = headers.get(X_REQUEST_ID).and_then(|id| id.to_str().ok());
    id.unwrap_or_default().to_owned()
}

fn json(status: StatusCode, body: Vec<u8>) -> Response {
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    let json = HeaderValue::from_static("application/json");
    response.headers_mut().insert(header::CONTENT_TYPE, json);
    response
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        let pairs = pairs.iter();
        pairs
            .map(|(name, value)| {
                let name = HeaderName::from_static(name);
                (name, HeaderValue::from_str(value).unwrap())
            })
            .collect()
    }

    fn of_2026() -> (HeaderMap, Value) {
        let headers = headers(&[
            ("content-type", "application/json"),
            ("mcp-protocol-version", ROUNDS),
            ("mcp-method", "tools/call"),
            ("mcp-name", "add"),
        ]);
        let body = json!({
            "jsonrpc": "2.0", "id": 1, "method": "tools/call",
            "params": {"name": "add", "arguments": {"a": 1}, "_meta": {
                PROTOCOL_VERSION: ROUNDS, CLIENT_CAPABILITIES: {}, "traceparent": "00-1-2-01",
            }},
        });
        (headers, body)
    }

    fn era(headers: &HeaderMap, body: &Value) -> Option<Era> {
        read(headers, body.to_string().as_bytes()).map(|(_, era)| era)
    }

    #[test]
    fn what_nearly_every_client_sends_is_plain() {
        let (head, body) = of_2026();
        assert_eq!(era(&head, &body), Some(Era::Rounds));
        let body =
            json!({"jsonrpc": "2.0", "id": "x", "method": "tools/call", "params": {"name": "add"}});
        for version in OLDER {
            let head = headers(&[
                ("content-type", "application/json"),
                ("mcp-protocol-version", version),
            ]);
            assert_eq!(era(&head, &body), Some(Era::Stateless), "{version}");
        }
        let head = headers(&[("content-type", "application/json")]);
        assert_eq!(era(&head, &body), Some(Era::Stateless));
    }

    /// The values of an object, without their keys.
    fn in_order(object: &Value) -> Value {
        object.as_object().unwrap().values().cloned().collect()
    }

    #[test]
    fn what_is_rare_or_wrong_is_left_to_the_sdk() {
        type Change = fn(&mut HeaderMap, &mut Value);
        let changes: [Change; 18] = [
            |head, _| drop(head.remove("mcp-name")),
            |head, _| drop(head.remove("mcp-method")),
            |head, _| drop(head.remove("content-type")),
            |head, _| drop(head.remove("mcp-protocol-version")),
            |head, _| {
                drop(head.insert(
                    "mcp-protocol-version",
                    HeaderValue::from_static("2027-01-01"),
                ));
            },
            |head, _| drop(head.insert("mcp-name", HeaderValue::from_static("echo"))),
            |head, _| {
                head.append("mcp-name", HeaderValue::from_static("add"));
            },
            |head, _| drop(head.insert("mcp-session-id", HeaderValue::from_static("1"))),
            |_, body| body["id"] = json!(null),
            |_, body| body["method"] = json!("tools/list"),
            |_, body| body["params"]["requestState"] = json!("x"),
            |_, body| body["params"]["task"] = json!({}),
            |_, body| body["params"]["_meta"][PROTOCOL_VERSION] = json!("2025-11-25"),
            |_, body| body["params"]["_meta"][CLIENT_CAPABILITIES] = json!({"elicitation": {}}),
            |_, body| body["params"]["_meta"] = json!({}),
            |_, body| body["method"] = json!({"tools/call": null}),
            |_, body| body["params"] = in_order(&body["params"]),
            |_, body| *body = in_order(body),
        ];
        for (number, change) in changes.into_iter().enumerate() {
            let (mut head, mut body) = of_2026();
            change(&mut head, &mut body);
            assert_eq!(era(&head, &body), None, "change {number}");
        }
    }
}
