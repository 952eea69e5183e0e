//! A server that runs, from what it says itself.

use farcall_server::connect::{Auth, Registration, Tool};
use http::{HeaderName, header};
use secrecy::SecretString;

use crate::{
    Failure,
    client::{ConnectError, Connection, Endpoint, ListedTool, Wire},
};

/// The two headers that Cloudflare Access asks for.
const ACCESS: [&str; 2] = ["cf-access-client-id", "cf-access-client-secret"];

/// What the server at `url` offers to who sends `headers`.
///
/// # Errors
/// A [`Failure`] where the URL is none that can be handed over, or the server there does not list its tools.
pub(super) async fn registration(
    url: &str,
    headers: &[SecretString],
    auth: Option<Auth>,
) -> Result<Registration, Failure> {
    let endpoint = Endpoint::new(url)?.with_credentials(headers)?;
    if endpoint.url().query().is_some() || endpoint.url().fragment().is_some() {
        return Err(Failure::usage(
            "the URL has a query, which may hold a secret, and a block holds none",
        )
        .hint("give the URL without it; what it says travels in a --header"));
    }
    let auth = match auth {
        Some(auth) => auth,
        None => sent(&endpoint)?,
    };
    let connection = connected(&endpoint).await?;
    let tools = connection.tools().await;
    let identity = connection.identity();
    connection.close().await;
    let tools = tools?;
    let starts = tools.iter().filter(|tool| tool.name.starts_with("start_"));
    let keeps_contract = starts.into_iter().all(takes_a_key);
    let tools = tools.into_iter().map(|tool| Tool {
        name: tool.name,
        description: tool.description.unwrap_or_default(),
    });
    let (name, version, title) = identity.unwrap_or_else(|| {
        let host = endpoint.url().host_str().unwrap_or_default();
        (host.to_owned(), "unknown".to_owned(), None)
    });
    Ok(Registration {
        name,
        version,
        title,
        url: endpoint.url().to_string(),
        auth,
        tools: Some(tools.collect()),
        keeps_contract,
    })
}

/// In the newest version of the protocol that it speaks.
async fn connected(endpoint: &Endpoint) -> Result<Connection, Failure> {
    match Connection::open(endpoint, Wire::Stateless).await {
        Ok(connection) => Ok(connection),
        Err(ConnectError::NotSpoken(_)) => Ok(Connection::open(endpoint, Wire::Handshake).await?),
        Err(error) => Err(error.into()),
    }
}

/// Whether a job that it starts is one of ours: those are the same when they are started twice under one key.
fn takes_a_key(start: &ListedTool) -> bool {
    let properties = start.input_schema.get("properties");
    properties.is_some_and(|properties| properties.get("idempotency_key").is_some())
}

/// What it is let in with.
///
/// # Errors
/// A [`Failure`] where it is sent something else than what callers are known to send.
fn sent(endpoint: &Endpoint) -> Result<Auth, Failure> {
    let mut names: Vec<_> = endpoint.headers().keys().map(HeaderName::as_str).collect();
    names.sort_unstable();
    match names[..] {
        [] => Ok(Auth::Open),
        ["authorization"] if is_bearer(endpoint) => Ok(Auth::Bearer),
        [id, secret] if [id, secret] == ACCESS => Ok(Auth::Access),
        _ => Err(Failure::usage(format!(
            "no block can be told from the headers that were sent (`{}`)",
            names.join("`, `")
        ))
        .hint("say what callers are to send: --auth cloudflare, bearer, oauth or none")),
    }
}

fn is_bearer(endpoint: &Endpoint) -> bool {
    let value = endpoint.headers().get(header::AUTHORIZATION);
    let value = value.and_then(|value| value.to_str().ok());
    let scheme = value.and_then(|value| value.split_once(' '));
    scheme.is_some_and(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
}
