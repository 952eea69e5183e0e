//! A server that runs, from what it says itself.

use farcall_server::connect::{Auth, Registration, Tool};
use secrecy::SecretString;

use crate::{
    Failure,
    client::{ConnectError, Connection, Endpoint, Wire},
};

/// One of the two headers that Cloudflare Access asks for.
const ACCESS: &str = "cf-access-client-id";

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
    let connection = connected(&endpoint).await?;
    let tools = connection.tools().await;
    let identity = connection.identity();
    connection.close().await;
    let tools = tools?.into_iter().map(|tool| Tool {
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
        auth: auth.unwrap_or_else(|| sent(&endpoint)),
        tools: Some(tools.collect()),
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

/// What it was let in with.
fn sent(endpoint: &Endpoint) -> Auth {
    if endpoint.headers().contains_key(ACCESS) {
        Auth::Access
    } else if endpoint.has_credentials() {
        Auth::Bearer
    } else {
        Auth::Open
    }
}
