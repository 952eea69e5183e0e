//! What no handler should see: foreign hosts and origins, bodies that are too large or no JSON.

mod body;
mod entrance;
mod guard;
mod keyed;
mod unambiguous;
mod wire;

use axum::{extract::Request, response::Response};
use http::StatusCode;

pub(crate) use self::{
    body::{ReadError, read_body},
    entrance::X_REQUEST_ID,
    guard::cors,
    keyed::keyed,
    unambiguous::Unambiguous,
    wire::check,
};
pub use self::{entrance::Entrance, guard::Guard};
use crate::problem_response;

/// There is no such route.
pub(crate) async fn not_found(request: Request) -> Response {
    problem_response::for_path(
        request.uri().path(),
        StatusCode::NOT_FOUND,
        "there is nothing here; MCP is spoken at `/mcp`",
    )
}

/// The route is there, but not for this method.
pub(crate) async fn method_not_allowed(request: Request) -> Response {
    let sentence = format!("`{}` is not allowed here", request.method());
    problem_response::for_path(
        request.uri().path(),
        StatusCode::METHOD_NOT_ALLOWED,
        &sentence,
    )
}
