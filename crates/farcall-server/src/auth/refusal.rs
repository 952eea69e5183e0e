//! How a caller is told that it is not let in.

use axum::response::Response;
use http::{HeaderValue, StatusCode, header};

use crate::problem_response;

/// Why a caller is not let in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// It did not come through Cloudflare Access.
    NoAssertion,
    /// It sent nothing, and may come with a token or through Cloudflare Access.
    NoCredential,
    /// No token was sent.
    NoToken,
    /// What was sent is no bearer token.
    NotBearer,
    /// The authenticator itself failed.
    Unavailable,
    /// The assertion of Cloudflare Access is not one for this server.
    UnknownAssertion,
    /// Nobody knows the token.
    UnknownToken,
}

impl Refusal {
    /// The answer; a challenge goes on with `more`.
    pub(super) fn response(self, path: &str, more: Option<&str>) -> Response {
        let (status, sentence) = (self.status(), self.sentence());
        let mut response = problem_response::for_path(path, status, sentence);
        let (name, value) = match self.challenge() {
            // RFC 6750 section 3.
            Some(challenge) => (header::WWW_AUTHENTICATE, challenge),
            None => (header::RETRY_AFTER, "5"),
        };
        let extended = more.filter(|_| name == header::WWW_AUTHENTICATE);
        let extended =
            extended.and_then(|more| HeaderValue::try_from(format!("{value}, {more}")).ok());
        response
            .headers_mut()
            .insert(name, extended.unwrap_or(HeaderValue::from_static(value)));
        response
    }

    fn status(self) -> StatusCode {
        match self {
            Self::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
            _ => StatusCode::UNAUTHORIZED,
        }
    }

    fn sentence(self) -> &'static str {
        match self {
            Self::NoAssertion => {
                "the request did not come through Cloudflare Access; call the public URL of this server, with the headers `CF-Access-Client-Id` and `CF-Access-Client-Secret` of a service token"
            }
            Self::NoCredential => {
                "no credential was sent; send the header `Authorization: Bearer <token>` with a token of this server, or call its public URL through Cloudflare Access"
            }
            Self::NoToken => {
                "no bearer token was sent; send the header `Authorization: Bearer <token>` with the token of this server"
            }
            Self::NotBearer => {
                "the header `Authorization` holds no bearer token; send it once, as `Authorization: Bearer <token>`"
            }
            Self::Unavailable => {
                "the token cannot be verified at the moment; try again in a few seconds"
            }
            Self::UnknownAssertion => {
                "the assertion of Cloudflare Access is not for this server; call its public URL, and have its operator compare team and AUD tag with those of the Access application"
            }
            Self::UnknownToken => {
                "the bearer token is not known here; compare it with the one that the operator of this server handed out"
            }
        }
    }

    fn challenge(self) -> Option<&'static str> {
        // RFC 6750 section 3.1: no error code where no credentials were sent.
        Some(match self {
            Self::NoAssertion => {
                "Bearer error_description=\"the request did not come through Cloudflare Access: call the public URL\""
            }
            Self::NoCredential => {
                "Bearer error_description=\"no credential was sent: send Authorization: Bearer <token>, or come through Cloudflare Access\""
            }
            Self::NoToken => {
                "Bearer error_description=\"no bearer token was sent: send Authorization: Bearer <token>\""
            }
            Self::NotBearer => {
                "Bearer error=\"invalid_token\", error_description=\"Authorization holds no bearer token\""
            }
            Self::UnknownAssertion => {
                "Bearer error=\"invalid_token\", error_description=\"the assertion of Cloudflare Access is not for this server\""
            }
            Self::UnknownToken => {
                "Bearer error=\"invalid_token\", error_description=\"the bearer token is not known here\""
            }
            Self::Unavailable => return None,
        })
    }
}
