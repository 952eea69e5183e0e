//! A plain call of a tool.

use std::{net::IpAddr, pin::Pin, sync::Arc};

use axum::response::Response;
use farcall_core::{
    context::{CallContext, Recollection},
    principal::Principal,
};
use http::StatusCode;
use rmcp::model::{
    ErrorCode, JsonRpcMessage, RequestId, RequestMetaObject, ServerJsonRpcMessage,
    ServerNotification, ServerResult,
};
use serde_json::Value;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::{
    super::{
        Server,
        call::{self, Reader},
        client::{Era, Outlet, PeerClient},
        front::Accepts,
        rounds::Binding,
        stream,
    },
    Params, Sent,
};

/// How many notifications may wait for a client that reads slowly.
const UNREAD_NEWS: usize = 16;

/// A plain call, ready to run.
pub(in crate::mcp) struct PlainCall {
    pub(super) server: Arc<Server>,
    pub(super) caller: Principal,
    pub(super) request_id: String,
    pub(super) address: Option<IpAddr>,
    pub(super) accepts: Accepts,
    pub(super) era: Era,
    pub(super) sent: Sent,
    /// Cancelled when the client goes, and when the server cuts what takes too long.
    pub(super) cancellation: CancellationToken,
}

impl PlainCall {
    /// The id of the request.
    pub(in crate::mcp) fn id(&self) -> &RequestId {
        &self.sent.id
    }

    /// The name of the tool.
    pub(in crate::mcp) fn name(&self) -> &str {
        &self.sent.params.name
    }

    /// Runs the tool. Its answer is JSON, or a stream where the tool says something before it.
    pub(super) async fn answer(self) -> Response {
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
            Recollection::default(),
        );
        let (era, server) = (self.era, self.server);
        let (arguments, binding) = (Value::Object(arguments.0), Binding::none());
        let reader = Reader {
            era,
            // Who knows tasks says so, and is no plain caller.
            knows_tasks: false,
        };
        let called = call::answer(
            &server,
            &name,
            &context,
            arguments,
            reader,
            &binding,
            self.address,
        );
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
    super::json(status(message, era), body)
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
