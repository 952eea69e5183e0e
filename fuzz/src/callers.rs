//! What callers send.

use std::net::IpAddr;

use farcall_core::{fuzzing::variables, trace::TraceParent};
use farcall_server::{
    Networks,
    fuzzing::{Judged, client_address, is_own_host, is_unambiguous, judged, plain_call, sdk_call},
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

/// A place in a trace is taken exactly where its fields, taken apart in another way, are what W3C Trace Context
/// says; and what is passed on says the same.
pub(crate) fn trace(data: &[u8]) {
    let Ok(text) = str::from_utf8(data) else {
        return;
    };
    let is_hexadecimal = |field: &str, digits: usize| {
        let mut letters = field.chars();
        field.len() == digits && letters.all(|letter| "0123456789abcdef".contains(letter))
    };
    let is_id = |field: &str, digits: usize| {
        is_hexadecimal(field, digits) && field.contains(|digit: char| digit != '0')
    };
    let fields: Vec<_> = text.split('-').collect();
    let expected = match fields[..] {
        [version, trace, span, flags, ref rest @ ..] => {
            let is_version = is_hexadecimal(version, 2) && version != "ff";
            let is_whole = version != "00" || rest.is_empty();
            let are_ids = is_id(trace, 32) && is_id(span, 16);
            (is_version && is_whole && are_ids && is_hexadecimal(flags, 2))
                .then_some((trace, span, flags))
        }
        _ => None,
    };
    let place = TraceParent::parse(text);
    let Some((place, (trace, span, flags))) = place.zip(expected) else {
        assert_eq!(place.is_some(), expected.is_some(), "`{text}`");
        return;
    };
    assert_eq!(
        (place.trace_id().as_str(), place.span_id().as_str()),
        (trace, span)
    );
    let is_odd = u8::from_str_radix(flags, 16).is_ok_and(|flags| flags & 1 == 1);
    assert_eq!(place.is_sampled(), is_odd, "`{text}`");
    let written = place.to_string();
    assert_eq!(TraceParent::parse(&written), Some(place), "`{written}`");
    assert!(
        written.starts_with("00-") && written.len() == 55,
        "`{written}`"
    );
}

/// Only proxies are believed, and of what a proxy passes on nothing that stood there before it: whatever a
/// stranger puts in front of a list, or says beside it, changes no address but a proxy's.
pub(crate) fn forwarded(data: &[u8]) {
    let Ok(text) = str::from_utf8(data) else {
        return;
    };
    let mut lines = text.split('\n');
    let Some(Ok(peer)) = lines.next().map(str::parse::<IpAddr>) else {
        return;
    };
    let lists: Vec<_> = lines
        .filter_map(|list| HeaderValue::from_str(list).ok())
        .collect();
    let proxies = ["127.0.0.1/32", "10.0.0.0/8", "fd00::/8"];
    let proxies = Networks::new(proxies.iter().filter_map(|network| network.parse().ok()));
    let sent = |lists: &mut dyn Iterator<Item = HeaderValue>,
                also: &[(&'static str, &'static str)]| {
        let mut headers = HeaderMap::new();
        for (name, value) in also {
            headers.append(*name, HeaderValue::from_static(value));
        }
        for list in lists {
            headers.append("x-forwarded-for", list);
        }
        client_address(peer, &proxies, &headers)
    };
    let address = sent(&mut lists.iter().cloned(), &[]);
    assert_eq!(address, address.to_canonical(), "an address in two forms");
    if !proxies.contain(peer) {
        assert_eq!(address, peer.to_canonical(), "a stranger is believed");
    } else if !proxies.contain(address) {
        let forged = [
            ("x-forwarded-for", "198.51.100.9"),
            ("cf-connecting-ip", "198.51.100.8"),
        ];
        let again = sent(&mut lists.iter().cloned(), &forged);
        assert_eq!(again, address, "what stands in front of a list counts");
    }
}

/// What is judged is what runs: of a body that passes, whoever reads it reads the same, and the short way
/// lets nothing pass that the other one would refuse.
pub(crate) fn body(data: &[u8]) {
    let (choice, body) = choice(data);
    let mut headers = HeaderMap::new();
    headers.insert("content-type", HeaderValue::from_static("application/json"));
    for (name, value) in HEADERS[choice % HEADERS.len()] {
        headers.insert(*name, HeaderValue::from_static(value));
    }
    let is_unambiguous = is_unambiguous(body);
    let plain = plain_call(&headers, body);
    if plain.is_some() {
        assert!(is_unambiguous, "the short way takes what is ambiguous");
    }
    if !is_unambiguous {
        return;
    }
    if let Ok(read) = serde_json::from_slice::<Value>(body) {
        assert_eq!(
            keys(body),
            keys(read.to_string().as_bytes()),
            "a key is there twice"
        );
        if let Some(name) = plain.as_deref().filter(|name| !name.is_empty()) {
            let said = read.pointer("/params/name").and_then(Value::as_str);
            assert_eq!(said, Some(name), "the short way");
        }
    }
    for called in [plain.filter(|name| !name.is_empty()), sdk_call(body)] {
        let Some(name) = called else { continue };
        // Whose scopes are looked at is told what it is that may not be sent.
        if judged(body) != Judged::Nothing {
            assert_eq!(judged(body), Judged::Call(name), "what runs is judged");
        }
    }
}

/// How many keys all objects of a JSON text have: each has a colon, and so has nothing else outside of texts.
fn keys(json: &[u8]) -> usize {
    let (mut keys, mut is_in_text, mut is_escaped) = (0, false, false);
    for byte in json {
        match byte {
            _ if is_escaped => is_escaped = false,
            b'\\' => is_escaped = true,
            b'"' => is_in_text = !is_in_text,
            b':' if !is_in_text => keys += 1,
            _ => {}
        }
    }
    keys
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
