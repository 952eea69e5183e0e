//! Where the server listens, and under which names it is reached.

use std::{fmt, time::Duration};

use farcall_core::host;
use url::Url;

use crate::{ConfigError, Fault, Source, reader::Reader, units, variables};

/// How long callers are still answered once the server stops.
const DEFAULT_LINGER: Duration = Duration::from_secs(1);

/// Where the server listens, and under which names it is reached.
#[derive(Clone, Debug)]
pub struct Http {
    /// Address to bind: an IP address or a name that resolves to one.
    pub host: String,
    /// Port to bind; 0 lets the system choose.
    pub port: u16,
    /// Public origin, where it is configured.
    pub public_base_url: Option<PublicBaseUrl>,
    /// More hosts to accept, with or without a port, lower case.
    pub allowed_hosts: Vec<String>,
    /// Origins of browsers to accept, such as `https://app.example.com`, lower case.
    pub allowed_origins: Vec<String>,
    /// Whether plain tool calls are answered without the transport of the MCP SDK.
    pub plain_calls: bool,
    /// How long callers are still answered once the server stops; a second by default.
    pub linger: Duration,
}

/// An absolute `http` or `https` URL without query and without a slash at its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicBaseUrl(Url);

impl PublicBaseUrl {
    /// The URL, without a slash at its end.
    pub fn as_str(&self) -> &str {
        self.0.as_str().trim_end_matches('/')
    }

    /// The host alone.
    pub fn host(&self) -> &str {
        self.0.host_str().unwrap_or_default()
    }

    /// The port, also where it is the scheme's own.
    pub fn port(&self) -> u16 {
        self.0.port_or_known_default().unwrap_or_default()
    }

    /// The path, empty where there is none but `/`.
    pub fn path(&self) -> &str {
        self.0.path().trim_end_matches('/')
    }

    /// Whether it is reached by TLS.
    pub fn is_https(&self) -> bool {
        self.0.scheme() == "https"
    }

    /// The host, with the port where it is not the scheme's own.
    pub fn authority(&self) -> String {
        let host = self.0.host_str().unwrap_or_default();
        match self.0.port() {
            Some(port) => format!("{host}:{port}"),
            None => host.to_owned(),
        }
    }

    /// The origin, for example `https://example-mcp.example.com`.
    pub fn origin(&self) -> String {
        self.0.origin().ascii_serialization()
    }

    fn parse(text: &str) -> Result<Self, Fault> {
        let refused = |reason: &str| {
            Fault::new(
                format!("`PUBLIC_BASE_URL` is `{text}`, {reason}"),
                "set the origin under which clients reach this server, for example https://example-mcp.example.com",
            )
        };
        if text.contains(['<', '>']) {
            return Err(refused("which still holds a placeholder"));
        }
        let url = Url::parse(text).map_err(|_| refused("which is no URL"))?;
        if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none() {
            return Err(refused("which is no http or https address"));
        }
        if url.query().is_some()
            || url.fragment().is_some()
            || !url.username().is_empty()
            || url.password().is_some()
        {
            return Err(refused("which holds more than scheme, host, port and path"));
        }
        Ok(Self(url))
    }
}

impl fmt::Display for PublicBaseUrl {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

impl Http {
    pub(crate) fn read(source: &Source, faults: &mut Vec<Fault>) -> Self {
        let public_base_url = source
            .filled(&variables::PUBLIC_BASE_URL)
            .map(PublicBaseUrl::parse);
        Self {
            host: source
                .filled(&variables::MCP_HOST)
                .unwrap_or(variables::MCP_HOST.default)
                .to_owned(),
            port: port(source, faults),
            public_base_url: public_base_url
                .and_then(|url| url.map_err(|fault| faults.push(fault)).ok()),
            allowed_hosts: lower(source.list(&variables::FARCALL_ALLOWED_HOSTS)),
            allowed_origins: origins(source, faults),
            plain_calls: source.is_not_off(&variables::FARCALL_PLAIN_CALLS),
            linger: Reader { source, faults }
                .parsed(
                    &variables::FARCALL_LINGER,
                    units::duration,
                    "a duration",
                    "write a whole number and ms, s, m, h or d, for example 5s",
                )
                .unwrap_or(DEFAULT_LINGER),
        }
    }

    /// Reads this section alone, for what looks at a server from beside it.
    ///
    /// # Errors
    /// [`ConfigError`] with everything that is wrong with it.
    pub fn alone(source: &Source) -> Result<Self, ConfigError> {
        let mut faults = Vec::new();
        let http = Self::read(source, &mut faults);
        if faults.is_empty() {
            Ok(http)
        } else {
            Err(ConfigError(faults))
        }
    }

    /// The prefix of the URLs of files, where the configuration says it: of a port that the system
    /// chooses, only the server knows.
    pub fn files_at(source: &Source) -> Option<String> {
        let mut faults = Vec::new();
        let http = Self::read(source, &mut faults);
        match http.public_base_url {
            _ if !faults.is_empty() => None,
            Some(url) => Some(url.as_str().to_owned()),
            None => (http.port != 0).then(|| format!("http://127.0.0.1:{}", http.port)),
        }
    }

    /// Whether only this machine can reach the address.
    pub fn is_loopback(&self) -> bool {
        host::is_loopback(&self.host)
    }
}

fn port(source: &Source, faults: &mut Vec<Fault>) -> u16 {
    let chosen = [variables::MCP_PORT, variables::PORT];
    let found = chosen
        .iter()
        .find_map(|variable| Some((variable, source.filled(variable)?)));
    let Some((variable, text)) = found else {
        return 8900;
    };
    text.parse().unwrap_or_else(|_| {
        faults.push(Fault::new(
            format!("`{}` is `{text}`, which is no port", variable.name),
            "use a whole number from 0 to 65535",
        ));
        0
    })
}

fn origins(source: &Source, faults: &mut Vec<Fault>) -> Vec<String> {
    let listed = lower(source.list(&variables::FARCALL_ALLOWED_ORIGINS));
    for origin in &listed {
        let is_origin =
            Url::parse(origin).is_ok_and(|url| url.origin().ascii_serialization() == *origin);
        if !is_origin {
            faults.push(Fault::new(
                format!("`FARCALL_ALLOWED_ORIGINS` lists `{origin}`, which is no origin"),
                "write scheme, host and port only, for example https://app.example.com",
            ));
        }
    }
    listed
}

fn lower(list: Vec<String>) -> Vec<String> {
    list.into_iter()
        .map(|entry| entry.to_ascii_lowercase())
        .collect()
}
