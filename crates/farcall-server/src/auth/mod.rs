//! Who is calling.
//!
//! Every gated route asks the authenticators in turn; the first that knows the token says who
//! its bearer is. Without authenticators every caller is the anonymous one.

mod shared_secret;
mod token_verifier;

use std::sync::Arc;

use axum::{
    extract::{Request, State},
    middleware::Next,
    response::Response,
};
use farcall_core::principal::Principal;
use http::{HeaderMap, HeaderValue, StatusCode, header};

pub use self::{shared_secret::SharedSecret, token_verifier::TokenVerifier};
use crate::problem_response;

/// The authenticators of a server, in the order they are asked.
#[derive(Clone, Default)]
pub struct Authenticators(Vec<Arc<dyn TokenVerifier>>);

impl Authenticators {
    /// Adds one.
    pub fn push(&mut self, verifier: Arc<dyn TokenVerifier>) {
        self.0.push(verifier);
    }

    /// Whether every caller is the anonymous one.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
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
}

/// Lets a request through with its [`Principal`], or answers 401 with a reason.
pub(crate) async fn require(
    State(gate): State<Arc<Authenticators>>,
    mut request: Request,
    next: Next,
) -> Response {
    match recognise(&gate, request.headers()).await {
        Ok(principal) => {
            request.extensions_mut().insert(principal);
            next.run(request).await
        }
        Err(refusal) => refusal.response(request.uri().path()),
    }
}

/// Who the bearer of these headers is.
pub(crate) async fn recognise(
    gate: &Authenticators,
    headers: &HeaderMap,
) -> Result<Principal, Refusal> {
    if gate.is_empty() {
        return Ok(Principal::anonymous());
    }
    let token = bearer_token(headers)?;
    for verifier in &gate.0 {
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

impl Refusal {
    /// Whether nothing was sent that could be wrong.
    pub(crate) fn is_of_nothing(&self) -> bool {
        matches!(self, Self::NoToken)
    }

    /// What a caller reads who is not let in.
    pub(crate) fn response(&self, path: &str) -> Response {
        refused(path, self)
    }
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
