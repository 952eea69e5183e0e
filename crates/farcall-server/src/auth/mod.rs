//! Who is calling.
//!
//! Every gated route asks the authenticators. Who sends a bearer token is judged by it alone, where
//! there is anybody who knows tokens; who sends none, by what Cloudflare Access says about him, where
//! that is asked. Without authenticators every caller is the anonymous one.

mod access;
pub(crate) mod oauth;
mod outbound;
mod owner;
mod refusal;
mod shared_secret;
pub(crate) mod token;
mod token_verifier;

use std::sync::Arc;

use axum::{
    extract::{Request, State},
    middleware::Next,
    response::Response,
};
use farcall_core::principal::Principal;
use http::{HeaderMap, header};

use self::oauth::Unavailable;
pub use self::{
    access::{Access, AccessTerms},
    oauth::{OAuth, OAuthTerms, OAuthTokens, ToolScopes},
    shared_secret::SharedSecret,
    token_verifier::TokenVerifier,
};
pub(crate) use self::{oauth::Granted, refusal::Refusal};
use crate::router::MCP;

/// The authenticators of a server.
#[derive(Clone, Default)]
pub struct Authenticators {
    /// Those who know bearer tokens, in the order they are asked.
    verifiers: Vec<Arc<dyn TokenVerifier>>,
    access: Option<Arc<Access>>,
    oauth: Option<Arc<OAuth>>,
}

impl Authenticators {
    /// Adds one that knows bearer tokens.
    pub fn push(&mut self, verifier: Arc<dyn TokenVerifier>) {
        self.verifiers.push(verifier);
    }

    /// Lets in whom Cloudflare Access let through.
    pub fn set_access(&mut self, access: Access) {
        self.access = Some(Arc::new(access));
    }

    /// Lets in whom an authorization server gave a token for this server; it is asked after all
    /// others that know tokens, because it may have to ask somebody else.
    pub fn set_oauth(&mut self, oauth: OAuth) {
        self.oauth = Some(Arc::new(oauth));
    }

    /// Whether every caller is the anonymous one.
    pub fn is_empty(&self) -> bool {
        !self.know_tokens() && self.access.is_none()
    }

    pub(crate) fn oauth(&self) -> Option<&Arc<OAuth>> {
        self.oauth.as_ref()
    }

    fn know_tokens(&self) -> bool {
        !self.verifiers.is_empty() || self.oauth.is_some()
    }
}

/// A caller, and what the token that it came with allows, where that says it.
struct Recognised {
    principal: Principal,
    granted: Option<Granted>,
}

impl From<Principal> for Recognised {
    fn from(principal: Principal) -> Self {
        Self {
            principal,
            granted: None,
        }
    }
}

/// Lets a request through with its [`Principal`], or answers 401 with a reason, or 403 where its token
/// lacks a scope that everything needs.
pub(crate) async fn require(
    State(gate): State<Arc<Authenticators>>,
    mut request: Request,
    next: Next,
) -> Response {
    let Recognised { principal, granted } = match recognised(&gate, request.headers()).await {
        Ok(recognised) => recognised,
        Err(refusal) => {
            let oauth = gate.oauth.as_ref();
            let more = oauth.map(|oauth| oauth.challenge.as_str());
            return refusal.response(request.uri().path(), more);
        }
    };
    if let (Some(oauth), Some(granted)) = (&gate.oauth, granted) {
        let path = request.uri().path();
        // There the tool is known as well, and one challenge names what it all needs.
        if path != MCP
            && let Some(refusal) = oauth.insufficient(path, &granted, None)
        {
            return refusal;
        }
        request.extensions_mut().insert(granted);
    }
    request.extensions_mut().insert(principal);
    next.run(request).await
}

/// Whose request has these headers.
pub(crate) async fn recognise(
    gate: &Authenticators,
    headers: &HeaderMap,
) -> Result<Principal, Refusal> {
    let recognised = recognised(gate, headers).await?;
    Ok(recognised.principal)
}

async fn recognised(gate: &Authenticators, headers: &HeaderMap) -> Result<Recognised, Refusal> {
    if gate.is_empty() {
        return Ok(Principal::anonymous().into());
    }
    // Which of two credentials counts must not be a matter of taste, so one that does not hold is
    // refused, whatever else was sent.
    let has_token = headers.contains_key(header::AUTHORIZATION);
    match &gate.access {
        Some(access) if !gate.know_tokens() => Ok(access.recognise(headers).await?.into()),
        Some(access) if !has_token => match access.recognise(headers).await {
            Err(Refusal::NoAssertion) => Err(Refusal::NoCredential),
            recognised => recognised.map(Recognised::from),
        },
        _ => by_token(gate, bearer_token(headers)?).await,
    }
}

async fn by_token(gate: &Authenticators, token: &str) -> Result<Recognised, Refusal> {
    for verifier in &gate.verifiers {
        match verifier.verify(token).await {
            Ok(Some(principal)) => return Ok(principal.into()),
            Ok(None) => {}
            Err(problem) => {
                let cause = problem.cause().map(ToString::to_string);
                tracing::error!(%problem, cause, "a token cannot be verified");
                return Err(Refusal::Unavailable);
            }
        }
    }
    let Some(oauth) = &gate.oauth else {
        return Err(Refusal::UnknownToken);
    };
    match oauth.recognise(token).await {
        Ok(Some((principal, granted))) => Ok(Recognised {
            principal,
            granted: Some(granted),
        }),
        Ok(None) => Err(Refusal::UnknownToken),
        Err(Unavailable) => Err(Refusal::Unavailable),
    }
}

fn bearer_token(headers: &HeaderMap) -> Result<&str, Refusal> {
    let mut sent = headers.get_all(header::AUTHORIZATION).iter();
    let value = sent.next().ok_or(Refusal::NoToken)?;
    if sent.next().is_some() {
        // Two of them, with the same rule as for two kinds.
        return Err(Refusal::NotBearer);
    }
    let value = value.to_str().map_err(|_| Refusal::NotBearer)?;
    let (scheme, token) = value.split_once(' ').ok_or(Refusal::NotBearer)?;
    let token = token.trim();
    if !scheme.eq_ignore_ascii_case("bearer") || token.is_empty() {
        return Err(Refusal::NotBearer);
    }
    Ok(token)
}
