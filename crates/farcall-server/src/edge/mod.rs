//! What no handler should see: foreign hosts and origins, bodies that are too large or no JSON, one
//! request too many.

mod address;
mod body;
mod entrance;
mod guard;
mod keyed;
mod limits;
mod proof;
mod sensitive;
mod unambiguous;
mod wire;

use axum::{extract::Request, response::Response};
use http::StatusCode;

pub use self::{
    address::Networks,
    entrance::Entrance,
    guard::Guard,
    limits::{Limits, Rates},
    proof::Proof,
};
pub(crate) use self::{
    address::{ClientAddress, network},
    body::{ReadError, read_body},
    entrance::{X_REQUEST_ID, request_id},
    guard::{cors, of_no_other_page},
    keyed::{keyed, object},
    limits::{Kind, Owner, Trial, has_credential, limited, too_many},
    unambiguous::Unambiguous,
    wire::check,
};
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
