//! `subscriptions/listen` over HTTP.
//!
//! The SDK judges such a request as it judges all of them; what it begins to answer is dropped for
//! a stream of our own. Its filters know no tasks, its channels keep a thousand messages for a
//! client that does not read, and nothing bounds how many streams there are.

mod news;
mod places;

use std::sync::Arc;

use axum::response::Response;
use farcall_core::{principal::Principal, updates::Updates};
use http::{HeaderValue, StatusCode, header};
use rmcp::{
    ErrorData,
    model::{
        ErrorCode, JsonRpcMessage, RequestId, RequestMetaObject, ServerJsonRpcMessage,
        SubscriptionFilter,
    },
};
use serde::Deserialize;
use serde_json::{Value, json};

use self::{news::Limits, places::Full};
pub(super) use self::{
    news::{News, Said},
    places::Places,
};
use super::{Server, listen::Subscribed, stream, tasks};
use crate::{edge::ClientAddress, problem_response};

/// How many ids of a request are looked at; those after them are not acknowledged.
const MAX_TASKS: usize = 64;

/// The body of a request that the SDK has read before.
#[derive(Deserialize)]
struct Sent {
    id: RequestId,
    params: Params,
}

#[derive(Deserialize)]
struct Params {
    notifications: Wanted,
    #[serde(default, rename = "_meta")]
    meta: RequestMetaObject,
}

#[derive(Deserialize)]
struct Wanted {
    #[serde(flatten)]
    filter: SubscriptionFilter,
    /// Those of which the client wants to hear (SEP-2663); as it was sent, for a refusal with the
    /// request's id.
    #[serde(default, rename = "taskIds")]
    tasks: Value,
}

/// A request that is refused.
struct Refusal {
    status: StatusCode,
    error: ErrorData,
}

/// Answers a request of `caller` that the SDK has let pass.
pub(super) async fn answer(
    server: &Arc<Server>,
    places: &Places,
    (caller, address): (&Principal, Option<ClientAddress>),
    body: &[u8],
) -> Response {
    let sent: Sent = match serde_json::from_slice(body) {
        Ok(sent) => sent,
        Err(error) => {
            tracing::error!(%error, "a subscription cannot be read that was read before");
            let sentence = "the subscription cannot be read";
            return problem_response::json_rpc(StatusCode::BAD_REQUEST, -32_600, sentence);
        }
    };
    let id = sent.id.clone();
    match begun(server, places, (caller, address), sent).await {
        Ok(news) => stream::of_news(news),
        Err(refusal) => refusal.response(id),
    }
}

async fn begun(
    server: &Arc<Server>,
    places: &Places,
    (caller, address): (&Principal, Option<ClientAddress>),
    sent: Sent,
) -> Result<News, Refusal> {
    let mut filter = filter(server, &sent.params.notifications.filter)?;
    if !caller.is_unrestricted() {
        // There is nothing but tools for it.
        filter.prompts_list_changed = None;
        filter.resources_list_changed = None;
        filter.resource_subscriptions = None;
    }
    let ids = task_ids(&sent.params.notifications.tasks)?;
    let tasks = server.tasks.as_ref().filter(|_| !ids.is_empty());
    let declared = sent.params.meta.client_capabilities();
    if tasks.is_some() && !declared.is_some_and(|declared| declared.supports_tasks()) {
        return Err(Refusal::new(StatusCode::BAD_REQUEST, tasks::required()));
    }
    let place = places.take(caller, address).map_err(Refusal::full)?;
    // Before it is acknowledged: what is sent in between must arrive.
    let updates = server.updates.as_ref().map(Updates::subscribe);
    let following = match tasks {
        Some(tasks) => {
            let looked_at = &ids[..ids.len().min(MAX_TASKS)];
            let following = tasks.follow(looked_at, caller).await;
            Some(
                following
                    .map_err(|problem| Refusal::new(StatusCode::OK, tasks::failed(&problem)))?,
            )
        }
        None => None,
    };
    Ok(News::new(
        Arc::clone(server),
        sent.id,
        filter,
        updates,
        following,
        (place, Limits::default()),
    ))
}

/// What of `wanted` this server sends.
fn filter(server: &Server, wanted: &SubscriptionFilter) -> Result<SubscriptionFilter, Refusal> {
    let resources = wanted.resource_subscriptions.iter().flatten();
    if !Subscribed::can_hold(resources) {
        let sentence = "these are too many resources, or one of their URIs is too long";
        let error = ErrorData::invalid_params(sentence, None);
        return Err(Refusal::new(StatusCode::OK, error));
    }
    // Nothing is advertised where nothing can be sent.
    let advertised = wanted.supported_by(&server.presented.info.capabilities);
    Ok(wanted.intersection(&advertised))
}

fn task_ids(sent: &Value) -> Result<Vec<String>, Refusal> {
    let ids = Option::<Vec<String>>::deserialize(sent);
    let ids = ids.map_err(|_| {
        let sentence = "`taskIds` is no list of texts; send the ids of tasks";
        Refusal::new(StatusCode::OK, ErrorData::invalid_params(sentence, None))
    })?;
    Ok(ids.unwrap_or_default())
}

impl Refusal {
    fn new(status: StatusCode, error: ErrorData) -> Self {
        Self { status, error }
    }

    fn full(full: Full) -> Self {
        let (status, sentence) = match full {
            Full::Caller => (
                StatusCode::TOO_MANY_REQUESTS,
                "you have too many subscriptions; end one, or name several tasks in one",
            ),
            Full::Server => (
                StatusCode::SERVICE_UNAVAILABLE,
                "there are too many subscriptions; ask again later, or poll",
            ),
        };
        Self::new(status, ErrorData::new(ErrorCode(-32_000), sentence, None))
    }

    fn response(self, id: RequestId) -> Response {
        let message: ServerJsonRpcMessage = JsonRpcMessage::error(self.error, Some(id));
        let mut response = problem_response::json(self.status, &json!(message));
        if matches!(self.status.as_u16(), 429 | 503) {
            let soon = HeaderValue::from_static("30");
            response.headers_mut().insert(header::RETRY_AFTER, soon);
        }
        response
    }
}
