//! Host and Origin: the defence against pages that make a browser talk to this server under a
//! name of theirs (DNS rebinding; MCP requires the check of `Origin`).

use axum::{
    extract::{Request, State},
    middleware::Next,
    response::Response,
};
use farcall_core::host::is_loopback;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri, header};
use tower_http::cors::{AllowOrigin, CorsLayer};

use crate::problem_response;

/// Which hosts and origins are accepted, beside this machine's own.
#[derive(Clone, Debug, Default)]
pub struct Guard {
    hosts: Vec<String>,
    origins: Vec<String>,
    listed_origins: Vec<String>,
    /// Whether any host is accepted; origins are not.
    is_open: bool,
}

impl Guard {
    /// Accepts every host, and origins of this machine alone: for what is reached by any name, and by no page.
    pub(crate) fn open() -> Self {
        Self {
            is_open: true,
            ..Self::default()
        }
    }

    /// Accepts loopback names, and nothing else.
    pub fn new() -> Self {
        Self::default()
    }

    /// Accepts a value of `Host`, lower case, with or without a port.
    pub fn allow_host(&mut self, host: impl Into<String>) {
        self.hosts.push(host.into());
    }

    /// Accepts an origin, lower case, such as `https://app.example.com`.
    pub fn allow_origin(&mut self, origin: impl Into<String>) {
        self.origins.push(origin.into());
    }

    /// Accepts an origin whose pages may also read the answers (CORS).
    pub fn allow_cross_origin(&mut self, origin: impl Into<String>) {
        self.listed_origins.push(origin.into());
    }

    pub(crate) fn accepts_host(&self, host: &str) -> bool {
        let host = host.to_ascii_lowercase();
        let name = without_port(&host);
        self.is_open
            || is_loopback(name)
            || self
                .hosts
                .iter()
                .any(|allowed| *allowed == host || *allowed == name)
    }

    fn accepts_origin(&self, origin: &str) -> bool {
        let origin = origin.to_ascii_lowercase();
        let own = origin.split_once("://").is_some_and(|(scheme, host)| {
            matches!(scheme, "http" | "https") && is_loopback(without_port(host))
        });
        own || self.is_own_origin(&origin) || self.listed_origins.contains(&origin)
    }

    /// Whether pages of this origin, lower case, are this server's own.
    fn is_own_origin(&self, origin: &str) -> bool {
        self.origins.iter().any(|own| own == origin)
    }

    /// Whether whoever sent these headers to `uri` may be answered more than everybody is told.
    pub(crate) fn accepts(&self, headers: &HeaderMap, uri: &Uri) -> bool {
        judge(self, headers, uri).is_ok()
    }
}

/// Refuses a foreign `Host` or `Origin` with 403. Probes come from anywhere, by address, and
/// learn nothing, so the health routes are open.
pub(super) fn refusal(guard: &Guard, request: &Request) -> Option<Response> {
    let path = request.uri().path();
    if matches!(path, "/healthz" | "/health" | "/readyz") {
        return None;
    }
    let sentence = judge(guard, request.headers(), request.uri()).err()?;
    Some(refused(path, sentence))
}

/// Lets through what no page has sent, or one of this server's own. Cloudflare Access makes a credential of a
/// cookie, and a browser sends that whoever's page it shows: not even one of this machine may act by it.
pub(crate) async fn of_no_other_page(
    State(guard): State<Guard>,
    request: Request,
    next: Next,
) -> Response {
    const ORIGIN: &str =
        "pages of this `Origin` may change nothing here; only those under PUBLIC_BASE_URL may";
    let origin = request.headers().get(header::ORIGIN);
    let is_own = origin.is_none_or(|origin| {
        let origin = origin.as_bytes().to_ascii_lowercase();
        str::from_utf8(&origin).is_ok_and(|origin| guard.is_own_origin(origin))
    });
    if is_own {
        next.run(request).await
    } else {
        refused(request.uri().path(), ORIGIN)
    }
}

fn refused(path: &str, sentence: &'static str) -> Response {
    tracing::warn!(path, sentence, "refused");
    problem_response::for_path(path, StatusCode::FORBIDDEN, sentence)
}

