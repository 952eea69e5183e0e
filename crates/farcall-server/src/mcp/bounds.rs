//! What a caller may not ask for at `/mcp`, before anything runs: it is one too many, or its token does
//! not allow it. Both ways, the plain one and the SDK's, pass here.

use axum::response::Response;
use farcall_core::{JsonObject, catalog::Catalog, principal::Principal};
use farcall_metrics::Metrics;
use http::{Method, StatusCode, request};
use serde_json::Value;

use super::{Protocol, Server, plain::Plain};
use crate::{
    Limits,
    auth::{Granted, OAuth},
    edge::{ClientAddress, Kind, too_many},
    problem_response::json_rpc,
    router::MCP,
};

/// A request, as far as its bounds go.
pub(super) struct Asked {
    id: Option<Value>,
    pub(super) what: What,
}

#[derive(Debug, PartialEq, Eq)]
pub(super) enum What {
    /// A call of the tool with this name.
    Call(String),
    /// A call that names no tool where others would look for its name.
    Nameless,
    /// How a task is doing.
    Poll,
    /// What is no request at all.
    Nothing,
    Other,
}

impl Protocol {
    /// The answer to a request that is out of its caller's bounds.
    pub(super) fn beyond_bounds(
        &self,
        request: &request::Parts,
        plain: Option<&Plain>,
        body: &[u8],
    ) -> Option<Response> {
        let caller = request.extensions.get::<Principal>()?;
        let address = request.extensions.get::<ClientAddress>().copied();
        let counted = address.filter(|address| Limits::concern(caller, *address));
        let oauth = self.oauth.as_ref().filter(|oauth| oauth.wants_scopes());
        let scoped = oauth.zip(request.extensions.get::<Granted>());
        if counted.is_none() && scoped.is_none() {
            return None;
        }
        let asked = match plain {
            Some(Plain::Call(call)) => Asked {
                id: serde_json::to_value(call.id()).ok(),
                what: What::Call(call.name().to_owned()),
            },
            _ if request.method == Method::POST => Asked::in_body(body),
            _ => Asked::other(),
        };
        let server = self.current.get();
        if let Some(address) = counted {
            let kind = asked.what.kind(&server.catalog, caller);
            if let Err(wait) = self.limits.admit(caller, address, kind) {
                asked.what.count_refused(&server, caller);
                return Some(too_many(MCP, asked.id, &sentence(kind), wait));
            }
        }
        let (oauth, granted) = scoped?;
        let refusal = asked.what.beyond_scopes(oauth, granted, &self.metrics)?;
        asked.what.count_refused(&server, caller);
        Some(refusal)
    }
}

impl Asked {
    fn other() -> Self {
        Self {
            id: None,
            what: What::Other,
        }
    }

    /// Nothing is known yet about the shape of the body but that it says every key once. Parsers that take
    /// fields by their position find them in a list as well, and what they find is not seen here.
    pub(super) fn in_body(body: &[u8]) -> Self {
        let Ok(mut request) = serde_json::from_slice::<JsonObject>(body) else {
            return Self {
                id: None,
                what: What::Nothing,
            };
        };
        let method = request.get("method").and_then(Value::as_str);
        let what = match method {
            Some("tasks/get") => What::Poll,
            Some("tools/call") => {
                let params = request.get("params").and_then(Value::as_object);
                let name = params.and_then(|params| params.get("name"));
                match name.and_then(Value::as_str) {
                    Some(name) => What::Call(name.to_owned()),
                    None => What::Nameless,
                }
            }
            _ => What::Other,
        };
        Self {
            id: request.remove("id"),
            what,
        }
    }
}

impl What {
    /// What it counts for. A tool that does not exist for the caller has no bucket that would give it away.
    fn kind(&self, catalog: &Catalog, caller: &Principal) -> Kind<'_> {
        match self {
            Self::Poll => Kind::Poll,
            Self::Call(name) if caller.may_call(name) && catalog.tool(name).is_some() => {
                if tells_how_a_job_is_doing(catalog, name) {
                    Kind::Poll
                } else {
                    Kind::Tool(name)
                }
            }
            _ => Kind::Other,
        }
    }

    /// Counts a call that is not let through; one of a tool that does not exist for the caller as one of none.
    fn count_refused(&self, server: &Server, caller: &Principal) {
        let Self::Call(name) = self else { return };
        let series = server.series(name).filter(|_| caller.may_call(name));
        series.unwrap_or_else(|| server.metrics.no_tool()).refuse();
    }

    fn beyond_scopes(
        &self,
        oauth: &OAuth,
        granted: &Granted,
        metrics: &Metrics,
    ) -> Option<Response> {
        let bad = |sentence| Some(json_rpc(StatusCode::BAD_REQUEST, -32_600, sentence));
        let tool = match self {
            Self::Call(name) => Some(name.as_str()),
            Self::Nameless => {
                return bad("the call names no tool; send `params` as an object with `name`");
            }
            Self::Nothing => return bad("the body is no request of MCP, which is an object"),
            Self::Poll | Self::Other => None,
        };
        let refusal = oauth.suffices(granted, tool).err()?;
        Some(refusal.response(MCP, Some(oauth), metrics))
    }
}

/// The status tool of a job is called as often as once a second for each; another of such a name is a tool
/// like all others.
fn tells_how_a_job_is_doing(catalog: &Catalog, name: &str) -> bool {
    let job = name
        .strip_prefix("get_")
        .and_then(|rest| rest.strip_suffix("_status"));
    job.is_some_and(|job| {
        let its = [format!("start_{job}"), format!("get_{job}_result")];
        its.iter().all(|tool| catalog.tool(tool).is_some())
    })
}

fn sentence(kind: Kind<'_>) -> String {
    match kind {
        Kind::Poll => {
            "these are more polls than a caller may make; wait as long as `poll_after_ms` says"
                .to_owned()
        }
        Kind::Tool(name) => {
            format!("these are more calls, of `{name}` or at all, than a caller may make")
        }
        Kind::Other => "these are more requests than a caller may make".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_is_known_by_the_name_that_its_object_says() {
        for (body, what) in [
            (
                r#"{"id":1,"method":"tools/call","params":{"name":"add"}}"#,
                What::Call("add".to_owned()),
            ),
            (r#"{"method":"tools/call"}"#, What::Nameless),
            (
                r#"{"method":"tools/call","params":["add"]}"#,
                What::Nameless,
            ),
            (
                r#"{"method":"tools/call","params":{"name":["add"]}}"#,
                What::Nameless,
            ),
            (r#"{"method":"tasks/get"}"#, What::Poll),
            (r#"{"method":"tools/list"}"#, What::Other),
            (r#"["2.0",1,"tools/call",{"name":"add"}]"#, What::Nothing),
            ("", What::Nothing),
        ] {
            assert_eq!(Asked::in_body(body.as_bytes()).what, what, "{body}");
        }
    }
}
