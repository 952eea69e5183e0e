//! The routes for everybody: probes, and the metadata of OAuth.

use serde_json::{Value, json};

use super::{
    answer::{self, Form},
    operation::Operation,
};

/// What every request may meet.
const HEAD_TOO_LARGE: u16 = 431;

pub(super) fn alive(id: &str) -> Value {
    let get = Operation::new(
        id,
        "probes",
        "Whether the process takes requests.",
        Form::Plain,
    )
    .answers(200, answer::json("It does.", "Alive"))
    .refuses(&[HEAD_TOO_LARGE]);
    // A probe is a GET; anything else comes as far as other requests do.
    let head = get.clone().into_head().refuses(&[429]);
    json!({"get": get.done(), "head": head.done()})
}

pub(super) fn ready() -> Value {
    let not_ready = answer::json("A check fails; which is named.", "NotReady");
    let not_ready = answer::and_header(not_ready, "Retry-After");
    Operation::new("ready", "probes", "Whether the server takes in work.", Form::Plain)
        .about("The causes are for callers with the scope `admin`; everybody else is told the same without them.")
        .answers(200, answer::json("It does.", "Ready"))
        .answers(503, answer::and_header(not_ready, "Cache-Control"))
        .refuses(&[429, HEAD_TOO_LARGE])
        .and_head()
}

pub(super) fn metadata(id: &str) -> Value {
    Operation::new(id, "oauth", "The metadata of RFC 9728.", Form::Plain)
        .answers(
            200,
            answer::json("Who issues tokens for this server.", "ProtectedResource"),
        )
        .about("404 where tokens have no issuer.")
        .refuses(&[403, 404, 429, HEAD_TOO_LARGE])
        .and_head()
}
