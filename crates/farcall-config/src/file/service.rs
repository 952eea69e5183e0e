//! HTTP services, and requests to them.

use std::{collections::BTreeMap, path::PathBuf, time::Duration};

use secrecy::SecretString;
use url::Url;

use super::Piece;

/// An HTTP service.
#[derive(Clone, Debug)]
pub struct Service {
    /// Where it is; the host in it may be reached even if it is a private address.
    pub base_url: Url,
    /// Headers of every request, with `${NAME}` already filled in; may hold secrets.
    pub headers: BTreeMap<String, SecretString>,
    /// How long one request may take, 10 seconds by default.
    pub timeout: Duration,
    /// The most bytes of an answer, 1 MiB by default.
    pub max_answer: u64,
    /// Names, addresses and networks that it may lead to although they are not public.
    pub allowed_addresses: Vec<String>,
    /// What is taken over from its description.
    pub openapi: Option<OpenApi>,
}

/// A request to a service.
#[derive(Clone, Debug)]
pub struct Request {
    /// The name of the service.
    pub service: String,
    /// The method.
    pub method: Method,
    /// Segments of the path after the base URL; each becomes one segment, whatever callers say.
    pub path: Vec<Vec<Piece>>,
    /// The query, in the order of the file; a pair whose only placeholder was left out is left out.
    pub query: Vec<(String, Vec<Piece>)>,
    /// Parameters that are sent as one JSON object; all that are named nowhere else where it is
    /// `None` and the method has a body.
    pub body: Option<Vec<String>>,
    /// The part of the answer that is the result: an RFC 6901 pointer.
    pub pointer: Option<String>,
    /// How the end of slow work is awaited; only of jobs.
    pub upstream: Option<Upstream>,
}

/// The methods of requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "RFC 9110 says it")]
pub enum Method {
    Delete,
    Get,
    Patch,
    Post,
    Put,
}

/// Slow work of a service: its first answer names a URL that is polled until the work is done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Upstream {
    /// The pointer to the status URL in the first answer.
    pub status_url: String,
    /// The pointer to the state in an answer of that URL.
    pub state: String,
    /// States that mean success.
    pub done: Vec<String>,
    /// States that mean failure.
    pub failed: Vec<String>,
    /// The pointer to a fraction from 0 to 1 in an answer, where there is one.
    pub progress: Option<String>,
    /// The pointer to the result in the last answer.
    pub result: Option<String>,
    /// The pause between two polls, 2 seconds by default.
    pub interval: Duration,
}

/// What is taken over from an OpenAPI 3 document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenApi {
    /// The document, an absolute path.
    pub document: PathBuf,
    /// Operations by their `operationId`; all where both lists are empty.
    pub operations: Vec<String>,
    /// Operations by a tag.
    pub tags: Vec<String>,
    /// Other names, by `operationId`.
    pub names: BTreeMap<String, String>,
    /// Other descriptions, by `operationId`.
    pub descriptions: BTreeMap<String, String>,
}

/// Headers that belong to the connection, or follow from the request, in small letters.
const OWN_HEADERS: [&str; 10] = [
    "connection",
    "content-length",
    "expect",
    "host",
    "keep-alive",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

/// Whether nobody sets this header: it belongs to the connection, or follows from the request.
pub fn is_own_header(name: &str) -> bool {
    OWN_HEADERS.iter().any(|own| own.eq_ignore_ascii_case(name))
}
