//! What callers send.

use std::net::IpAddr;

use farcall_core::{fuzzing::variables, id::JobId};
use farcall_server::fuzzing::{
    is_own_host, is_plain, is_unambiguous, link_opens, range as bytes_of_range, signed_query,
};
use http::{HeaderMap, HeaderValue};
use serde_json::Value;
use url::{Host, Url};

use crate::choice;

/// Revisions and methods as headers say them; the first has none.
const HEADERS: [&[(&str, &str)]; 4] = [
    &[],
    &[("mcp-protocol-version", "2025-11-25")],
    &[
        ("mcp-protocol-version", "2026-07-28"),
        ("mcp-method", "tools/call"),
        ("mcp-name", "add"),
    ],
    &[
        ("mcp-protocol-version", "2026-07-28"),
        ("mcp-method", "tools/list"),
    ],
];

/// A host that a server takes for its own is this machine to a browser, too.
pub(crate) fn host(data: &[u8]) {
    let Ok(host) = str::from_utf8(data) else {
        return;
    };
    if !is_own_host(host) {
        return;
    }
    // What is no host to a browser is sent by none.
    let Ok(url) = Url::parse(&format!("http://{host}/")) else {
        return;
    };
    let is_loopback = match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => IpAddr::V4(address).is_loopback(),
        Some(Host::Ipv6(address)) => IpAddr::V6(address).to_canonical().is_loopback(),
        None => false,
    };
    assert!(is_loopback, "`{host}` is {url}");
}

/// What passes is one object that reads the same a second time, and the short way lets nothing pass
/// that the other one would refuse.
pub(crate) fn body(data: &[u8]) {
    let (choice, body) = choice(data);
    let mut headers = HeaderMap::new();
    headers.insert("content-type", HeaderValue::from_static("application/json"));
    for (name, value) in HEADERS[choice % HEADERS.len()] {
        headers.insert(*name, HeaderValue::from_static(value));
    }
    let is_unambiguous = is_unambiguous(body);
    if is_plain(&headers, body) {
        assert!(is_unambiguous, "the short way takes what is ambiguous");
    }
    if let (true, Ok(read)) = (is_unambiguous, serde_json::from_slice::<Value>(body)) {
        assert!(is_unambiguous_again(&read), "{read} is read twice");
    }
}

fn is_unambiguous_again(value: &Value) -> bool {
    serde_json::to_vec(value).is_ok_and(|body| is_unambiguous(&body))
}

/// A link opens its file where it says all that was signed, as it was signed; what stands beside it
/// changes nothing.
pub(crate) fn link(data: &[u8]) {
    let Ok(query) = str::from_utf8(data) else {
        return;
    };
    if link_opens(query) {
        let signed = signed_query();
        let is_whole = signed
            .split('&')
            .all(|part| query.split('&').any(|said| said == part));
        assert!(is_whole, "`{query}` opens a file");
    }
}

/// A part of a file lies within it.
pub(crate) fn range(data: &[u8]) {
    let (size, value) = choice(data);
    let (size, Ok(value)) = (size as u64, HeaderValue::from_bytes(value)) else {
        return;
    };
    let bytes = bytes_of_range(value, size);
    assert!(
        bytes.start <= bytes.end && bytes.end <= size,
        "{bytes:?} of {size}"
    );
}

/// What a template finds in a URI for a plain variable is one segment of a path, and nothing that
/// leads elsewhere.
pub(crate) fn uri(data: &[u8]) {
    let Ok(text) = str::from_utf8(data) else {
        return;
    };
    let (template, uri) = text
        .split_once('\n')
        .unwrap_or(("note://{id}/{part}", text));
    let Ok(Some(found)) = variables(template, uri) else {
        return;
    };
    for (name, value) in found {
        assert!(!value.is_empty(), "`{name}` is empty");
        if !template.contains(&format!("{{+{name}}}")) {
            let leads_elsewhere =
                matches!(value.as_str(), "." | "..") || value.contains(['/', '\\', '\0']);
            assert!(!leads_elsewhere, "`{name}` is {value:?}");
        }
    }
}

/// An id is written in one way.
pub(crate) fn job_id(data: &[u8]) {
    let Ok(text) = str::from_utf8(data) else {
        return;
    };
    if let Ok(id) = JobId::parse(text) {
        assert_eq!(id.to_string(), text);
    }
}
