//! What the audit log says of requests that are no calls of tools, and of those that are refused before
//! anything runs.

use farcall_core::{JsonObject, principal::Principal};
use http::request;
use serde_json::{Value, json};

use super::{
    Protocol, Server,
    handler::{self, Request},
};
use crate::{
    audit::{Call, Outcome, Who},
    edge::{self, ClientAddress},
};

/// A request that begins, where there is an audit log.
pub(super) fn begin(
    server: &Server,
    request: &Request,
    caller: &Principal,
    method: &str,
    about: impl FnOnce() -> Value,
) -> Option<Call> {
    let audit = server.audit.as_ref()?;
    let who = Who {
        request_id: &handler::request_id(request),
        caller: Some(caller),
        address: handler::address(request),
    };
    Some(Call::begin(audit, who, method, &about()))
}

/// What is written of a prompt.
pub(super) fn of_prompt(name: &str, arguments: Option<&JsonObject>) -> Value {
    json!({"name": name, "arguments": arguments})
}

/// What is written of a resource.
pub(super) fn of_resource(uri: &str) -> Value {
    json!({"uri": uri})
}

/// What is written of a task, and of what its client answered.
pub(super) fn of_task(id: &str, answers: Option<&Value>) -> Value {
    let mut about = json!({"job_id": id});
    if let Some(answers) = answers {
        about["inputResponses"] = answers.clone();
    }
    about
}

impl Protocol {
    /// Writes down a request that is out of its caller's bounds, if it is of those that leave a line.
    pub(super) fn write_refused(&self, request: &request::Parts, body: &[u8]) {
        let server = self.current.get();
        let Some(audit) = &server.audit else { return };
        let Some((what, about)) = request_in(body) else {
            return;
        };
        let who = Who {
            request_id: edge::request_id(&request.headers),
            caller: request.extensions.get(),
            address: ClientAddress::among(&request.extensions),
        };
        Call::begin(audit, who, &what, &about).end(Outcome::new("refused"));
    }
}

/// What a body asks for, and about what; `None` where it leaves no line.
fn request_in(body: &[u8]) -> Option<(String, Value)> {
    let request = serde_json::from_slice::<JsonObject>(body).ok()?;
    let method = request.get("method")?.as_str()?;
    let params = request.get("params")?.as_object()?;
    let text = |key: &str| params.get(key).and_then(Value::as_str);
    let about = match method {
        "tools/call" => {
            let arguments = params.get("arguments").cloned();
            let arguments = arguments.unwrap_or_else(|| json!({}));
            return Some((text("name")?.to_owned(), arguments));
        }
        "prompts/get" => {
            let arguments = params.get("arguments").and_then(Value::as_object);
            of_prompt(text("name")?, arguments)
        }
        "resources/read" => of_resource(text("uri")?),
        "tasks/cancel" => of_task(text("taskId")?, None),
        "tasks/update" => of_task(text("taskId")?, params.get("inputResponses")),
        _ => return None,
    };
    Some((method.to_owned(), about))
}
