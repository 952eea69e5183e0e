//! Plain requests beside the MCP client: what it hides is what matters here, statuses and headers.

use std::time::Duration;

use http::{HeaderMap, StatusCode, header};
use url::Url;

use crate::client::{innermost, is_loopback};

/// The most bytes of an answer that are kept.
const MOST: usize = 64 << 10;

/// What came back.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    /// The beginning of the body; of a stream nothing.
    pub(super) body: String,
    /// Why the body ended before it was whole.
    pub(super) cut: Option<String>,
}

impl Answer {
    /// Whether it is what `/healthz` says of a server that is alive.
    pub(super) fn is_alive(&self) -> bool {
        let body: serde_json::Value = serde_json::from_str(&self.body).unwrap_or_default();
        self.status == StatusCode::OK && body["ok"] == true
    }

    /// A header, where it is text.
    pub(super) fn header(&self, name: &str) -> &str {
        let value = self.headers.get(name);
        value
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default()
    }
}

/// Where a redirect leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Leads {
    /// To where people say who they are, or are told that they may not.
    LogIn,
    /// To a page, which may be either.
    Page,
    /// To what was asked for, at another place.
    There,
    /// Nobody can tell.
    Somewhere,
}

/// Where an answer of `from` leads to, asked as somebody who sends nothing.
pub(super) async fn leads(from: &Url, answer: &Answer, limit: Duration) -> Leads {
    let Ok(target) = from.join(answer.header("location")) else {
        return Leads::Somewhere;
    };
    if is_access(&target) {
        return Leads::LogIn;
    }
    let Ok(next) = get(target.as_str(), limit).await else {
        return Leads::Somewhere;
    };
    let is_page = next.header("content-type").starts_with("text/html");
    match next.status {
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => Leads::LogIn,
        status if status.is_success() && is_page => Leads::Page,
        status if status.is_success() => Leads::There,
        _ if is_access(&from.join(next.header("location")).unwrap_or(target)) => Leads::LogIn,
        _ => Leads::Somewhere,
    }
}

/// Whether a URL is the log-in of Cloudflare Access.
pub(super) fn is_access(url: &Url) -> bool {
    url.host_str()
        .is_some_and(|host| host.ends_with(".cloudflareaccess.com"))
}

/// A client that follows no redirects, and asks nobody between it and this machine.
pub(super) fn client(url: &Url, limit: Duration) -> Result<reqwest::Client, String> {
    let mut builder = reqwest::Client::builder()
        .user_agent(concat!("farcall/", env!("CARGO_PKG_VERSION")))
        .timeout(limit)
        .redirect(reqwest::redirect::Policy::none())
        .pool_max_idle_per_host(0);
    if url.scheme() == "http" {
        builder = builder.tls_certs_only([]);
    }
    if url.scheme() == "http" || is_loopback(url) {
        builder = builder.no_proxy();
    }
    builder.build().map_err(|error| innermost(&error))
}

/// What `url` answers to whoever sends nothing.
pub(super) async fn get(url: &str, limit: Duration) -> Result<Answer, String> {
    let url = Url::parse(url).map_err(|error| error.to_string())?;
    let client = client(&url, limit)?;
    answer(client.get(url)).await
}

/// What comes back to a request, or why nothing does.
pub(super) async fn answer(request: reqwest::RequestBuilder) -> Result<Answer, String> {
    let mut response = request.send().await.map_err(|error| innermost(&error))?;
    let (status, headers) = (response.status(), response.headers().clone());
    let (mut body, mut cut) = (Vec::new(), None);
    // A stream may have no end, and what it says is for the client.
    let media_type = headers.get(header::CONTENT_TYPE);
    let is_stream =
        media_type.is_some_and(|value| value.as_bytes().starts_with(b"text/event-stream"));
    while !is_stream && body.len() < MOST {
        match response.chunk().await {
            Ok(Some(chunk)) => body.extend_from_slice(&chunk),
            Ok(None) => break,
            Err(error) => {
                cut = Some(innermost(&error));
                break;
            }
        }
    }
    body.truncate(MOST);
    Ok(Answer {
        status,
        headers,
        body: String::from_utf8_lossy(&body).into_owned(),
        cut,
    })
}
