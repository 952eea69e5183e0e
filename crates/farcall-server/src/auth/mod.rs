//! Who is calling.
//!
//! Every gated route asks the authenticators in turn; the first that knows the token says who
//! its bearer is. Without authenticators, and as long as nobody was named, every caller is the anonymous
//! one.

mod named;
mod shared_secret;
mod token_verifier;

use std::sync::Arc;

use axum::{
    extract::{Request, State},
    middleware::Next,
    response::Response,
};
use farcall_core::principal::{Principal, Scope};
use http::{HeaderMap, HeaderValue, StatusCode, header};

pub use self::{
    named::{CallerSource, NamedCallers},
    shared_secret::SharedSecret,
    token_verifier::TokenVerifier,
};
use crate::problem_response;

/// The authenticators of a server, in the order they are asked.
#[derive(Clone, Default)]
pub struct Authenticators {
    verifiers: Vec<Arc<dyn TokenVerifier>>,
    named: Option<Arc<NamedCallers>>,
}

impl Authenticators {
    /// Adds one.
    pub fn push(&mut self, verifier: Arc<dyn TokenVerifier>) {
        self.verifiers.push(verifier);
    }

    /// Sets the named callers, who are asked before all others.
    pub fn set_named(&mut self, named: NamedCallers) {
        self.named = Some(Arc::new(named));
    }

    /// Whether every caller is the anonymous one at this moment.
    pub fn is_open(&self) -> bool {
        self.verifiers.is_empty() && !self.has_named_callers()
    }

    /// Whether there are callers with tokens of their own.
    pub fn has_named_callers(&self) -> bool {
        let named = self.named.as_ref();
        named.is_some_and(|named| named.has_callers())
    }

    fn in_turn(&self) -> impl Iterator<Item = &dyn TokenVerifier> {
        let named = self
            .named
            .iter()
            .map(|named| named.as_ref() as &dyn TokenVerifier);
        named.chain(self.verifiers.iter().map(AsRef::as_ref))
    }
}

/// Why a caller is not let in.
pub(crate) enum Refusal {
    /// No token was sent.
    NoToken,
    /// What was sent is no bearer token.
    NotBearer,
    /// Nobody knows the token.
    UnknownToken,
    /// The authenticator itself failed.
    Unavailable,
    /// The caller is known, and may not do this.
    Lacking(Scope),
    /// Nobody is asked who they are, and this is for somebody.
    Nobody,
}

/// Lets a request through with its [`Principal`] where that has the scope `call`, or answers 401 or 403
/// with a reason.
pub(crate) async fn require(
    State(gate): State<Arc<Authenticators>>,
    request: Request,
    next: Next,
) -> Response {
    require_scope(&gate, Scope::Call, request, next).await
}

/// The same for the scope `admin`, which nobody has here who is nobody in particular: what stands in front of
/// a server that asks nobody lets through whom it likes.
pub(crate) async fn require_admin(
    State(gate): State<Arc<Authenticators>>,
    request: Request,
    next: Next,
) -> Response {
    if gate.is_open() {
        return refused(request.uri().path(), &Refusal::Nobody);
    }
    require_scope(&gate, Scope::Admin, request, next).await
}

async fn require_scope(
    gate: &Authenticators,
    scope: Scope,
    mut request: Request,
    next: Next,
) -> Response {
    let recognised = recognise(gate, request.headers()).await;
    match recognised {
        Ok(principal) if principal.has(scope) => {
            request.extensions_mut().insert(principal);
            next.run(request).await
        }
        Ok(_) => refused(request.uri().path(), &Refusal::Lacking(scope)),
        Err(refusal) => refused(request.uri().path(), &refusal),
    }
}

/// Who the bearer of these headers is.
pub(crate) async fn recognise(
    gate: &Authenticators,
    headers: &HeaderMap,
) -> Result<Principal, Refusal> {
    let token = bearer_token(headers);
    if gate.is_open() {
        // The first caller must not be taken for nobody until its name has come round.
        if let (Some(named), Ok(token)) = (&gate.named, &token) {
            named.look_for(token).await;
        }
        if gate.is_open() {
            return Ok(Principal::anonymous());
        }
    }
    let token = token?;
    for verifier in gate.in_turn() {
        match verifier.verify(token).await {
            Ok(Some(principal)) => return Ok(principal),
            Ok(None) => {}
            Err(problem) => {
                let cause = problem.cause().map(ToString::to_string);
                tracing::error!(%problem, cause, "a token cannot be verified");
                return Err(Refusal::Unavailable);
            }
        }
    }
    Err(Refusal::UnknownToken)
}

fn bearer_token(headers: &HeaderMap) -> Result<&str, Refusal> {
    let mut sent = headers.get_all(header::AUTHORIZATION).iter();
    let value = sent.next().ok_or(Refusal::NoToken)?;
    if sent.next().is_some() {
        // Two credentials: which one counts must not be a matter of taste.
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

fn refused(path: &str, refusal: &Refusal) -> Response {
    let (status, sentence, challenge) = match refusal {
        Refusal::NoToken => (
            StatusCode::UNAUTHORIZED,
            "no bearer token was sent; send the header `Authorization: Bearer <token>` with the token of this server",
            "Bearer error_description=\"no bearer token was sent: send Authorization: Bearer <token>\"",
        ),
        Refusal::NotBearer => (
            StatusCode::UNAUTHORIZED,
            "the header `Authorization` holds no bearer token; send it once, as `Authorization: Bearer <token>`",
            "Bearer error=\"invalid_token\", error_description=\"Authorization holds no bearer token\"",
        ),
        Refusal::UnknownToken => (
            StatusCode::UNAUTHORIZED,
            "the bearer token is not known here; compare it with the one that the operator of this server handed out",
            "Bearer error=\"invalid_token\", error_description=\"the bearer token is not known here\"",
        ),
        Refusal::Unavailable => (
            StatusCode::SERVICE_UNAVAILABLE,
            "the token cannot be verified at the moment; try again in a few seconds",
            "",
        ),
        Refusal::Nobody => (
            StatusCode::FORBIDDEN,
            "this server asks nobody who they are, and shows this to callers with the scope `admin` alone; its operator names one with `token create NAME --scopes admin`",
            "Bearer error_description=\"there are no callers yet\"",
        ),
        Refusal::Lacking(Scope::Admin) => (
            StatusCode::FORBIDDEN,
            "this needs the scope `admin`, which the token does not have; ask the operator of this server",
            "Bearer error=\"insufficient_scope\", scope=\"admin\"",
        ),
        Refusal::Lacking(_) => (
            StatusCode::FORBIDDEN,
            "this needs the scope `call`, which the token does not have; ask the operator of this server",
            "Bearer error=\"insufficient_scope\", scope=\"call\"",
        ),
    };
    let mut response = problem_response::for_path(path, status, sentence);
    if challenge.is_empty() {
        response
            .headers_mut()
            .insert(header::RETRY_AFTER, HeaderValue::from_static("5"));
    } else {
        // RFC 6750 section 3.
        response.headers_mut().insert(
            header::WWW_AUTHENTICATE,
            HeaderValue::from_static(challenge),
        );
    }
    response
}
