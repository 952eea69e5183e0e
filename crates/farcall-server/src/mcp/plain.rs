//! Plain tool calls, answered without the SDK's transport: that reads a body several times, and
//! starts three tasks and a dozen channels for each.
//!
//! A call is plain where every part of it is what nearly every client sends. Whatever is not goes
//! to the SDK untouched, so that there is one place for what is wrong or rare; and a test holds
//! both to the same answers. `FARCALL_PLAIN_CALLS=0` leaves everything to the SDK.

use std::{pin::Pin, sync::Arc};

use axum::{body::Body, response::Response};
use farcall_core::{context::CallContext, principal::Principal};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header, request};
use rmcp::model::{
    ErrorCode, JsonRpcMessage, JsonRpcVersion2_0, RequestId, RequestMetaObject,
    ServerJsonRpcMessage, ServerNotification, ServerResult,
};
use serde::Deserialize;
use serde_json::Value;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::{
    Protocol, Server, call,
    client::{Era, Outlet, PeerClient},
    front::Accepts,
    headers::{MCP_METHOD, MCP_NAME, MCP_PROTOCOL_VERSION, MCP_SESSION_ID},
    rounds::Binding,
    stream,
};
use crate::edge::{Unambiguous, X_REQUEST_ID};

/// The revision in which every request stands alone.
const ROUNDS: &str = "2026-07-28";

/// The revisions before, whose calls without a session are alike.
const OLDER: [&str; 4] = ["2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25"];

const PROTOCOL_VERSION: &str = "io.modelcontextprotocol/protocolVersion";
const CLIENT_CAPABILITIES: &str = "io.modelcontextprotocol/clientCapabilities";

/// How many notifications may wait for a client that reads slowly.
const UNREAD_NEWS: usize = 16;

/// The body of a plain call; any other key, and any other type, makes it another request.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Sent {
    #[serde(rename = "jsonrpc")]
    _jsonrpc: JsonRpcVersion2_0,
    id: RequestId,
    method: String,
    params: Params,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Params {
    name: String,
    #[serde(default)]
    arguments: Unambiguous,
    #[serde(default, rename = "_meta")]
    meta: Unambiguous,
}

/// A plain call, ready to run.
struct PlainCall {
    server: Arc<Server>,
    caller: Principal,
    request_id: String,
    accepts: Accepts,
    era: Era,
    sent: Sent,
    /// Cancelled when the client goes, and when the server cuts what takes too long.
    cancellation: CancellationToken,
}

impl Protocol {
    /// The answer to a plain call, or `None` where the SDK is to answer.
    pub(super) fn answer_plainly(
        &self,
        request: &request::Parts,
        body: &[u8],
        accepts: Accepts,
    ) -> Option<impl Future<Output = Response> + Send + use<>> {
        let caller = request.extensions.get::<Principal>()?;
        let (sent, era) = read(&request.headers, body)?;
        let is_plain = self.are_calls_plain
            && (accepts.json || accepts.stream)
            // An older client without a session is refused where there are sessions.
            && (era == Era::Rounds || !self.are_sessions_on)
            && self.server.catalog.tool(&sent.params.name).is_some()
            && self.server.presented.tool_with_headers(&sent.params.name).is_none();
        let id = request.headers.get(X_REQUEST_ID);
        let id = id.and_then(|id| id.to_str().ok());
        is_plain.then(|| {
            PlainCall {
                server: Arc::clone(&self.server),
                caller: caller.clone(),
                request_id: id.unwrap_or_default().to_owned(),
                accepts,
                era,
                sent,
                cancellation: self.http.config.cancellation_token.child_token(),
            }
            .answer()
        })
    }
}

