//! Where a server is, and which headers it is sent.

use std::{fmt, time::Duration};

use farcall_config::variables;
use farcall_core::host;
use http::{HeaderMap, HeaderName, HeaderValue, header};
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;
use url::Url;

use super::text::shown;
use crate::Failure;

/// How long it may take until a server accepts a connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// Variables whose value is sent as bearer token, the first that is set.
pub(crate) const TOKEN_VARIABLES: [&str; 2] = [
    variables::FARCALL_TOKEN.name,
    variables::MCP_BEARER_TOKEN.name,
];

/// The shortest value that is looked for in a server's words; shorter ones are no secrets.
const SECRET: usize = 8;

/// The URL of an MCP endpoint, and the headers that every request to its origin carries.
#[derive(Clone)]
pub struct Endpoint {
    url: Url,
    headers: HeaderMap,
}

impl Endpoint {
    /// The endpoint at `url`, an absolute `http` or `https` URL.
    ///
    /// # Errors
    /// A [`Failure`] where it is no such URL, or holds credentials.
    pub fn new(url: &str) -> Result<Self, Failure> {
        const EXAMPLE: &str =
            "give the address of the MCP endpoint, for example http://127.0.0.1:8900/mcp";
        let parsed = Url::parse(url).ok();
        let parsed =
            parsed.filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
        let Some(url) = parsed else {
            return Err(Failure::usage(format!(
                "`{}` is no http or https URL",
                super::one_line(url)
            ))
            .hint(EXAMPLE));
        };
        if !url.username().is_empty() || url.password().is_some() {
            return Err(
                Failure::usage("the URL holds credentials, which would end up in logs")
                    .hint("send them with --header 'Authorization: …'"),
            );
        }
        Ok(Self {
            url,
            headers: HeaderMap::new(),
        })
    }

    /// Sends `token` as bearer token.
    ///
    /// # Errors
    /// A [`Failure`], which does not repeat the token, where a header cannot carry it.
    pub fn bearer(self, token: &str) -> Result<Self, Failure> {
        let value = format!("Bearer {token}");
        self.with(header::AUTHORIZATION, &value)
            .map_err(|()| Failure::usage("the token holds a character that a header cannot carry"))
    }

    /// Sends a header of the form `Name: value`.
    ///
    /// # Errors
    /// A [`Failure`], which does not repeat the value, where it has another form, or belongs to
    /// the protocol.
    pub fn header(self, line: &SecretString) -> Result<Self, Failure> {
        let malformed = || {
            Failure::usage("a --header is not of the form `Name: value`")
                .hint("quote it: --header 'X-Api-Key: …'")
        };
        let (name, value) = line.expose_secret().split_once(':').ok_or_else(malformed)?;
        let name = HeaderName::try_from(name.trim()).map_err(|_| malformed())?;
        if is_of_the_protocol(name.as_str()) {
            return Err(Failure::usage(format!(
                "the header `{name}` belongs to the protocol and cannot be set"
            ))
            .hint("leave it out, each request has its own; --header is for what says who asks"));
        }
        self.with(name, value.trim()).map_err(|()| malformed())
    }

    /// Sends what a command line has to say about who calls: these headers, and where none of them is
    /// `Authorization`, the token of the environment.
    ///
    /// A header that somebody types for this very URL is sent wherever it leads; a token that is only set is sent to
    /// another machine over TLS alone.
    ///
    /// # Errors
    /// A [`Failure`], as of [`Endpoint::header`] and [`Endpoint::bearer`], or where the token could be read on the way.
    pub fn with_credentials(mut self, headers: &[SecretString]) -> Result<Self, Failure> {
        for header in headers {
            self = self.header(header)?;
        }
        match token().filter(|_| !self.has_credentials()) {
            Some((name, _)) if is_in_the_clear(&self.url) => Err(Failure::usage(format!(
                "`{self}` is asked without TLS, so the token of `{name}` is not sent there"
            ))
            .hint(format!("give the https:// URL of a tunnel or a proxy; on the machine of the server, http://127.0.0.1 with its port; in a network that is yours alone, say so: --header \"Authorization: Bearer ${name}\"; where it asks for none, unset {name}"))),
            Some((_, token)) => self.bearer(token.expose_secret()),
            None => Ok(self),
        }
    }

    /// The same endpoint for somebody who sends nothing.
    #[must_use]
    pub fn without_headers(&self) -> Self {
        Self {
            url: self.url.clone(),
            headers: HeaderMap::new(),
        }
    }

    /// The URL.
    pub fn url(&self) -> &Url {
        &self.url
    }

    /// The headers.
    pub fn headers(&self) -> &HeaderMap {
        &self.headers
    }

    /// Whether requests say who is calling.
    pub fn has_credentials(&self) -> bool {
        self.headers.contains_key(header::AUTHORIZATION)
    }

    /// Whether `url` belongs to this server for sure, so that it may see the headers.
    pub fn is_same_origin(&self, url: &Url) -> bool {
        self.url.origin() == url.origin()
    }

    /// A server's own words, without the secrets that it was sent.
    pub(crate) fn scrubbed(&self, words: &str) -> String {
        let values = self
            .headers
            .values()
            .filter_map(|value| value.to_str().ok());
        let secrets = values.map(|value| value.strip_prefix("Bearer ").unwrap_or(value));
        secrets
            .filter(|secret| secret.len() >= SECRET)
            .fold(words.to_owned(), |words, secret| words.replace(secret, "…"))
    }

