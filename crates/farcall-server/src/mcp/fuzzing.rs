//! The readers of a body for the targets of `fuzz`: what each of them takes it for.

use http::HeaderMap;
use rmcp::model::{ClientJsonRpcMessage, ClientRequest, JsonRpcMessage};

use super::{
    bounds::{Asked, What},
    plain,
};

/// As what limits and scopes judge a body.
#[derive(Debug, PartialEq, Eq)]
pub enum Judged {
    /// A call of this tool.
    Call(String),
    /// Nothing that a caller with scopes may send.
    Nothing,
    /// Another request.
    Other,
}

/// As what a body is judged.
pub(crate) fn judged(body: &[u8]) -> Judged {
    match Asked::in_body(body).what {
        What::Call(name) => Judged::Call(name),
        What::Nameless | What::Nothing => Judged::Nothing,
        What::Poll | What::Other => Judged::Other,
    }
}

/// The tool that is called where the short way takes the request; empty of a list of tools.
pub(crate) fn plain_call(headers: &HeaderMap, body: &[u8]) -> Option<String> {
    plain::plain_call(headers, body)
}

/// The tool that is called where the SDK reads the body.
pub(crate) fn sdk_call(body: &[u8]) -> Option<String> {
    let JsonRpcMessage::Request(request) =
        serde_json::from_slice::<ClientJsonRpcMessage>(body).ok()?
    else {
        return None;
    };
    match request.request {
        ClientRequest::CallToolRequest(call) => Some(call.params.name.into_owned()),
        _ => None,
    }
}
