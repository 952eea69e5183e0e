//! Parsers of what callers send, for the targets of `fuzz`.

use std::ops::Range;

use farcall_core::{clock::Timestamp, id::JobId};
use farcall_jobs::{LinkKeys, links::Opening};
use http::{HeaderMap, HeaderValue, header};

use crate::{
    auth::token,
    edge::{self, Guard},
    files, mcp,
};

/// Whether `body` reads the same for every parser of JSON, so that the SDK may see it.
pub fn is_unambiguous(body: &[u8]) -> bool {
    edge::check(body).is_ok()
}

/// Whether a request is answered without the SDK's transport, and so without the judgement of
/// [`is_unambiguous`].
pub fn is_plain(headers: &HeaderMap, body: &[u8]) -> bool {
    mcp::is_plain(headers, body)
}

/// Whether a server that nobody configured takes this value of `Host` for its own.
pub fn is_own_host(host: &str) -> bool {
    Guard::new().accepts_host(host)
}

/// Whether a token opens a server that knows the keys of `set`, at the end of 2026.
pub fn token_opens(set: &[u8], token: &str) -> bool {
    token::fuzzing::opens(set, token)
}

/// The query of the one link that was made to a file of a caller's.
pub fn signed_query() -> String {
    keys().query(&opening())
}

/// Whether a link with this query opens that file.
pub fn link_opens(query: &str) -> bool {
    let Opening {
        job, name, owner, ..
    } = opening();
    let link = files::link::Link::of(query);
    link.is_some_and(|link| link.opens(&keys(), job, name, owner, Timestamp(0)))
}

fn keys() -> LinkKeys {
    LinkKeys::new([7; 32], Some([8; 32]))
}

fn opening() -> Opening<'static> {
    Opening {
        job: JobId::from_random([1; 16]),
        name: Some("film.mp4"),
        owner: "alice",
        until: 1_790_000_000,
    }
}

/// The bytes of a file of `size` bytes that the value of a `Range` header asks for; empty where it
/// asks for nothing that exists.
pub fn range(value: HeaderValue, size: u64) -> Range<u64> {
    let headers = HeaderMap::from_iter([(header::RANGE, value)]);
    match files::range::requested(&headers, size) {
        files::range::Part::Whole => 0..size,
        files::range::Part::Bytes(bytes) => bytes,
        files::range::Part::Outside => 0..0,
    }
}
