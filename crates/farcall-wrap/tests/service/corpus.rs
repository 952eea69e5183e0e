//! What callers say to break out of the place that a template gives them.

mod values;

use std::collections::BTreeSet;

use farcall_config::file::{Method, Presence};
use serde_json::json;

use self::values::corpus;
use crate::{
    declare::{call, parameter, pieces, request, service, text, tool},
    probe::{Probe, Received},
};

/// What is put into a place is decoded by the rules of RFC 3986 alone.
fn decode(text: &str) -> Option<String> {
    let mut decoded = Vec::new();
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        match byte {
            b'%' => {
                let digits = [bytes.next()?, bytes.next()?];
                let digits = std::str::from_utf8(&digits).ok()?;
                decoded.push(u8::from_str_radix(digits, 16).ok()?);
            }
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                decoded.push(byte);
            }
            _ => return None,
        }
    }
    String::from_utf8(decoded).ok()
}

/// Nothing but what the template says, around the one value.
fn assert_nothing_else(received: &Received, probe: &Probe, has_body: bool) {
    let host = format!("127.0.0.1:{}", probe.port);
    assert_eq!(received.header("host"), Some(host.as_str()));
    assert_eq!(received.header("x-key"), Some("s3cret"));
    assert_eq!(received.header("accept"), Some("application/json"));
    let mut names = vec!["accept", "host", "user-agent", "x-key"];
    if has_body {
        names.extend(["content-length", "content-type"]);
    }
    names.sort_unstable();
    assert_eq!(received.names(), names);
}

#[test]
fn the_corpus_is_large_and_every_entry_is_of_a_class() {
    let corpus = corpus();
    let different: BTreeSet<_> = corpus.iter().map(|(_, value)| value).collect();
    assert!(different.len() >= 200, "{}", different.len());
    // Each stands in a path, a query and a body.
    assert!(3 * different.len() >= 600);
    assert!(corpus.iter().all(|(class, _)| !class.is_empty()));
}

#[tokio::test]
async fn a_path_stays_one_segment_or_is_refused() {
    let probe = Probe::start().await;
    let request = request(Method::Get, "/v1/things/{value}/detail");
    let parameters = vec![parameter("value", text(), Presence::Required)];
    let tool = tool(service(&probe.url("/base/")), request, parameters);
    for (class, value) in corpus() {
        let outcome = call(&tool, json!({"value": value})).await;
        let is_refused = match class {
            "control" | "dot segment" | "empty" | "nul" | "too long" | "too long for a URL" => true,
            "line ends" => !matches!(&*value, "\u{2028}" | "\u{2029}" | "a\u{2028}b"),
            _ => false,
        };
        if is_refused {
            let Err(problem) = outcome else {
                panic!("{class}: {value:.64?}");
            };
            let sentence = problem.public_message();
            assert!(
                problem.cause().is_none() && sentence.len() < 300,
                "{sentence}"
            );
            assert_eq!(probe.received().len(), 0, "{class}: {value:.64?}");
            continue;
        }
        outcome.unwrap_or_else(|problem| panic!("{class}: {value:.64?}: {problem}"));
        let received = probe.only();
        let segment = received
            .line
            .strip_prefix("GET /base/v1/things/")
            .and_then(|rest| rest.strip_suffix("/detail HTTP/1.1"));
        assert_eq!(
            segment.and_then(decode),
            Some(value.clone()),
            "{class}: {}",
            received.line
        );
        assert!(received.body.is_empty());
        assert_nothing_else(&received, &probe, false);
    }
}

#[tokio::test]
async fn a_query_stays_one_value() {
    let probe = Probe::start().await;
    let mut request = request(Method::Get, "/search");
    request.query = vec![
        ("q".to_owned(), pieces("{value}")),
        ("mixed".to_owned(), pieces("a{value}b")),
        ("fixed".to_owned(), pieces("1")),
    ];
    let parameters = vec![parameter("value", text(), Presence::Required)];
    let tool = tool(service(&probe.url("")), request, parameters);
    for (class, value) in corpus() {
        let outcome = call(&tool, json!({"value": value})).await;
        if class.starts_with("too long") || value.contains('\0') {
            assert!(outcome.is_err(), "{class}: {value:.64?}");
            assert_eq!(probe.received().len(), 0, "{class}: {value:.64?}");
            continue;
        }
        if let Err(problem) = outcome {
            // Twice what fits once.
            assert!(value.len() > 5_000, "{class}: {value:.64?}: {problem}");
            continue;
        }
        let received = probe.only();
        let query = received
            .line
            .strip_prefix("GET /search?")
            .and_then(|rest| rest.strip_suffix(" HTTP/1.1"))
            .unwrap_or_else(|| panic!("{class}: {}", received.line));
        let pairs: Vec<_> = query
            .split('&')
            .map(|pair| pair.split_once('=').unwrap())
            .collect();
        let [("q", plain), ("mixed", mixed), ("fixed", "1")] = pairs[..] else {
            panic!("{class}: {query}");
        };
        assert_eq!(decode(plain), Some(value.clone()), "{class}");
        assert_eq!(decode(mixed), Some(format!("a{value}b")), "{class}");
        assert_nothing_else(&received, &probe, false);
    }
}

#[tokio::test]
async fn a_body_stays_one_text() {
    let probe = Probe::start().await;
    let request = request(Method::Post, "/things");
    let parameters = vec![parameter("value", text(), Presence::Required)];
    let tool = tool(service(&probe.url("")), request, parameters);
    for (class, value) in corpus() {
        let outcome = call(&tool, json!({"value": value})).await;
        if class == "too long" || value.contains('\0') {
            assert!(outcome.is_err(), "{class}: {value:.64?}");
            assert_eq!(probe.received().len(), 0);
            continue;
        }
        outcome.unwrap_or_else(|problem| panic!("{class}: {value:.64?}: {problem}"));
        let received = probe.only();
        assert_eq!(received.line, "POST /things HTTP/1.1", "{class}");
        assert_eq!(received.json(), json!({"value": value}), "{class}");
        assert_eq!(received.header("content-type"), Some("application/json"));
        assert_nothing_else(&received, &probe, true);
    }
}
