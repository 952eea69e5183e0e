//! Answers browsers at `/mcp`, and language models at `/llms.txt`.

use std::sync::Arc;

use axum::{
    Extension,
    body::Body,
    extract::{Request, State},
    middleware::Next,
    response::Response,
};
use farcall_core::principal::{Principal, Scope};
use http::{HeaderMap, HeaderValue, Method, header};

use super::{Auth, Registration, page};
use crate::{
    Limits,
    auth::{self, Authenticators},
    health::Readiness,
    mcp::{Offered, Protocol},
    router::MCP,
};

/// Where a language model reads what the server offers.
pub(crate) const LLMS: &str = "/llms.txt";

/// What Cloudflare Access puts on whatever it lets through.
const ASSERTION: &str = "cf-access-jwt-assertion";

/// What both answers are made of.
pub(crate) struct Door {
    pub(crate) protocol: Arc<Protocol>,
    pub(crate) gate: Arc<Authenticators>,
    pub(crate) limits: Limits,
    pub(crate) readiness: Readiness,
    /// What clients know the server by, without a slash at its end.
    pub(crate) public_base_url: String,
}

impl Door {
    /// How to register what is offered to whoever sent these headers.
    fn registration(&self, offered: Offered, headers: &HeaderMap) -> Registration {
        let auth = match self.gate.wanted() {
            // It checks nobody itself, and the request has passed an edge that does.
            Auth::Open if headers.contains_key(ASSERTION) => Auth::Access,
            auth => auth,
        };
        Registration {
            name: offered.name,
            version: offered.version,
            title: offered.title,
            url: format!("{}{MCP}", self.public_base_url),
            auth,
            tools: offered.tools,
            keeps_contract: true,
        }
    }
}

/// Shows browsers a page, before anybody is asked who he is; everybody else goes on.
pub(crate) async fn to_browsers(
    State(door): State<Arc<Door>>,
    request: Request,
    next: Next,
) -> Response {
    let reads = matches!(*request.method(), Method::GET | Method::HEAD);
    if !reads || !page::is_for_browsers(request.headers()) {
        return next.run(request).await;
    }
    let (asked, _) = request.into_parts();
    let (headers, extensions) = (&asked.headers, &asked.extensions);
    // Not as a request of `/mcp`, where what a token of OAuth lacks is judged with each message.
    let admitted = auth::admitted(&door.gate, Scope::Call, LLMS, headers, extensions).await;
    let caller = admitted.ok().map(|recognised| recognised.principal);
    let counted = caller.clone().unwrap_or_else(Principal::anonymous);
    if let Some(refusal) = door.limits.one_too_many(MCP, &counted, extensions) {
        return refusal;
    }
    let failing = door.readiness.failing().await;
    let offered = door.protocol.offered(caller.as_ref());
    page::response(door.registration(offered, headers).page(failing))
}

/// The same for language models, which are callers.
pub(crate) async fn to_models(
    State(door): State<Arc<Door>>,
    Extension(caller): Extension<Principal>,
    headers: HeaderMap,
) -> Response {
    let mut offered = door.protocol.offered(Some(&caller));
    let instructions = offered.instructions.take();
    let text = door.registration(offered, &headers);
    let failing = door.readiness.failing().await;
    let text = text.llms_txt(instructions.as_deref(), failing);
    let mut response = Response::new(Body::from(text));
    for (name, value) in [
        (header::CONTENT_TYPE, "text/plain; charset=utf-8"),
        // It is about one caller.
        (header::CACHE_CONTROL, "no-store"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ] {
        response
            .headers_mut()
            .insert(name, HeaderValue::from_static(value));
    }
    response
}
