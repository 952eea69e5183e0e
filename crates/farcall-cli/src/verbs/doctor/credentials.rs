//! What is sent to say who asks: from the environment and `.env`, by the names of variables; a value is never
//! printed.

use farcall_config::{Source, variables};
use http::header;
use secrecy::{ExposeSecret as _, SecretString};
use url::Url;

use super::finding::Finding;
use crate::{Failure, client::Endpoint};

const CHECK: &str = "credentials";

/// The two headers of a service token of Cloudflare Access.
pub(super) const ACCESS: [&str; 2] = ["cf-access-client-id", "cf-access-client-secret"];

/// Where a server is, and what it is sent.
pub(super) struct Sent {
    pub(super) endpoint: Endpoint,
    /// Where each header comes from, for people.
    pub(super) said: Vec<String>,
    /// What could not be sent.
    pub(super) findings: Vec<Finding>,
}

impl Sent {
    pub(super) fn has(&self, header: &str) -> bool {
        self.endpoint.headers().contains_key(header)
    }

    /// Whether anything says who asks.
    pub(super) fn is_somebody(&self) -> bool {
        !self.endpoint.headers().is_empty()
    }

    /// What is sent, as a finding.
    pub(super) fn finding(&self) -> Finding {
        if self.said.is_empty() {
            return Finding::ok(CHECK, "none are set here, so none are sent");
        }
        Finding::ok(CHECK, format!("sent are {}", self.said.join(", ")))
    }
}

/// Where headers may come from.
pub(super) struct Sources<'a> {
    /// The environment and `.env`.
    pub(super) source: &'a Source,
    /// Of the command line, `Name: value`, with `${NAME}` for what stays in the environment.
    pub(super) flags: &'a [SecretString],
    /// Of a hand-off, in the same form.
    pub(super) registered: &'a [(String, String)],
    /// What the server is called, where that is known.
    pub(super) name: Option<&'a str>,
    /// Whether the URL is that of the server that is configured here, so that it may have what is in `.env`.
    pub(super) is_own: bool,
}

/// The endpoint at `url` with everything that is there to be sent.
///
/// # Errors
/// A [`Failure`] where a flag is no header.
pub(super) fn read(url: &str, sources: &Sources<'_>) -> Result<Sent, Failure> {
    let mut sent = Sent {
        endpoint: Endpoint::new(url)?,
        said: Vec::new(),
        findings: Vec::new(),
    };
    for flag in sources.flags {
        let (name, value) = flag.expose_secret().split_once(':').ok_or_else(|| {
            Failure::usage("a --header is not of the form `Name: value`")
                .hint("quote it: --header 'CF-Access-Client-Id: ${EXAMPLE_CF_CLIENT_ID}'")
        })?;
        add(&mut sent, name, value.trim(), "--header", sources.source)?;
    }
    for (name, value) in sources.registered {
        if !sent.has(&name.to_ascii_lowercase()) {
            add(&mut sent, name, value, "the hand-off", sources.source)?;
        }
    }
    if !sent.has(header::AUTHORIZATION.as_str()) {
        bearer(&mut sent, sources)?;
    }
    if !ACCESS.iter().any(|header| sent.has(header)) {
        access(&mut sent, sources)?;
    }
    Ok(sent)
}

fn add(
    sent: &mut Sent,
    name: &str,
    value: &str,
    origin: &str,
    source: &Source,
) -> Result<(), Failure> {
    let looked_up = expanded(value, |name| source.named(name).map(str::to_owned));
    let (value, names) = match looked_up {
        Ok(found) => found,
        Err(missing) => {
            sent.findings.push(
                Finding::broken(CHECK, format!("`{missing}` is not set, so `{}` cannot be sent", name.trim()))
                    .cause(format!("{origin} names it, and neither the environment nor `.env` has it"))
                    .remedy(format!("export {missing}, or put it into `.env`; the operator of the server has the value")),
            );
            return Ok(());
        }
    };
    let line = SecretString::from(format!("{name}: {value}"));
    sent.endpoint = sent.endpoint.clone().header(&line)?;
    let origin = match names.first() {
        Some(_) => names
            .iter()
            .map(|name| format!("`{name}`"))
            .collect::<Vec<_>>()
            .join(" and "),
        None => origin.to_owned(),
    };
    sent.said.push(format!("`{}` of {origin}", name.trim()));
    Ok(())
}

fn bearer(sent: &mut Sent, sources: &Sources<'_>) -> Result<(), Failure> {
    let own = prefix(sources.name).map(|prefix| format!("{prefix}_MCP_TOKEN"));
    let names = [
        variables::FARCALL_TOKEN.name,
        variables::MCP_BEARER_TOKEN.name,
    ];
    let names = names.into_iter().map(str::to_owned).chain(own);
    for name in names {
        let is_in_environment = std::env::var_os(&name).is_some();
        let value = sources.source.named(&name).map(str::trim);
        let Some(value) = value.filter(|value| !value.is_empty()) else {
            continue;
        };
        // What `.env` says of the server here is nobody else's.
        if name == variables::MCP_BEARER_TOKEN.name && !is_in_environment && !sources.is_own {
            continue;
        }
        sent.endpoint = sent.endpoint.clone().bearer(value)?;
        sent.said.push(format!("`Authorization` of `{name}`"));
        return Ok(());
    }
    Ok(())
}

