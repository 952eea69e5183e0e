//! Who is calling.
//!
//! Every gated route asks the authenticators. Who sends a bearer token is judged by it alone, where
//! there is anybody who knows tokens; who sends none, by what Cloudflare Access says about him, where
//! that is asked. Without authenticators, and as long as nobody was named, every caller is the
//! anonymous one.

pub(crate) mod access;
pub(crate) mod named;
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
use farcall_core::principal::{Principal, Scope};
use farcall_metrics::Metrics;
use farcall_store::TokenId;
use http::{Extensions, HeaderMap, header};

use self::oauth::Unavailable;
pub use self::{
    access::{Access, AccessTerms},
    named::{CallerSource, NamedCallers},
    oauth::{OAuth, OAuthTerms, OAuthTokens, ToolScopes},
    shared_secret::SharedSecret,
    token_verifier::TokenVerifier,
};
pub(crate) use self::{oauth::Granted, refusal::Refusal};
use crate::{connect::Auth as Sent, edge::Trial, router::MCP};

/// The authenticators of a server.
#[derive(Clone, Default)]
pub struct Authenticators {
    named: Option<Arc<NamedCallers>>,
    /// Others who know bearer tokens, in the order they are asked.
    verifiers: Vec<Arc<dyn TokenVerifier>>,
    access: Option<Arc<Access>>,
    oauth: Option<Arc<OAuth>>,
    metrics: Metrics,
}

impl Authenticators {
    /// Counts in `metrics` whom it does not let in.
    pub fn count_in(&mut self, metrics: Metrics) {
        self.metrics = metrics;
    }

    /// Adds one that knows bearer tokens.
    pub fn push(&mut self, verifier: Arc<dyn TokenVerifier>) {
        self.verifiers.push(verifier);
    }

