//! Answers as streams of server-sent events.

use std::{convert::Infallible, fmt::Display, future::Future, pin::Pin, time::Duration};

use axum::{body::Body, response::Response};
use bytes::Bytes;
use futures_util::{StreamExt, stream};
use http::{HeaderValue, StatusCode, header};
use http_body_util::{BodyExt, Collected};
use rmcp::model::{JsonRpcMessage, ServerJsonRpcMessage, ServerNotification};
use serde::{Deserialize, de::IgnoredAny};

use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::{
    KEEP_ALIVE,
    subscriptions::{News, Said},
};
use crate::problem_response::json_rpc;

/// A comment, which keeps proxies from cutting the stream.
const STILL_WORKING: &[u8] = b": still working\n\n";

/// An answer that is being made.
pub(super) type Pending = Pin<Box<dyn Future<Output = Response> + Send>>;

/// Opens the answer now, with a comment, and sends what `pending` comes to when it does.
///
/// Dropping the body, as happens when the client goes, drops `pending` too: the call is cancelled.
pub(super) fn late(pending: Pending) -> Response {
    let comments_then_response = stream::unfold(Some((pending, true)), |waiting| async {
        let (mut pending, is_first) = waiting?;
        if !is_first {
            tokio::select! {
                response = &mut pending => return Some((rest(response).await, None)),
                () = tokio::time::sleep(KEEP_ALIVE) => {}
            }
        }
        Some((Body::from(STILL_WORKING), Some((pending, false))))
    });
    let bytes = comments_then_response.flat_map(Body::into_data_stream);
    events(Body::from_stream(bytes))
}

/// What a call says while it runs, and then its answer, each an event.
///
/// Dropping the body drops `running` too: the call is cancelled.
pub(super) fn of_messages(
    first: ServerNotification,
    news: mpsc::Receiver<ServerNotification>,
    running: Pin<Box<dyn Future<Output = ServerJsonRpcMessage> + Send>>,
) -> Response {
    let state = (Some(first), news, Some(running), None);
    let bytes = stream::unfold(state, |(first, mut news, mut running, mut answer)| async {
        if let Some(first) = first {
            let event = event(&JsonRpcMessage::notification(first));
            return Some((event, (None, news, running, answer)));
        }
        if let Some(call) = &mut running {
            tokio::select! {
                biased;
                Some(next) = news.recv() => {
                    let event = event(&JsonRpcMessage::notification(next));
                    return Some((event, (None, news, running, answer)));
                }
                message = call => answer = Some(message),
                () = tokio::time::sleep(KEEP_ALIVE) => {
                    let comment = Bytes::from_static(STILL_WORKING);
                    return Some((comment, (None, news, running, answer)));
                }
            }
            running = None;
        }
        // What the call said last may still wait.
        let message = match news.try_recv() {
            Ok(last) => JsonRpcMessage::notification(last),
            Err(_) => answer.take()?,
        };
        Some((event(&message), (None, news, running, answer)))
    });
    events(Body::from_stream(bytes.map(Ok::<_, Infallible>)))
}

/// The news of a subscription, until it ends or its client goes.
pub(super) fn of_news(news: News) -> Response {
    let bytes = stream::unfold(news, |mut news| async {
        let bytes = match news.next().await? {
            Said::Message(message) => data(&message),
            Said::Nothing => Bytes::from_static(STILL_WORKING),
        };
        Some((bytes, news))
    });
    events(Body::from_stream(bytes.map(Ok::<_, Infallible>)))
}

fn event(message: &ServerJsonRpcMessage) -> Bytes {
    let json = serde_json::to_string(message).unwrap_or_else(|error| {
        tracing::error!(%error, "a message cannot be written as JSON");
        String::new()
    });
    data(&json)
}

fn data(json: &impl Display) -> Bytes {
    Bytes::from(format!("data: {json}\n\n"))
}

/// How long the stream of a session lives; whoever opens the next one is judged again.
const LIFE: Duration = Duration::from_mins(10);

/// The same answer, cut off in order when its time is up or the server stops.
pub(super) fn until(response: Response, stopping: CancellationToken) -> Response {
    let (parts, body) = response.into_parts();
    let over = async move {
        let _ = tokio::time::timeout(LIFE, stopping.cancelled()).await;
    };
    let body = body.into_data_stream().take_until(Box::pin(over));
    Response::from_parts(parts, Body::from_stream(body))
}

/// The same answer, a JSON value, as a stream of one event.
pub(super) async fn as_stream(response: Response) -> Response {
    events(rest(response).await)
}

/// The answer at the end of a stream, as a JSON value, for a client that reads no streams.
///
/// What the stream says before it is dropped: such a client is sent no progress and no log
/// entries, and asked nothing.
pub(super) async fn as_json(response: Response) -> Response {
    let (mut parts, body) = response.into_parts();
    let said = body.collect().await.map(Collected::to_bytes);
    let said = said.unwrap_or_default();
    let answer = said.split(|byte| *byte == b'\n').rev().find_map(|line| {
        let json = line.strip_prefix(b"data:")?;
        let message: Message = serde_json::from_slice(json).ok()?;
        let is_answer = message.result.is_some() || message.error.is_some();
        is_answer.then(|| said.slice_ref(json.trim_ascii()))
    });
    let Some(answer) = answer else {
        tracing::error!("a stream ended without an answer");
        let sentence = "the answer broke off";
        return json_rpc(StatusCode::INTERNAL_SERVER_ERROR, -32_603, sentence);
    };
    let json = HeaderValue::from_static("application/json");
    parts.headers.insert(header::CONTENT_TYPE, json);
    Response::from_parts(parts, Body::from(answer))
}

#[derive(Deserialize)]
struct Message {
    result: Option<IgnoredAny>,
    error: Option<IgnoredAny>,
}

/// Whether an answer is a stream already.
pub(super) fn is_one(response: &Response) -> bool {
    let kind = response.headers().get(header::CONTENT_TYPE);
    kind.is_some_and(|kind| kind.as_bytes().starts_with(b"text/event-stream"))
}

/// What a stream still has to say to give `response`.
async fn rest(response: Response) -> Body {
    if is_one(&response) {
        return response.into_body();
    }
    let json = match response.into_body().collect().await {
        Ok(body) => body.to_bytes(),
        Err(error) => {
            tracing::debug!(%error, "an answer broke off");
            return Body::empty();
        }
    };
    let pieces = [
        Bytes::from_static(b"event: message\ndata: "),
        json,
        Bytes::from_static(b"\n\n"),
    ];
    Body::from_stream(stream::iter(pieces.map(Ok::<_, Infallible>)))
}

fn events(body: Body) -> Response {
    let mut response = Response::new(body);
    *response.status_mut() = StatusCode::OK;
    let headers = response.headers_mut();
    headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("text/event-stream"),
    );
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    // nginx would otherwise collect the events before it passes them on.
    headers.insert("x-accel-buffering", HeaderValue::from_static("no"));
    response
}
