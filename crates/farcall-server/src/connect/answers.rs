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
    mcp::Protocol,
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
    /// What is told to this caller; `None` is a stranger.
    fn registration(&self, caller: Option<&Principal>, headers: &HeaderMap) -> Registration {
        let offered = self.protocol.offered(caller);
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
        }
    }
}

/// Shows browsers a page, before anybody is asked who he is; everybody else goes on.
pub(crate) async fn to_browsers(
    State(door): State<Arc<Door>>,
    request: Request,
    next: Next,
) -> Response {
    if *request.method() != Method::GET || !page::is_for_browsers(request.headers()) {
        return next.run(request).await;
    }
    let (asked, _) = request.into_parts();
    let (headers, extensions) = (&asked.headers, &asked.extensions);
    let admitted = auth::admitted(&door.gate, Scope::Call, MCP, headers, extensions).await;
    let caller = admitted.ok().map(|recognised| recognised.principal);
    let counted = caller.clone().unwrap_or_else(Principal::anonymous);
    if let Some(refusal) = door.limits.one_too_many(MCP, &counted, extensions) {
        return refusal;
    }
    let failing = door.readiness.failing().await;
    page::response(door.registration(caller.as_ref(), headers).page(failing))
}

/// The same for language models, which are callers.
pub(crate) async fn to_models(
    State(door): State<Arc<Door>>,
    Extension(caller): Extension<Principal>,
    headers: HeaderMap,
) -> Response {
    let offered = door.protocol.offered(Some(&caller));
    let registration = door.registration(Some(&caller), &headers);
    let text = registration.llms_txt(offered.instructions.as_deref());
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
