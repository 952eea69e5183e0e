//! Parsers of what callers send, for the targets of `fuzz`.

use std::{net::IpAddr, ops::Range};

use farcall_core::{artifact::Artifact, clock::Timestamp, id::JobId};
use farcall_jobs::{LinkKeys, links::Opening};
use http::{HeaderMap, HeaderValue, header};

use crate::{
    auth::{access, named, token},
    edge::{self, ClientAddress, Guard, Networks},
    files, mcp,
};

pub use crate::mcp::fuzzing::Judged;

/// Whether `body` reads the same for every parser of JSON, so that the SDK may see it.
pub fn is_unambiguous(body: &[u8]) -> bool {
    edge::check(body).is_ok()
}

/// The tool that a request calls which is answered without the SDK's transport, and so without the judgement of
/// [`is_unambiguous`]; empty of a list of tools, `None` of every other request.
pub fn plain_call(headers: &HeaderMap, body: &[u8]) -> Option<String> {
    mcp::fuzzing::plain_call(headers, body)
}

/// The tool that a body calls where the SDK reads it.
pub fn sdk_call(body: &[u8]) -> Option<String> {
    mcp::fuzzing::sdk_call(body)
}

/// As what limits and scopes judge a body.
pub fn judged(body: &[u8]) -> Judged {
    mcp::fuzzing::judged(body)
}

/// For whom a request counts that came from `peer` with these headers.
pub fn client_address(peer: IpAddr, proxies: &Networks, headers: &HeaderMap) -> IpAddr {
    ClientAddress::of(peer, proxies, headers).address()
}

/// Whether a server that nobody configured takes this value of `Host` for its own.
pub fn is_own_host(host: &str) -> bool {
    Guard::new().accepts_host(host)
}

/// Whether a token opens a server that knows the keys of `set`, at the end of 2026.
pub fn token_opens(set: &[u8], token: &str) -> bool {
    token::fuzzing::opens(set, token)
}

/// Whose request it is that has these headers, where the two callers `ann` and `bob` have tokens: `fc_`, the
/// letter of the name twelve times, `_`, and the same letter 43 times. Two more tokens of `bob` are over.
pub fn named_caller(headers: &HeaderMap) -> Option<String> {
    named::fuzzing::caller_of(headers)
}

/// Whom Cloudflare Access let through with `assertion`, where the keys of `set` are its own.
pub fn access_caller(set: &[u8], assertion: &str) -> Option<String> {
    access::fuzzing::caller(set, assertion)
}

/// As what a file of this name is sent.
pub fn disposition(name: &str) -> String {
    let artifact = Artifact::new(name, "", 0, "", "");
    files::disposition(JobId::from_random([1; 16]), &artifact)
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
