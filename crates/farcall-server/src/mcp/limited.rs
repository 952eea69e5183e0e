//! Which limit a request to `/mcp` counts for.

use std::borrow::Cow;

use axum::response::Response;
use farcall_core::principal::Principal;
use http::request;
use serde::Deserialize;
use serde_json::Value;

use super::{Protocol, plain::Plain};
use crate::{
    Limits,
    edge::{ClientAddress, Kind, too_many},
    router::MCP,
};

/// What is looked at of a request.
#[derive(Default, Deserialize)]
struct Asked<'a> {
    #[serde(default)]
    id: Option<Value>,
    // Owned where it is written with escapes.
    #[serde(borrow, default)]
    method: Cow<'a, str>,
    #[serde(borrow, default)]
    params: Params<'a>,
}

#[derive(Default, Deserialize)]
struct Params<'a> {
    #[serde(borrow, default)]
    name: Cow<'a, str>,
}

impl Protocol {
    /// The answer to a request that is one too many.
    pub(super) fn too_many(
        &self,
        request: &request::Parts,
        plain: Option<&Plain>,
        body: &[u8],
    ) -> Option<Response> {
        let caller = request.extensions.get::<Principal>()?;
        let address = *request.extensions.get::<ClientAddress>()?;
        if !Limits::concern(caller, address) {
            return None;
        }
        if let Some(Plain::Call(call)) = plain {
            let kind = of_tool(call.name());
            let wait = self.limits.admit(caller, address, kind).err()?;
            let id = serde_json::to_value(call.id()).ok();
            return Some(too_many(MCP, id, &sentence(kind), wait));
        }
        // What is not of this form has no tool, and is soon refused for it.
        let asked: Asked<'_> = serde_json::from_slice(body).unwrap_or_default();
        let kind = match asked.method.as_ref() {
            "tasks/get" => Kind::Poll,
            "tools/call"
                if self
                    .current
                    .get()
                    .catalog
                    .tool(&asked.params.name)
                    .is_some() =>
            {
                of_tool(&asked.params.name)
            }
            _ => Kind::Other,
        };
        let wait = self.limits.admit(caller, address, kind).err()?;
        Some(too_many(MCP, asked.id, &sentence(kind), wait))
    }
}

/// Status tools of jobs are read as often as once a second for each job.
fn of_tool(name: &str) -> Kind<'_> {
    if name.starts_with("get_") && name.ends_with("_status") {
        Kind::Poll
    } else {
        Kind::Tool(name)
    }
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