    /// Sets the named callers, who are asked before all others.
    pub fn set_named(&mut self, named: Arc<NamedCallers>) {
        self.named = Some(named);
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

    /// Whether every caller is the anonymous one at this moment.
    pub fn is_open(&self) -> bool {
        !self.know_tokens() && self.access.is_none()
    }

    /// Whether there are callers with tokens of their own.
    pub fn has_named_callers(&self) -> bool {
        let named = self.named.as_ref();
        named.is_some_and(|named| named.has_callers())
    }

    /// What callers send at this moment. Access stands in front of the server, and so is passed first.
    pub(crate) fn wanted(&self) -> Sent {
        if self.access.is_some() {
            Sent::Access
        } else if !self.verifiers.is_empty() || self.has_named_callers() {
            Sent::Bearer
        } else if self.oauth.is_some() {
            Sent::OAuth
        } else {
            Sent::Open
        }
    }

    pub(crate) fn metrics(&self) -> &Metrics {
        &self.metrics
    }

    pub(crate) fn oauth(&self) -> Option<&Arc<OAuth>> {
        self.oauth.as_ref()
    }

    fn know_tokens(&self) -> bool {
        !self.verifiers.is_empty() || self.oauth.is_some() || self.has_named_callers()
    }

    /// Whether tokens are known at the moment at which these headers were sent: the first caller must not
    /// be taken for somebody else until its name has come round.
    async fn know_tokens_of(&self, headers: &HeaderMap) -> bool {
        if !self.know_tokens()
            && let (Some(named), Ok(token)) = (&self.named, bearer_token(headers))
        {
            named.look_for(token).await;
        }
        self.know_tokens()
    }

    fn in_turn(&self) -> impl Iterator<Item = &dyn TokenVerifier> {
        let named = self.named.iter();
        let named = named.map(|named| named.as_ref() as &dyn TokenVerifier);
        named.chain(self.verifiers.iter().map(AsRef::as_ref))
    }
}

/// A caller, and what the token that it came with allows, where that says it.
pub(crate) struct Recognised {
    pub(crate) principal: Principal,
    granted: Option<Granted>,
    /// Whether it is nobody in particular, because nobody is asked.
    is_anybody: bool,
}

impl From<Principal> for Recognised {
    fn from(principal: Principal) -> Self {
        Self {
            principal,
            granted: None,
            is_anybody: false,
        }
    }
}

/// Lets a request through with its [`Principal`] where that has the scope `call`, or answers 401 or 403
/// with a reason.
pub(crate) async fn require(
    State(gate): State<Arc<Authenticators>>,
    request: Request,
    next: Next,
) -> Response {
    required(&gate, Scope::Call, request, next).await
}

/// The same for the scope `admin`.
pub(crate) async fn require_admin(
    State(gate): State<Arc<Authenticators>>,
    request: Request,
    next: Next,
) -> Response {
    required(&gate, Scope::Admin, request, next).await
}

async fn required(
    gate: &Authenticators,
    scope: Scope,
    mut request: Request,
    next: Next,
) -> Response {
    let path = request.uri().path();
    let recognised =
        match admitted(gate, scope, path, request.headers(), request.extensions()).await {
            Ok(recognised) => recognised,
            Err(refusal) => {
                return refusal.response(path, gate.oauth.as_deref(), &gate.metrics);
            }
        };
    if let Some(granted) = recognised.granted {
        request.extensions_mut().insert(granted);
    }
    request.extensions_mut().insert(recognised.principal);
    next.run(request).await
}

/// Who has sent these headers to `path`, where whoever it is may do there what needs `scope`.
pub(crate) async fn admitted(
    gate: &Authenticators,
    scope: Scope,
    path: &str,
    headers: &HeaderMap,
    extensions: &Extensions,
) -> Result<Recognised, Refusal> {
    let recognised = recognised(gate, headers, extensions).await?;
    if scope == Scope::Admin && recognised.is_anybody {
        // What stands in front of a server that asks nobody lets through whom it likes.
        return Err(Refusal::Nobody);
    }
    if !recognised.principal.has(scope) {
        return Err(Refusal::Lacking(scope));
    }
    // At `/mcp` the tool is known as well, and one challenge names what it all needs.
    if let (Some(oauth), Some(granted)) = (&gate.oauth, &recognised.granted)
        && path != MCP
    {
        oauth.suffices(granted, None)?;
    }
    Ok(recognised)
}

async fn recognised(
    gate: &Authenticators,
    headers: &HeaderMap,
    extensions: &Extensions,
) -> Result<Recognised, Refusal> {
    let recognised = judged(gate, headers).await;
    match &recognised {
        Ok(somebody) if !somebody.is_anybody => Trial::tell(extensions, true),
        Err(refusal) if refusal.is_of_something_wrong() => Trial::tell(extensions, false),
        // Nobody has looked.
        _ => {}
    }
    recognised
}

async fn judged(gate: &Authenticators, headers: &HeaderMap) -> Result<Recognised, Refusal> {
    let know_tokens = gate.know_tokens_of(headers).await;
    // Which of two credentials counts must not be a matter of taste, so one that does not hold is
    // refused, whatever else was sent.
    let has_token = headers.contains_key(header::AUTHORIZATION);
    match &gate.access {
        None if !know_tokens => Ok(Recognised {
            is_anybody: true,
            ..Principal::anonymous().into()
        }),
        Some(access) if !know_tokens => by_access(gate, access, headers).await,
        Some(access) if !has_token => match by_access(gate, access, headers).await {
            Err(Refusal::NoAssertion) => Err(Refusal::NoCredential),
            recognised => recognised,
        },
        _ => by_token(gate, bearer_token(headers)?).await,
    }
}

/// Whom Cloudflare Access let through; where an operator says which caller that is, with its rights and as
/// long as it has any.
async fn by_access(
    gate: &Authenticators,
    access: &Access,
    headers: &HeaderMap,
) -> Result<Recognised, Refusal> {
    let somebody = access.recognise(headers).await?;
    let Some(name) = access.caller_of(&somebody) else {
        return Ok(somebody.into());
    };
    let named = gate.named.as_ref().ok_or(Refusal::Revoked)?;
    match named.called(name).await {
        Ok(caller) => Ok(caller.ok_or(Refusal::Revoked)?.into()),
        Err(problem) => {
            tracing::error!(%problem, "it cannot be told what a caller may do");
            Err(Refusal::Unavailable)
        }
    }
}

async fn by_token(gate: &Authenticators, token: &str) -> Result<Recognised, Refusal> {
    for verifier in gate.in_turn() {
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
    // What has the form of a named caller's token may be one elsewhere, and is told to nobody.
    let is_named = TokenId::within(token).is_some();
    let Some(oauth) = gate.oauth.as_ref().filter(|_| !is_named) else {
        return Err(Refusal::UnknownToken);
    };
    match oauth.recognise(token).await {
        Ok(Some((principal, granted))) => Ok(Recognised {
            granted: Some(granted),
            ..principal.into()
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
