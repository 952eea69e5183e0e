//! What this server is to an OAuth client (RFC 9728).

use std::sync::Arc;

use axum::{extract::State, response::Response};
use http::StatusCode;
use serde_json::json;

use super::{OAuth, OAuthTerms};
use crate::problem_response;

/// Where clients look for it: behind the name of the RFC, with and without the path of `/mcp`. The
/// second is where those look that know the origin only.
pub(crate) const WELL_KNOWN: [&str; 2] = [
    "/.well-known/oauth-protected-resource/mcp",
    "/.well-known/oauth-protected-resource",
];

impl OAuthTerms {
    /// Where a challenge says that it is.
    pub(super) fn metadata_url(&self) -> String {
        format!("{}{}", self.public_base_url, WELL_KNOWN[0])
    }
}

/// The metadata, for whoever asks. Scopes are those that everything needs: what single tools need
/// beyond them, a client hears when it calls one, and asks for no more than it uses.
pub(crate) async fn document(State(oauth): State<Arc<OAuth>>) -> Response {
    let OAuthTerms {
        issuer,
        resource,
        name,
        scopes,
        ..
    } = &oauth.terms;
    let mut document = json!({
        "resource": resource,
        "authorization_servers": [issuer],
        "bearer_methods_supported": ["header"],
        "resource_name": name,
    });
    if !scopes.every.is_empty() {
        document["scopes_supported"] = json!(scopes.every);
    }
    problem_response::json(StatusCode::OK, &document)
}