fn access(sent: &mut Sent, sources: &Sources<'_>) -> Result<(), Failure> {
    let own = prefix(sources.name).map(|prefix| format!("{prefix}_CF_CLIENT"));
    let prefixes = own.into_iter().chain(["CF_ACCESS_CLIENT".to_owned()]);
    for prefix in prefixes {
        let names = ["ID", "SECRET"].map(|part| format!("{prefix}_{part}"));
        let values = names
            .clone()
            .map(|name| sources.source.named(&name).map(str::to_owned));
        if values.iter().all(Option::is_none) {
            continue;
        }
        for ((header, name), value) in ["CF-Access-Client-Id", "CF-Access-Client-Secret"]
            .into_iter()
            .zip(&names)
            .zip(values)
        {
            match value {
                Some(value) => {
                    let line = SecretString::from(format!("{header}: {}", value.trim()));
                    sent.endpoint = sent.endpoint.clone().header(&line)?;
                    sent.said.push(format!("`{header}` of `{name}`"));
                }
                None => sent.findings.push(
                    Finding::broken(CHECK, format!("`{name}` is not set, so `{header}` cannot be sent"))
                        .cause("a service token of Cloudflare Access is two values, and one of them is here")
                        .remedy(format!("export {name}, or put it into `.env`")),
                ),
            }
        }
        return Ok(());
    }
    Ok(())
}

/// What the variables of a consumer begin with: the server's name in upper snake case, without `_MCP` at its end.
fn prefix(name: Option<&str>) -> Option<String> {
    let snake = farcall_server::connect::slug(name?)
        .replace('-', "_")
        .to_ascii_uppercase();
    Some(snake.strip_suffix("_MCP").unwrap_or(&snake).to_owned())
}

/// `text` with the values of `${NAME}`, `${env:NAME}` and `${NAME:-default}` in their places, and those names.
///
/// # Errors
/// The name that has no value.
pub(super) fn expanded(
    text: &str,
    look_up: impl Fn(&str) -> Option<String>,
) -> Result<(String, Vec<String>), String> {
    let (mut said, mut names, mut rest) = (String::new(), Vec::new(), text);
    while let Some((before, after)) = rest.split_once("${") {
        let Some((inner, behind)) = after.split_once('}') else {
            break;
        };
        said.push_str(before);
        let inner = inner.strip_prefix("env:").unwrap_or(inner);
        let (name, default) = match inner.split_once(":-") {
            Some((name, default)) => (name, Some(default.to_owned())),
            None => (inner, None),
        };
        let value = look_up(name).filter(|value| !value.is_empty());
        said.push_str(&value.or(default).ok_or_else(|| name.to_owned())?);
        names.push(name.to_owned());
        rest = behind;
    }
    said.push_str(rest);
    Ok((said, names))
}

/// Whether `url` is where the server of this configuration is: its public origin, or this machine.
pub(super) fn is_own(url: &str, public: Option<&str>) -> bool {
    let Ok(url) = Url::parse(url) else {
        return false;
    };
    is_loopback(&url)
        || public
            .and_then(|public| Url::parse(public).ok())
            .is_some_and(|public| public.origin() == url.origin())
}

/// Whether a URL leads to this very machine.
pub(super) fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(url::Host::Domain(name)) => name.eq_ignore_ascii_case("localhost"),
        Some(url::Host::Ipv4(address)) => address.is_loopback(),
        Some(url::Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_are_put_in_their_places() {
        let look_up = |name: &str| (name == "A").then(|| "1${B}".to_owned());
        for (text, expected) in [
            ("Bearer ${A}", Ok("Bearer 1${B}")),
            ("${env:A}${A}", Ok("1${B}1${B}")),
            ("${B:-x}", Ok("x")),
            ("${B}", Err("B")),
            ("a ${ b", Ok("a ${ b")),
            ("", Ok("")),
        ] {
            let said = expanded(text, look_up).map(|(said, _)| said);
            assert_eq!(said.as_deref().map_err(String::as_str), expected, "{text}");
        }
    }

    #[test]
    fn a_consumer_calls_its_variables_after_the_server() {
        for (name, expected) in [
            ("example-mcp", "EXAMPLE"),
            ("Render Farm", "RENDER_FARM"),
            ("mcp", "MCP"),
        ] {
            assert_eq!(prefix(Some(name)).as_deref(), Some(expected));
        }
    }

    #[test]
    fn the_own_server_is_at_its_public_origin_or_on_this_machine() {
        let public = Some("https://a.example.com");
        for (url, expected) in [
            ("https://a.example.com/mcp", true),
            ("http://127.0.0.1:8900/mcp", true),
            ("http://[::1]:1/mcp", true),
            ("https://a.example.com:444/mcp", false),
            ("https://b.example.com/mcp", false),
            ("http://a.example.com/mcp", false),
        ] {
            assert_eq!(is_own(url, public), expected, "{url}");
        }
    }
}
