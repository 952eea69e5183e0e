//! Asks others for what callers are judged by.

use std::{fmt, time::Duration};

use bytes::{Bytes, BytesMut};
use farcall_core::host::is_loopback;
use http::{StatusCode, header};
use reqwest::{Client, RequestBuilder, redirect};
use secrecy::{ExposeSecret, SecretString};
use url::{
    Url,
    form_urlencoded::{Serializer, byte_serialize},
};

/// How long an answer may take, from the name of the host to its last byte.
const TIME: Duration = Duration::from_secs(5);

/// For how long a connection that is not needed is kept. Many servers close theirs after two or five
/// seconds, and what is sent at that moment is not answered.
const IDLE: Duration = Duration::from_millis(1_500);

/// How long an answer may be; those in use have a few kilobytes.
const SIZE: usize = 256 << 10;

/// A client of authorization servers: it follows no redirect, and waits and reads only so much.
#[derive(Clone)]
pub(super) struct Outbound {
    http: Client,
    time: Duration,
}

/// Why there is no answer; for the log, because it names places.
#[derive(Debug)]
pub(super) struct NoAnswer(String);

impl fmt::Display for NoAnswer {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl NoAnswer {
    pub(super) fn because(reason: impl Into<String>) -> Self {
        Self(reason.into())
    }
}

impl Outbound {
    /// A client of `url` and of what else its host serves.
    ///
    /// # Errors
    /// Why it cannot be made.
    pub(super) fn new(url: &Url) -> Result<Self, NoAnswer> {
        Self::patient(url, TIME)
    }

    fn patient(url: &Url, time: Duration) -> Result<Self, NoAnswer> {
        let mut http = Client::builder()
            .user_agent(concat!("farcall/", env!("CARGO_PKG_VERSION")))
            .redirect(redirect::Policy::none())
            .pool_idle_timeout(IDLE)
            .referer(false);
        // What is sent to this machine stays on it, whatever proxy the environment names.
        if is_here(url) {
            http = http.no_proxy();
        }
        let http = http.build().map_err(|error| {
            NoAnswer::because(format!("a client of `{url}` cannot be made: {error}"))
        })?;
        Ok(Self { http, time })
    }

    /// The JSON at `url`.
    ///
    /// # Errors
    /// Why there is none.
    pub(super) async fn get(&self, url: &Url) -> Result<Bytes, NoAnswer> {
        self.answered(url, self.http.get(url.clone())).await
    }

    /// The JSON that a form sent to `url` is answered with, by a client that says who it is (RFC 6749
    /// section 2.3.1).
    ///
    /// # Errors
    /// Why there is none.
    pub(super) async fn post(
        &self,
        url: &Url,
        form: &[(&str, &str)],
        client_id: &str,
        client_secret: &SecretString,
    ) -> Result<Bytes, NoAnswer> {
        let escaped = |text: &str| byte_serialize(text.as_bytes()).collect::<String>();
        let body = Serializer::new(String::new()).extend_pairs(form).finish();
        let request = self
            .http
            .post(url.clone())
            .basic_auth(
                escaped(client_id),
                Some(escaped(client_secret.expose_secret())),
            )
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(body);
        self.answered(url, request).await
    }

    /// What `request`, which goes to `url`, is answered with.
    async fn answered(&self, url: &Url, request: RequestBuilder) -> Result<Bytes, NoAnswer> {
        let request = request.header(header::ACCEPT, "application/json");
        let failed = |error: reqwest::Error| {
            NoAnswer::because(format!(
                "`{url}` does not answer: {}",
                causes(&error.without_url())
            ))
        };
        let mut response = request.timeout(self.time).send().await.map_err(failed)?;
        if response.status() != StatusCode::OK {
            let status = response.status();
            return Err(NoAnswer::because(format!("`{url}` answers {status}")));
        }
        let mut body = BytesMut::new();
        while let Some(piece) = response.chunk().await.map_err(failed)? {
            if body.len() + piece.len() > SIZE {
                return Err(NoAnswer::because(format!(
                    "`{url}` answers with more than {SIZE} bytes"
                )));
            }
            body.extend_from_slice(&piece);
        }
        Ok(body.freeze())
    }
}

/// Whether what is asked at `url` can be neither read nor changed on its way.
pub(super) fn is_confidential(url: &Url) -> bool {
    url.scheme() == "https" || (url.scheme() == "http" && is_here(url))
}

/// Whether `url` leads to this machine by its own words.
fn is_here(url: &Url) -> bool {
    url.host_str().is_some_and(is_loopback)
}

/// An error with what caused it; reqwest's own sentence says little.
fn causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        text = format!("{text}: {cause}");
        next = cause.source();
    }
    text
}

#[cfg(test)]
mod tests;
