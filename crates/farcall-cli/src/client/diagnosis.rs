//! Finds out why a server and a client do not come together.
//!
//! The SDK keeps neither the status nor the words of a server that refuses, so the first request
//! of a conversation is made once more, by hand.

use std::{error::Error, io, time::Duration};

use http::{StatusCode, header};
use reqwest::Response;
use serde_json::{Value, json};
use url::Url;

use super::{
    Endpoint, Wire, one_line,
    text::{shortened, shown},
    without_query,
};
use crate::Failure;

/// How long the second asking may take.
const TIMEOUT: Duration = Duration::from_secs(10);

/// The most bytes of an answer that are read.
const MAX_ANSWER: usize = 64 << 10;

/// What came back.
pub(crate) enum Finding {
    /// An answer of the protocol.
    Answer,
    /// An error of the protocol: what the server says.
    Refusal(String),
    /// Neither, or nothing at all.
    Trouble {
        failure: Failure,
        /// The status of what did come back.
        status: Option<StatusCode>,
    },
}

/// Sends the first request of a conversation, and judges what comes back.
pub(crate) async fn ask(endpoint: &Endpoint, wire: Wire) -> Finding {
    let trouble = |failure| Finding::Trouble {
        failure,
        status: None,
    };
    let http = match Endpoint::http_client(endpoint.url()) {
        Ok(http) => http,
        Err(failure) => return trouble(failure),
    };
    let request = http
        .post(endpoint.url().clone())
        .headers(endpoint.headers().clone())
        .header(header::ACCEPT, "application/json, text/event-stream")
        .timeout(TIMEOUT);
    let request = match wire {
        Wire::Stateless => request
            .header("mcp-protocol-version", wire.to_string())
            .header("mcp-method", "server/discover"),
        Wire::Handshake => request,
    };
    match request.json(&first_request(wire)).send().await {
        Ok(response) => judged(endpoint, response).await,
        Err(error) => trouble(unreachable(endpoint.url(), &error)),
    }
}

/// Why a request got no response.
pub(crate) fn unreachable(url: &Url, error: &reqwest::Error) -> Failure {
    let place = shown(url);
    let chain = chain(error);
    let text = chain.iter().map(ToString::to_string).collect::<Vec<_>>();
    let has = |word: &str| text.iter().any(|text| text.contains(word));
    let is = |kind| {
        let errors = chain
            .iter()
            .filter_map(|error| error.downcast_ref::<io::Error>());
        errors.into_iter().any(|error| error.kind() == kind)
    };
    // No name is longer (RFC 1035 section 2.3.4).
    let host = shortened(url.host_str().unwrap_or_default(), 253);
    if is(io::ErrorKind::ConnectionRefused) {
        return Failure::failed(format!("nobody listens at `{place}`: connection refused"))
            .hint("is the server running, and is this its port?");
    }
    if error.is_timeout() {
        return Failure::failed(format!("`{place}` does not answer in time"))
            .hint("is the address right, and does every firewall on the way let it through?");
    }
    if has("dns error") {
        return Failure::failed(format!("the name `{host}` cannot be resolved"))
            .hint("is it spelt right? a new DNS record or tunnel needs a minute to be known");
    }
    if has("certificate") {
        return Failure::failed(format!(
            "the TLS certificate of `{host}` is not accepted: {}",
            innermost(error)
        ))
        .hint(
            "it must be valid for this name, and issued by an authority that this machine trusts",
        );
    }
    if has("InvalidContentType") || has("corrupt message") {
        return Failure::failed(format!("`{place}` does not speak TLS"))
            .hint("write http:// where the server has no certificate of its own");
    }
    Failure::failed(format!(
        "`{place}` gives no HTTP answer: {}",
        innermost(error)
    ))
    .hint("is this an HTTP server, and does its port speak TLS (https) or not (http)?")
}

/// What is wrong with a response by its status, the server's own words included.
pub(crate) fn refused(
    endpoint: &Endpoint,
    place: &Url,
    status: StatusCode,
    location: Option<&str>,
    words: &str,
) -> Failure {
    let shown = shown(place);
    let words = match words {
        "" => String::new(),
        words => format!(": {}", one_line(&endpoint.scrubbed(words))),
    };
    let failure = Failure::failed(format!("`{shown}` answers {status}{words}"));
    let hint = match status {
        StatusCode::UNAUTHORIZED if !endpoint.has_credentials() => {
            "put the server's token into FARCALL_TOKEN, or send --header 'Authorization: …'"
        }
        StatusCode::UNAUTHORIZED => {
            "the token that was sent is not the server's; compare FARCALL_TOKEN or MCP_BEARER_TOKEN with it"
        }
        StatusCode::FORBIDDEN => {
            "a farcall server checks Host and Origin (FARCALL_ALLOWED_HOSTS, FARCALL_ALLOWED_ORIGINS); an edge may want headers of its own (--header)"
        }
        StatusCode::NOT_FOUND | StatusCode::METHOD_NOT_ALLOWED
            if !place.path().ends_with("/mcp") =>
        {
            "the path of an MCP endpoint is usually /mcp"
        }
        StatusCode::NOT_FOUND | StatusCode::METHOD_NOT_ALLOWED => {
            "is this the right host and port? another program may listen there"
        }
        status if status.is_redirection() => return redirected(endpoint, failure, location),
        StatusCode::BAD_GATEWAY | StatusCode::SERVICE_UNAVAILABLE | StatusCode::GATEWAY_TIMEOUT => {
            "a proxy or tunnel may be up while the server behind it is not"
        }
        status if status.is_server_error() => "the operator finds the cause in the server's log",
        _ => return failure,
    };
    failure.hint(hint)
}