/// A body that is a plain call, with headers that fit it.
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
    if is_alone && only(&MCP_METHOD)??.ok()? != "tools/call" {
        return None;
    }
    let sent: Sent = serde_json::from_slice(body).ok()?;
    if sent.method != "tools/call" {
        return None;
    }
    let declared = sent.params.meta.0.get(PROTOCOL_VERSION);
    if !is_alone {
        return declared.is_none().then_some((sent, Era::Stateless));
    }
    // Whom anything can be asked may need more than one round.
    let capabilities = sent.params.meta.0.get(CLIENT_CAPABILITIES)?.as_object()?;
    let is_plain = declared.and_then(Value::as_str) == Some(ROUNDS)
        && capabilities.is_empty()
        && only(&MCP_NAME)??.ok()? == sent.params.name;
    is_plain.then_some((sent, Era::Rounds))
}

impl PlainCall {
    /// Runs the tool. Its answer is JSON, or a stream where the tool says something before it.
    async fn answer(self) -> Response {
        let (outlet, mut news) = mpsc::channel(UNREAD_NEWS);
        let era = self.era;
        let mut running: Pin<Box<dyn Future<Output = ServerJsonRpcMessage> + Send>> =
            Box::pin(self.run(outlet));
        tokio::select! {
            biased;
            Some(first) = news.recv() => stream::of_messages(first, news, running),
            message = &mut running => json(&message, era),
        }
    }

    async fn run(self, outlet: mpsc::Sender<ServerNotification>) -> ServerJsonRpcMessage {
        let Params {
            name,
            arguments,
            meta,
        } = self.sent.params;
        let (id, meta) = (self.sent.id, RequestMetaObject::from(meta.0));
        // Whoever drops this before its end has gone.
        let _gone = self.cancellation.clone().drop_guard();
        let client = PeerClient::unaskable(
            Outlet::Stream(outlet),
            id.clone(),
            self.era,
            &meta,
            self.accepts,
            self.server.stopping.clone(),
        );
        let context = CallContext::new(
            self.caller,
            self.request_id,
            meta.0.0,
            self.cancellation,
            Arc::new(client),
            farcall_core::context::Recollection::default(),
        );
        let (era, server) = (self.era, self.server);
        let (arguments, binding) = (Value::Object(arguments.0), Binding::none());
        let called = call::answer(&server, &name, &context, arguments, era, &binding);
        match called.await {
            Ok(response) => {
                let mut result = ServerResult::from(response);
                if era != Era::Rounds {
                    result.strip_result_type_for_legacy_peer();
                    result.strip_non_object_output_for_legacy_peer();
                }
                JsonRpcMessage::response(result, id)
            }
            Err(error) => JsonRpcMessage::error(error, Some(id)),
        }
    }
}

fn json(message: &ServerJsonRpcMessage, era: Era) -> Response {
    let body = match serde_json::to_vec(message) {
        Ok(body) => body,
        Err(error) => {
            tracing::error!(%error, "an answer cannot be written as JSON");
            let sentence = "the answer cannot be written";
            return crate::problem_response::json_rpc(
                StatusCode::INTERNAL_SERVER_ERROR,
                -32_603,
                sentence,
            );
        }
    };
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status(message, era);
    let json = HeaderValue::from_static("application/json");
    response.headers_mut().insert(header::CONTENT_TYPE, json);
    response
}

/// Since 2026-07-28 what a client lacks is a bad request; before, errors of the protocol came
/// with 200.
fn status(message: &ServerJsonRpcMessage, era: Era) -> StatusCode {
    match message {
        JsonRpcMessage::Error(error)
            if era == Era::Rounds
                && error.error.code == ErrorCode::MISSING_REQUIRED_CLIENT_CAPABILITY =>
        {
            StatusCode::BAD_REQUEST
        }
        _ => StatusCode::OK,
    }
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

    #[test]
    fn what_is_rare_or_wrong_is_left_to_the_sdk() {
        type Change = fn(&mut HeaderMap, &mut Value);
        let changes: [Change; 15] = [
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
        ];
        for (number, change) in changes.into_iter().enumerate() {
            let (mut head, mut body) = of_2026();
            change(&mut head, &mut body);
            assert_eq!(era(&head, &body), None, "change {number}");
        }
    }
}
