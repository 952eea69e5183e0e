//! Questions as requests of the server, for the clients of sessions.

#![expect(
    deprecated,
    reason = "deprecated in the protocol (SEP-2577), and still part of it"
)]

use farcall_core::{
    problem::Problem,
    question::{Answer, Asking, Question},
};
use rmcp::{
    Peer, RoleServer,
    model::{
        ClientResult, CreateMessageRequest, CreateMessageRequestParams, ElicitRequest,
        GetExtensions, ListRootsRequest, RequestId, ServerRequest,
    },
    service::{OriginatingRequestId, ServiceError},
};
use serde_json::{Value, to_value};

/// Puts one question of the request `origin` to its client, and waits for the answer.
pub(super) async fn put(
    peer: &Peer<RoleServer>,
    origin: &RequestId,
    question: &Question,
) -> Result<Answer, Problem> {
    let mut request = request(peer, question)?;
    // Tools run on a task of their own, where the SDK does not see which request they belong to.
    // Unmarked, the question would go to the stream of news, which not every client opens.
    request
        .extensions_mut()
        .insert(OriginatingRequestId(origin.clone()));
    let answer = match (question.asking(), peer.send_request(request).await) {
        (Asking::Person, Ok(ClientResult::ElicitResult(answer))) => to_value(answer)?,
        (Asking::Model, Ok(ClientResult::CreateMessageResult(answer))) => to_value(answer)?,
        (Asking::Roots, Ok(ClientResult::ListRootsResult(answer))) => to_value(answer)?,
        (_, Ok(_)) => return Err(unanswered(question, ServiceError::UnexpectedResponse)),
        (_, Err(error)) => return Err(unanswered(question, error)),
    };
    Ok(Answer::new(answer))
}

fn request(peer: &Peer<RoleServer>, question: &Question) -> Result<ServerRequest, Problem> {
    let params = Value::Object(question.params().clone());
    Ok(match question.asking() {
        Asking::Person => {
            ServerRequest::ElicitRequest(ElicitRequest::new(serde_json::from_value(params)?))
        }
        Asking::Model => {
            let params: CreateMessageRequestParams = serde_json::from_value(params)?;
            let has_tools = params.tools.is_some() || params.tool_choice.is_some();
            if has_tools && !peer.supports_sampling_tools() {
                return Err(Problem::user("the client's model cannot be given tools")
                    .hint("call from a client that declares the capability `sampling.tools`"));
            }
            params.validate().map_err(Problem::internal)?;
            ServerRequest::CreateMessageRequest(CreateMessageRequest::new(params))
        }
        Asking::Roots => ServerRequest::ListRootsRequest(ListRootsRequest::default()),
    })
}

fn unanswered(question: &Question, error: ServiceError) -> Problem {
    Problem::user(format!("the client did not answer `{}`", question.method())).because(error)
}