/// The last cause of an error, which is the one that says something.
pub(crate) fn innermost(error: &(dyn Error + 'static)) -> String {
    chain(error)
        .last()
        .map(|error| one_line(&error.to_string()))
        .unwrap_or_default()
}

fn chain<'a>(error: &'a (dyn Error + 'static)) -> Vec<&'a (dyn Error + 'static)> {
    std::iter::successors(Some(error), |&error| {
        // An `io::Error` that only wraps another one hides it from `source`.
        let wrapped = error
            .downcast_ref::<io::Error>()
            .and_then(io::Error::get_ref)
            .map(|wrapped| wrapped as &(dyn Error + 'static));
        wrapped.or_else(|| error.source())
    })
    .collect()
}

fn first_request(wire: Wire) -> Value {
    let client = json!({"name": "farcall", "version": env!("CARGO_PKG_VERSION")});
    match wire {
        Wire::Stateless => json!({
            "jsonrpc": "2.0",
            "id": 1,
            "method": "server/discover",
            "params": {"_meta": {
                "io.modelcontextprotocol/protocolVersion": wire.to_string(),
                "io.modelcontextprotocol/clientInfo": client,
                "io.modelcontextprotocol/clientCapabilities": {},
            }},
        }),
        Wire::Handshake => json!({
            "jsonrpc": "2.0",
            "id": 1,
            "method": "initialize",
            "params": {
                "protocolVersion": wire.to_string(),
                "clientInfo": client,
                "capabilities": {},
            },
        }),
    }
}

async fn judged(endpoint: &Endpoint, response: Response) -> Finding {
    let status = response.status();
    let text_of = |name| {
        let value = response.headers().get(name);
        value
            .and_then(|value: &http::HeaderValue| value.to_str().ok())
            .map(str::to_owned)
    };
    let media_type = text_of(header::CONTENT_TYPE).unwrap_or_default();
    let location = text_of(header::LOCATION);
    if status.is_success() && media_type.starts_with("text/event-stream") {
        return Finding::Answer;
    }
    let body = text(response).await;
    let json: Value = serde_json::from_str(&body).unwrap_or_default();
    let is_json_rpc = json.get("jsonrpc").is_some();
    let words = words(&json, &body, &media_type);
    if is_json_rpc && !matches!(status, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN) {
        return match json.get("error") {
            Some(_) if status.is_server_error() => Finding::Trouble {
                failure: refused(endpoint, endpoint.url(), status, None, &words),
                status: Some(status),
            },
            Some(_) => Finding::Refusal(one_line(&endpoint.scrubbed(&words))),
            None => Finding::Answer,
        };
    }
    let failure = if status.is_success() {
        let what = if media_type.is_empty() {
            "no media type"
        } else {
            &media_type
        };
        Failure::failed(format!(
            "`{endpoint}` answers, but not as an MCP server ({status}, {})",
            one_line(what)
        ))
        .hint("is this the URL of the MCP endpoint? its path is usually /mcp")
    } else {
        refused(
            endpoint,
            endpoint.url(),
            status,
            location.as_deref(),
            &words,
        )
    };
    Finding::Trouble {
        failure,
        status: Some(status),
    }
}

fn redirected(endpoint: &Endpoint, failure: Failure, location: Option<&str>) -> Failure {
    let target = location.and_then(|location| Url::parse(location).ok());
    match target {
        Some(url) if url.host_str().is_some_and(|host| host.ends_with(".cloudflareaccess.com")) => {
            failure.hint("Cloudflare Access wants a service token: --header 'CF-Access-Client-Id: …' --header 'CF-Access-Client-Secret: …'")
        }
        Some(url) => failure.hint(format!(
            "redirects are not followed; if it is yours, give this URL: {}",
            one_line(&endpoint.scrubbed(&without_query(&url)))
        )),
        None => failure.hint("redirects are not followed; give the URL that answers itself"),
    }
}

/// What a server says in an error: JSON-RPC's message, `{"error": …}`, a problem of RFC 9457, or plain text.
pub(crate) fn words(json: &Value, body: &str, media_type: &str) -> String {
    let error = json.get("error");
    let message = error.and_then(|error| error.get("message")).or(error);
    let problem = ["title", "detail"].map(|part| json.get(part).and_then(Value::as_str));
    match message.and_then(Value::as_str) {
        Some(message) => message.to_owned(),
        None if problem[0].is_some() => {
            problem.into_iter().flatten().collect::<Vec<_>>().join(": ")
        }
        None if media_type.starts_with("text/plain") => body.to_owned(),
        None => String::new(),
    }
}

/// The same of a whole response.
pub(crate) async fn words_of(response: Response) -> String {
    let media_type = response.headers().get(header::CONTENT_TYPE);
    let media_type = media_type.and_then(|value| value.to_str().ok());
    let media_type = media_type.unwrap_or_default().to_owned();
    let body = text(response).await;
    let json = serde_json::from_str(&body).unwrap_or_default();
    words(&json, &body, &media_type)
}

/// The beginning of a body, as text.
pub(crate) async fn text(mut response: Response) -> String {
    let mut body = Vec::new();
    while body.len() < MAX_ANSWER
        && let Ok(Some(chunk)) = response.chunk().await
    {
        body.extend_from_slice(&chunk);
    }
    String::from_utf8_lossy(&body).into_owned()
}
