//! How a caller is told that it is not let in: the one place where 401 and 403 of credentials are
//! written.

use std::borrow::Cow;

use axum::response::Response;
use farcall_core::principal::Scope;
use farcall_metrics::{Metrics, Refused};
use http::{HeaderValue, StatusCode, header};

use super::OAuth;
use crate::problem_response;

/// Why a caller is not let in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// The caller is known, and may not do this.
    Lacking(Scope),
    /// It did not come through Cloudflare Access.
    NoAssertion,
    /// It sent nothing, and may come with a token or through Cloudflare Access.
    NoCredential,
    /// No token was sent.
    NoToken,
    /// Nobody is asked who they are, and this is for somebody.
    Nobody,
    /// What was sent is no bearer token.
    NotBearer,
    /// The caller that somebody is, according to the operator, has no token any more, or never had one.
    Revoked,
    /// The authenticator itself failed.
    Unavailable,
    /// The token does not have all of these scopes of its issuer, with spaces between them.
    Ungranted(String),
    /// The assertion of Cloudflare Access is not one for this server.
    UnknownAssertion,
    /// Nobody knows the token.
    UnknownToken,
}

impl Refusal {
    /// Whether nothing was sent that could be wrong.
    pub(crate) fn is_of_nothing(&self) -> bool {
        matches!(self, Self::NoAssertion | Self::NoCredential | Self::NoToken)
    }

    /// The answer to a request for `path`, which says where tokens come from if there is an issuer; counted in
    /// `metrics`.
    pub(crate) fn response(
        &self,
        path: &str,
        oauth: Option<&OAuth>,
        metrics: &Metrics,
    ) -> Response {
        metrics.refusals().count(self.counts_as());
        let mut response = problem_response::for_path(path, self.status(), &self.sentence());
        let headers = response.headers_mut();
        match self.challenge(oauth) {
            // RFC 6750 section 3.
            Some(challenge) => {
                if let Ok(challenge) = HeaderValue::try_from(challenge) {
                    headers.insert(header::WWW_AUTHENTICATE, challenge);
                }
            }
            None => {
                headers.insert(header::RETRY_AFTER, HeaderValue::from_static("5"));
            }
        }
        response
    }

    /// Whether a credential was sent that is none here.
    pub(crate) fn is_of_something_wrong(&self) -> bool {
        self.status() == StatusCode::UNAUTHORIZED && !self.is_of_nothing()
    }

    fn counts_as(&self) -> Refused {
        match self {
            Self::Unavailable => Refused::Unavailable,
            refusal if refusal.is_of_nothing() => Refused::Missing,
            refusal if refusal.is_of_something_wrong() => Refused::Wrong,
            _ => Refused::Insufficient,
        }
    }

    fn status(&self) -> StatusCode {
        match self {
            Self::Lacking(_) | Self::Nobody | Self::Ungranted(_) => StatusCode::FORBIDDEN,
            Self::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
            _ => StatusCode::UNAUTHORIZED,
        }
    }

    fn sentence(&self) -> Cow<'static, str> {
        Cow::Borrowed(match self {
            Self::Lacking(scope) => {
                let scope = scope.as_str();
                return Cow::Owned(format!(
                    "this needs the scope `{scope}`, which the caller does not have; ask the operator of this server"
                ));
            }
            Self::NoAssertion => {
                "the request did not come through Cloudflare Access; call the public URL of this server, with the headers `CF-Access-Client-Id` and `CF-Access-Client-Secret` of a service token"
            }
            Self::NoCredential => {
                "no credential was sent; send the header `Authorization: Bearer <token>` with a token of this server, or call its public URL through Cloudflare Access"
            }
            Self::NoToken => {
                "no bearer token was sent; send the header `Authorization: Bearer <token>` with the token of this server"
            }
            Self::Nobody => {
                "this server asks nobody who they are, and shows this to callers with the scope `admin` alone; its operator names one with `token create NAME --scopes admin`"
            }
            Self::NotBearer => {
                "the header `Authorization` holds no bearer token; send it once, as `Authorization: Bearer <token>`"
            }
            Self::Revoked => {
                "whoever you are to Cloudflare Access is a caller here that has no token, and without one is not let in; ask the operator of this server"
            }
            Self::Unavailable => {
                "the token cannot be verified at the moment; try again in a few seconds"
            }
            Self::Ungranted(scopes) => {
                return Cow::Owned(format!(
                    "the token does not allow this; ask the authorization server for the scope `{scopes}`"
                ));
            }
            Self::UnknownAssertion => {
                "the assertion of Cloudflare Access is not for this server; call its public URL, and have its operator compare team and AUD tag with those of the Access application"
            }
            Self::UnknownToken => {
                "the bearer token is not known here; compare it with the one that the operator of this server handed out"
            }
        })
    }

    /// The challenge, where a credential would change something.
    fn challenge(&self, oauth: Option<&OAuth>) -> Option<String> {
        // RFC 6750 section 3.1: no error code where no credentials were sent.
        let challenge = match self {
            Self::Lacking(scope) => {
                let scope = scope.as_str();
                return Some(format!(
                    "Bearer error=\"insufficient_scope\", scope=\"{scope}\""
                ));
            }
            Self::NoAssertion => {
                "Bearer error_description=\"the request did not come through Cloudflare Access: call the public URL\""
            }
            Self::NoCredential => {
                "Bearer error_description=\"no credential was sent: send Authorization: Bearer <token>, or come through Cloudflare Access\""
            }
            Self::NoToken => {
                "Bearer error_description=\"no bearer token was sent: send Authorization: Bearer <token>\""
            }
            Self::Nobody => {
                return Some("Bearer error_description=\"there are no callers yet\"".to_owned());
            }
            Self::NotBearer => {
                "Bearer error=\"invalid_token\", error_description=\"Authorization holds no bearer token\""
            }
            Self::Revoked => {
                "Bearer error=\"invalid_token\", error_description=\"the caller has no token any more\""
            }
            Self::Unavailable => return None,
            Self::Ungranted(scopes) => {
                let attributes = oauth.map(|oauth| oauth.challenge_for(scopes))?;
                return Some(format!(
                    "Bearer error=\"insufficient_scope\", {attributes}, error_description=\"the token does not allow this\""
                ));
            }
            Self::UnknownAssertion => {
                "Bearer error=\"invalid_token\", error_description=\"the assertion of Cloudflare Access is not for this server\""
            }
            Self::UnknownToken => {
                "Bearer error=\"invalid_token\", error_description=\"the bearer token is not known here\""
            }
        };
        Some(match oauth {
            Some(oauth) => format!("{challenge}, {}", oauth.challenge),
            None => challenge.to_owned(),
        })
    }
}