    /// The same of an answer, in all texts of it.
    pub(crate) fn scrubbed_answer(&self, answer: &Value) -> Value {
        match answer {
            Value::String(text) => self.scrubbed(text).into(),
            Value::Array(values) => values
                .iter()
                .map(|value| self.scrubbed_answer(value))
                .collect(),
            Value::Object(fields) => fields
                .iter()
                .map(|(name, value)| (self.scrubbed(name), self.scrubbed_answer(value)))
                .collect(),
            other => other.clone(),
        }
    }

    /// A client for URLs of the scheme of `url`.
    pub(crate) fn http_client(url: &Url) -> Result<reqwest::Client, Failure> {
        let mut builder = reqwest::Client::builder()
            .user_agent(concat!("farcall/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(CONNECT_TIMEOUT)
            .redirect(reqwest::redirect::Policy::none())
            // An answer that was not read to its end would make the next one wait 40 ms.
            .pool_max_idle_per_host(0);
        if url.scheme() == "http" {
            // Whoever needs no certificates need not have any installed.
            builder = builder.tls_certs_only([]);
        }
        if url.scheme() == "http" || is_loopback(url) {
            // A proxy of `http_proxy` would read what is sent, and knows nobody on this machine.
            builder = builder.no_proxy();
        }
        builder.build().map_err(|error| {
            Failure::failed(format!(
                "no connection can be secured: {}",
                super::diagnosis::innermost(&error)
            ))
            .hint("install the system's root certificates, for example the package ca-certificates")
        })
    }

    fn with(mut self, name: HeaderName, value: &str) -> Result<Self, ()> {
        let mut value = HeaderValue::from_str(value).map_err(|_| ())?;
        value.set_sensitive(true);
        self.headers.insert(name, value);
        Ok(self)
    }
}

/// Whether a client sets a header itself, so that nobody else may.
pub(crate) fn is_of_the_protocol(name: &str) -> bool {
    let name = name.trim().to_ascii_lowercase();
    let own = [
        "accept",
        "content-length",
        "content-type",
        "host",
        "last-event-id",
    ];
    own.contains(&name.as_str()) || name.starts_with("mcp-")
}

/// The URL, as far as it may be shown.
impl fmt::Display for Endpoint {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&shown(&self.url))
    }
}

impl fmt::Debug for Endpoint {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = self.headers.keys().collect();
        write!(formatter, "{self} with {names:?}")
    }
}

/// Whether what is sent to a URL could be read on the way.
pub(crate) fn is_in_the_clear(url: &Url) -> bool {
    url.scheme() == "http" && !is_loopback(url)
}

/// Whether a URL leads to this very machine.
pub(crate) fn is_loopback(url: &Url) -> bool {
    url.host_str().is_some_and(host::is_loopback)
}

/// The token of the environment, and the variable that has it.
fn token() -> Option<(&'static str, SecretString)> {
    let mut variables = TOKEN_VARIABLES.iter();
    variables.find_map(|name| {
        let value = std::env::var_os(name)?.into_string().ok()?;
        let value = value.trim();
        (!value.is_empty()).then(|| (*name, value.into()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOKEN: &str = "s3cret-s3cret";

    #[test]
    fn nothing_shows_a_secret() {
        let endpoint = Endpoint::new("https://example.com/mcp?key=s3cret-s3cret").unwrap();
        let endpoint = endpoint.bearer(TOKEN).unwrap();
        assert!(!format!("{endpoint} {endpoint:?} {:?}", endpoint.headers()).contains(TOKEN));
        assert_eq!(endpoint.scrubbed("you sent s3cret-s3cret"), "you sent …");
        let answer = serde_json::json!({"s3cret-s3cret": ["x s3cret-s3cret", 1, {"a": "b"}]});
        assert_eq!(
            endpoint.scrubbed_answer(&answer),
            serde_json::json!({"…": ["x …", 1, {"a": "b"}]})
        );

        let no_header = Endpoint::new("https://example.com/mcp")
            .unwrap()
            .header(&"s3cret-s3cret".into())
            .unwrap_err();
        assert!(!no_header.to_string().contains(TOKEN));
    }

    #[test]
    fn an_endless_url_is_not_shown_to_its_end() {
        let endpoint = Endpoint::new(&format!("http://{}/mcp", "a".repeat(100_000))).unwrap();
        assert!(endpoint.to_string().len() < 500);
    }

    #[test]
    fn no_header_of_the_protocol_is_set() {
        for (line, expected) in [
            ("Accept: x", false),
            ("Mcp-Method: x", false),
            ("mcp-session-id: x", false),
            ("X-Mcp: x", true),
        ] {
            let endpoint = Endpoint::new("https://example.com/mcp").unwrap();
            assert_eq!(endpoint.header(&line.into()).is_ok(), expected, "{line}");
        }
    }

    #[test]
    fn only_the_very_origin_is_sent_headers() {
        let endpoint = Endpoint::new("https://example.com/mcp").unwrap();
        for (url, is_same) in [
            ("https://example.com:443/files/1", true),
            ("http://example.com/files/1", false),
            ("https://example.com:444/files/1", false),
            ("https://files.example.com/files/1", false),
        ] {
            assert_eq!(
                endpoint.is_same_origin(&Url::parse(url).unwrap()),
                is_same,
                "{url}"
            );
        }
    }

    #[test]
    fn urls_without_scheme_are_explained() {
        for url in [
            "",
            "127.0.0.1:8900/mcp",
            "localhost:8900/mcp",
            "ftp://a/mcp",
            "http://",
        ] {
            let failure = Endpoint::new(url).unwrap_err();
            assert!(
                failure.to_string().contains("http://127.0.0.1:8900/mcp"),
                "{url}"
            );
        }
    }
}