fn judge(guard: &Guard, headers: &HeaderMap, uri: &Uri) -> Result<(), &'static str> {
    const HOST: &str =
        "this `Host` is not served here; the operator can list it in FARCALL_ALLOWED_HOSTS";
    const ORIGIN: &str =
        "pages of this `Origin` may not call; the operator can list it in FARCALL_ALLOWED_ORIGINS";
    let host = only(headers, &header::HOST).ok_or(HOST)?;
    // A request may name its host in its target, too (RFC 9112 section 3.2.2): both must be ours.
    let target = uri.authority().map(http::uri::Authority::as_str);
    let mut named = host.into_iter().chain(target).peekable();
    if named.peek().is_none() || !named.all(|host| guard.accepts_host(host)) {
        return Err(HOST);
    }
    let origin = only(headers, &header::ORIGIN).ok_or(ORIGIN)?;
    match origin {
        Some(origin) if !guard.accepts_origin(origin) => Err(ORIGIN),
        _ => Ok(()),
    }
}

/// The one value of a header; `None` where it is there twice or not readable.
#[expect(
    clippy::option_option,
    reason = "absent and unusable are different verdicts"
)]
fn only<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<Option<&'a str>> {
    let mut values = headers.get_all(name).iter();
    let first = values.next();
    if values.next().is_some() {
        return None;
    }
    match first {
        Some(value) => value.to_str().ok().map(Some),
        None => Some(None),
    }
}

fn without_port(host: &str) -> &str {
    match host.rsplit_once(':') {
        Some((name, port))
            if port.bytes().all(|byte| byte.is_ascii_digit())
                && !name.is_empty()
                && (!name.contains(':') || name.ends_with(']')) =>
        {
            name
        }
        _ => host,
    }
}

/// CORS for the listed origins; off where none is listed.
pub(crate) fn cors(guard: &Guard) -> Option<CorsLayer> {
    if guard.listed_origins.is_empty() {
        return None;
    }
    let origins = guard
        .listed_origins
        .iter()
        .filter_map(|origin| HeaderValue::from_str(origin).ok());
    Some(
        CorsLayer::new()
            .allow_origin(AllowOrigin::list(origins))
            .allow_methods([Method::GET, Method::HEAD, Method::POST, Method::DELETE])
            .allow_headers(tower_http::cors::AllowHeaders::mirror_request())
            .expose_headers([
                header::WWW_AUTHENTICATE,
                HeaderName::from_static("mcp-session-id"),
                HeaderName::from_static("mcp-protocol-version"),
                HeaderName::from_static("x-request-id"),
            ]),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn example() -> Guard {
        let mut guard = Guard::new();
        guard.allow_host("mcp.example.com");
        guard.allow_origin("https://mcp.example.com");
        guard
    }

    #[test]
    fn loopback_and_listed_hosts_are_accepted() {
        for host in [
            "localhost",
            "LOCALHOST:8900",
            "127.0.0.1:1",
            "127.8.8.8",
            "[::1]:8900",
            "[::1]",
            "mcp.example.com",
            "MCP.example.com:443",
        ] {
            assert!(example().accepts_host(host), "{host}");
        }
    }

    #[test]
    fn every_other_host_is_refused() {
        for host in [
            "",
            "evil.example.com",
            "localhost.evil.example",
            "127.0.0.1.evil.example",
            "127.0.0.1@evil.example",
            "mcp.example.com.evil.example",
            "xmcp.example.com",
            "0.0.0.0",
            "10.0.0.1",
            "[::2]",
            "[::1",
            "::1]:80",
            "localhost:80:80",
            "localhost:x",
            " localhost",
            "mcp.example.com.",
            "2130706433",
            "0x7f.1",
            "127.1",
        ] {
            assert!(!example().accepts_host(host), "{host}");
        }
    }

    #[test]
    fn an_origin_is_ours_or_loopback() {
        for origin in [
            "http://localhost:3000",
            "http://127.0.0.1:8900",
            "https://[::1]",
            "https://mcp.example.com",
        ] {
            assert!(example().accepts_origin(origin), "{origin}");
        }
        for origin in [
            "null",
            "",
            "http://mcp.example.com",
            "https://evil.example.com",
            "file://localhost",
            "https://mcp.example.com:444",
            "http://localhost.evil.example",
        ] {
            assert!(!example().accepts_origin(origin), "{origin}");
        }
    }
}
