//! What stands before the SDK: it reads the body, evens out what clients say they accept, turns
//! every refusal into JSON-RPC, and keeps answers that take long from being cut.

use std::{borrow::Cow, sync::Arc, time::Duration};

use axum::{
    body::Body,
    extract::{Request, State},
    response::Response,
};
use bytes::Bytes;
use farcall_core::principal::Principal;
use http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use http_body_util::{BodyExt, Full};
use serde::Deserialize;
use tokio::sync::MutexGuard;

use super::{
    Protocol,
    handler::RESTRICTED,
    headers::{MCP_METHOD, MCP_PROTOCOL_VERSION, MCP_SESSION_ID},
    stream::{self, Pending},
    subscriptions,
};
use crate::{
    edge::{self, ClientAddress},
    problem_response::{forbid_storing, json_rpc},
    router::MCP,
};

/// After this time without an answer the client gets a stream with comments on it: proxies
/// cut what is silent for about 100 seconds, some clients what shows nothing at all.
const LATE: Duration = Duration::from_secs(10);

/// What a client can read, beside what HTTP says about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Accepts {
    pub(crate) json: bool,
    pub(crate) stream: bool,
}

impl Accepts {
    fn of(headers: &HeaderMap) -> Self {
        let values = headers
            .get_all(header::ACCEPT)
            .iter()
            .filter_map(|value| value.to_str().ok());
        let mut types = values.flat_map(|value| value.split(',')).map(|range| {
            let kind = range.split(';').next().unwrap_or_default();
            kind.trim().to_ascii_lowercase()
        });
        let mut accepts = Self {
            json: false,
            stream: false,
        };
        let mut is_silent = true;
        for kind in types.by_ref() {
            is_silent = false;
            accepts.json |= matches!(kind.as_str(), "application/json" | "application/*" | "*/*");
            accepts.stream |= matches!(kind.as_str(), "text/event-stream" | "text/*" | "*/*");
        }
        // RFC 9110 section 12.5.1: a request without `Accept` takes anything.
        Self {
            json: accepts.json || is_silent,
            stream: accepts.stream || is_silent,
        }
    }
}

/// Answers every request to `/mcp`.
pub(crate) async fn answer(State(protocol): State<Arc<Protocol>>, request: Request) -> Response {
    let (mut parts, body) = request.into_parts();
    let accepts = Accepts::of(&parts.headers);
    if let Some(refusal) = ambiguous(&parts.headers) {
        return refusal;
    }
    let is_call = parts.method == Method::POST;
    let is_end = parts.method == Method::DELETE;
    let body = if is_call {
        match edge::read_body(&parts.headers, body).await {
            Ok(body) => body,
            Err(error) => return error.response(MCP),
        }
    } else {
        Bytes::new()
    };
    let plain = is_call
        .then(|| protocol.plain(&parts, &body, accepts))
        .flatten();
    if is_call
        && plain.is_none()
        && let Err(fault) = edge::check(&body)
    {
        return edge::ReadError::from(fault).response(MCP);
    }
    if let Some(refusal) = protocol.beyond_bounds(&parts, plain.as_ref(), &body) {
        protocol.write_refused(&parts, &body);
        return refusal;
    }
    let _place = if protocol.are_sessions_on {
        match session_is_callers(&protocol, &parts, &body).await {
            Ok(place) => place,
            Err(refusal) => return refusal,
        }
    } else {
        None
    };
    if is_call && (accepts.json || accepts.stream) {
        // The SDK insists on both; what the client cannot read is translated below.
        let both = HeaderValue::from_static("application/json, text/event-stream");
        parts.headers.insert(header::ACCEPT, both);
    }
    let method = parts.headers.get(MCP_METHOD);
    let is_listening = is_call && method.is_some_and(|method| method == "subscriptions/listen");
    if is_listening && !accepts.stream {
        return json_rpc(
            StatusCode::NOT_ACCEPTABLE,
            -32_000,
            "a subscription is answered with a stream; accept `text/event-stream`",
        );
    }
    if parts.method == Method::GET && accepts.stream {
        let stream = HeaderValue::from_static("text/event-stream");
        parts.headers.insert(header::ACCEPT, stream);
    }
    let is_watching = parts.method == Method::GET;
    parts.extensions.insert(accepts);
    let owner = parts.extensions.get::<Principal>().cloned();
    // Boxed at once: the SDK's future is large, and the router moves this one several times.
    let mut pending: Pending = if let Some(plain) = plain {
        Box::pin(async move { finished(plain.answer().await, accepts).await })
    } else {
        let protocol = Arc::clone(&protocol);
        Box::pin(answered_by_sdk(
            protocol,
            parts,
            body,
            is_listening,
            accepts,
        ))
    };
    let mut response = if is_call && accepts.stream {
        match tokio::time::timeout(LATE, &mut pending).await {
            Ok(response) => response,
            Err(_) => return stream::late(pending),
        }
    } else {
        pending.await
    };
    if protocol.are_sessions_on
        && let Some(owner) = owner
    {
        protocol.sessions.bind(response.headers(), &owner).await;
    }
    if response.status().is_client_error() || response.status().is_server_error() {
        // The SDK writes some refusals as JSON by itself.
        forbid_storing(&mut response);
    }
    if is_watching {
        // The one stream that nothing else ends when the server stops.
        return stream::until(response, protocol.current.get().stopping.clone());
    }
    if is_end && response.status() == StatusCode::ACCEPTED {
        // Python clients take 202 for a failure to end the session.
        return (StatusCode::NO_CONTENT, Body::empty()).into_response_with(response.headers());
    }
    response
}

