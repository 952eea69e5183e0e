//! The hops from a client to the server: name, certificate, what stands in front, and then the protocol to its end.

mod certificate;
mod edge;
mod guard;
mod hole;
mod name;
mod proof;
mod speaks;
mod stream;

use std::time::Duration;

use http::header;
use serde_json::{Value, json};
use url::Url;

use super::{
    asked::{self, Answer},
    credentials::Sent,
    finding::{Chart, Finding},
    machine::{self, Machine},
};
use crate::{client::is_loopback, verbs::smoke::Wanted};

/// How long one step may take.
const STEP: Duration = Duration::from_secs(10);

/// Where a server is to be reached, and what is to be tried there.
pub(super) struct Walk<'a> {
    pub(super) sent: &'a Sent,
    pub(super) wanted: &'a Wanted,
    /// What is configured here, where the server is this machine's.
    pub(super) machine: Option<&'a Machine>,
    /// Tools that a consumer lists.
    pub(super) enabled: Option<&'a [String]>,
    /// How long a stream is watched that says nothing.
    pub(super) idle: Option<Duration>,
    /// How long a job may take.
    pub(super) give_up_after: Duration,
}

impl Walk<'_> {
    fn url(&self) -> &Url {
        self.sent.endpoint.url()
    }

    /// What lies beside the endpoint, below the same prefix, for people and for requests.
    fn beside(&self, path: &str) -> Url {
        let mut url = self.url().clone();
        let endpoint = url.path().trim_end_matches('/');
        let prefix = endpoint.strip_suffix("/mcp").unwrap_or_default();
        url.set_path(&format!("{prefix}{path}"));
        url.set_query(None);
        url
    }

    /// Whether the URL leads to this machine alone.
    fn is_local(&self) -> bool {
        is_loopback(self.url())
    }

    /// A request to the endpoint, with or without what says who asks.
    fn post(
        &self,
        is_somebody: bool,
        message: &Value,
        limit: Duration,
    ) -> Result<reqwest::RequestBuilder, String> {
        let request = asked::client(self.url(), limit)?
            .post(self.url().clone())
            .header(header::ACCEPT, "application/json, text/event-stream")
            .json(message);
        Ok(if is_somebody {
            request.headers(self.sent.endpoint.headers().clone())
        } else {
            request
        })
    }

    /// What a request of 2026-07-28 is answered.
    async fn asked(&self, is_somebody: bool, method: &str) -> Result<Answer, String> {
        let request = self.post(is_somebody, &message(method, json!({})), STEP)?;
        asked::answer(stateless(request, method)).await
    }
}

/// The first message of 2025-11-25.
fn handshake() -> Value {
    json!({
        "jsonrpc": "2.0", "id": 1, "method": "initialize",
        "params": {
            "protocolVersion": "2025-11-25",
            "clientInfo": {"name": "farcall", "version": env!("CARGO_PKG_VERSION")},
            "capabilities": {},
        },
    })
}

/// A message of 2026-07-28.
fn message(method: &str, mut params: Value) -> Value {
    params["_meta"] = json!({
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientInfo": {"name": "farcall", "version": env!("CARGO_PKG_VERSION")},
        "io.modelcontextprotocol/clientCapabilities": {"extensions": {"io.modelcontextprotocol/tasks": {}}},
    });
    json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params})
}

fn stateless(request: reqwest::RequestBuilder, method: &str) -> reqwest::RequestBuilder {
    request
        .header("mcp-protocol-version", "2026-07-28")
        .header("mcp-method", method)
}

/// How far a request comes.
enum Reached {
    /// A server that lets in whoever logs in, as a client does by itself.
    Gate,
    /// Something is broken that all other hops are behind.
    Nobody,
    /// A server that lets this caller in.
    Server,
}

/// Looks at every hop until one is broken that all others are behind.
pub(super) async fn look(walk: &Walk<'_>, chart: &mut Chart) {
    for finding in &walk.sent.findings {
        chart.add(finding.clone());
    }
    if let Some(finding) = other_than_configured(walk) {
        chart.add(finding);
    }
    let lets_in = match reached(walk, chart).await {
        Reached::Gate => false,
        Reached::Server => true,
        Reached::Nobody => {
            let rest = "the hops behind it were not looked at";
            let remedy = "call this again when that is repaired";
            chart.add(Finding::unverified("path", rest).remedy(remedy));
            return;
        }
    };
    proof::look(walk, chart).await;
    guard::look(walk, chart).await;
    if lets_in {
        speaks::look(walk, chart).await;
    } else {
        let remedy = "call this again with a token of that server, see `edge auth`";
        speaks::left_out(walk, remedy, chart).await;
    }
}

/// Everything without which there is nothing to talk to.
async fn reached(walk: &Walk<'_>, chart: &mut Chart) -> Reached {
    let Some(stream) = name::look(walk.url(), chart).await else {
        return Reached::Nobody;
    };
    if walk.url().scheme() == "https" {
        let (finding, is_trusted) = certificate::look(walk.url(), stream).await;
        chart.add(finding);
        if !is_trusted {
            return Reached::Nobody;
        }
    }
    edge::look(walk, chart).await
}

/// A URL that the server here does not say is its own.
fn other_than_configured(walk: &Walk<'_>) -> Option<Finding> {
    let machine = walk.machine?;
    let public = machine.config.http.public_base_url.as_ref();
    let own = [
        public.map(|url| url.as_str().to_owned()),
        Some(machine::local_url(&machine.config)),
    ];
    let is_own =
        |own: &String| Url::parse(own).is_ok_and(|own| own.origin() == walk.url().origin());
    if own.iter().flatten().any(is_own) {
        return None;
    }
    let said = match public {
        Some(url) => format!(
            "`PUBLIC_BASE_URL` here is `{url}`, and this looks at `{}`",
            walk.sent.endpoint
        ),
        None => format!(
            "`PUBLIC_BASE_URL` is not set here, and this looks at `{}`",
            walk.sent.endpoint
        ),
    };
    let origin = walk.url().origin().ascii_serialization();
    Some(
        Finding::warning("public URL", said)
            .cause("links to files begin with what PUBLIC_BASE_URL says, and no other `Host` is served")
            .remedy(format!("set PUBLIC_BASE_URL={origin} where this is the address of the server here; where it is another server, call this elsewhere or with --only url")),
    )
}