/// Answers what is not a plain request, within what its caller may do.
async fn answered_by_sdk(
    protocol: Arc<Protocol>,
    parts: http::request::Parts,
    body: Bytes,
    is_listening: bool,
    accepts: Accepts,
) -> Response {
    let caller = parts.extensions.get::<Principal>().cloned();
    let address = parts.extensions.get::<ClientAddress>().copied();
    let request = http::Request::from_parts(parts, Full::new(body.clone()));
    let handling = protocol.http.handle(request);
    let response = match &caller {
        Some(caller) if !caller.is_unrestricted() => {
            RESTRICTED.scope(caller.clone(), handling).await
        }
        _ => handling.await,
    };
    let response = response.map(Body::new);
    match caller {
        Some(caller) if is_listening && stream::is_one(&response) => {
            let (server, places) = (protocol.current.get(), &protocol.places);
            subscriptions::answer(&server, places, (&caller, address), &body).await
        }
        _ => finished(response, accepts).await,
    }
}

/// Refuses a header twice that decides how the request is read: who stands before this server
/// might go by the other one.
fn ambiguous(headers: &HeaderMap) -> Option<Response> {
    let twice = [MCP_PROTOCOL_VERSION, MCP_SESSION_ID]
        .into_iter()
        .find(|name| headers.get_all(name).iter().count() > 1)?;
    let sentence = format!("the header `{twice}` is there twice; send it once");
    Some(json_rpc(StatusCode::BAD_REQUEST, -32_600, &sentence))
}

/// Refuses somebody else's session as one that never existed, and a new one above the limit;
/// holds the place of one that is about to be opened.
async fn session_is_callers<'a>(
    protocol: &'a Protocol,
    parts: &http::request::Parts,
    body: &[u8],
) -> Result<Option<MutexGuard<'a, ()>>, Response> {
    #[derive(Deserialize)]
    struct Method<'a> {
        // Owned where it is written with escapes.
        #[serde(borrow)]
        method: Option<Cow<'a, str>>,
    }

    if let Some(id) = parts.headers.get(MCP_SESSION_ID) {
        let caller = parts.extensions.get::<Principal>();
        let is_theirs = protocol.sessions.belongs_to(id, caller);
        return if is_theirs {
            Ok(None)
        } else {
            Err(json_rpc(
                StatusCode::NOT_FOUND,
                -32_000,
                "there is no such session; initialize a new one",
            ))
        };
    }
    let method = serde_json::from_slice::<Method>(body)
        .ok()
        .and_then(|request| request.method);
    if method.as_deref() != Some("initialize") {
        return Ok(None);
    }
    let place = protocol.sessions.place().await;
    place.map(Some).ok_or_else(|| {
        let mut refusal = json_rpc(
            StatusCode::SERVICE_UNAVAILABLE,
            -32_000,
            "there are too many sessions; try again later",
        );
        refusal
            .headers_mut()
            .insert(header::RETRY_AFTER, HeaderValue::from_static("30"));
        refusal
    })
}

/// The SDK's answer in a form that the client reads.
async fn finished(response: Response, accepts: Accepts) -> Response {
    let status = response.status();
    let kind = response
        .headers()
        .get(header::CONTENT_TYPE)
        .and_then(|kind| kind.to_str().ok())
        .unwrap_or_default();
    let is_json = kind.starts_with("application/json");
    if (status.is_client_error() || status.is_server_error()) && !is_json {
        return refused(response).await;
    }
    if is_json && status == StatusCode::OK && !accepts.json {
        return stream::as_stream(response).await;
    }
    if kind.starts_with("text/event-stream") && accepts.json && !accepts.stream {
        return stream::as_json(response).await;
    }
    response
}

/// The SDK refuses some requests in plain words; on `/mcp` errors are JSON-RPC.
async fn refused(response: Response) -> Response {
    let (parts, body) = response.into_parts();
    let said = body
        .collect()
        .await
        .map(http_body_util::Collected::to_bytes)
        .unwrap_or_default();
    let said = String::from_utf8_lossy(&said);
    let mut translated = match parts.status {
        // The body is JSON, that was seen before, so it is the message that does not fit.
        StatusCode::UNSUPPORTED_MEDIA_TYPE if !said.contains("Content-Type") => json_rpc(
            StatusCode::BAD_REQUEST,
            -32_600,
            "the body is no JSON-RPC request of MCP; send `jsonrpc`, `id`, `method` and `params`",
        ),
        StatusCode::NOT_ACCEPTABLE => json_rpc(
            StatusCode::NOT_ACCEPTABLE,
            -32_000,
            "`Accept` names neither of the types that are sent here; accept `application/json` or `text/event-stream`",
        ),
        status => {
            let said = said.trim();
            let reason = if said.is_empty() {
                status.canonical_reason().unwrap_or("refused")
            } else {
                said
            };
            json_rpc(status, -32_000, reason)
        }
    };
    for (name, value) in &parts.headers {
        if name != header::CONTENT_TYPE && name != header::CONTENT_LENGTH {
            translated.headers_mut().insert(name, value.clone());
        }
    }
    translated
}

trait WithHeaders {
    fn into_response_with(self, headers: &HeaderMap) -> Response;
}

impl WithHeaders for (StatusCode, Body) {
    fn into_response_with(self, headers: &HeaderMap) -> Response {
        let mut response = Response::new(self.1);
        *response.status_mut() = self.0;
        response.headers_mut().extend(
            headers
                .iter()
                .filter(|(name, _)| *name != header::CONTENT_LENGTH)
                .map(|(name, value)| (name.clone(), value.clone())),
        );
        response
    }
}
