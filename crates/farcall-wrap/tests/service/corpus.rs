//! What callers say to break out of the place that a template gives them.

use std::collections::BTreeSet;

use farcall_config::file::{Method, Presence};
use serde_json::json;

use crate::{
    declare::{call, parameter, pieces, request, service, text, tool},
    probe::{Probe, Received},
};

/// Every entry names its class.
fn corpus() -> Vec<(&'static str, String)> {
    let mut corpus: Vec<(&str, String)> = Vec::new();
    let mut add = |class, values: &[&str]| {
        corpus.extend(values.iter().map(|&value| (class, value.to_owned())));
    };
    add(
        "dot segment",
        &[
            ".",
            "..",
            "./",
            "../",
            "../admin",
            "../../etc/passwd",
            "/..",
            "a/..",
            "a/../b",
            "a/./b",
            "..\\",
            "..\\admin",
            "a\\..\\b",
            "./..",
            ".././",
            "/../../x",
            "../?x",
            "../#x",
            "//..//",
            "#/../x",
        ],
    );
    add(
        "dots that are no segment",
        &[
            "...", ".hidden", "..a", "a..", "a..b", ". ", " ..", "..;", "..;/x", ".;", "․․",
            "．．", "‥", ".%00", "..%00", "..%2f", "..%5c", "..~",
        ],
    );
    add(
        "encoded before",
        &[
            "%2e",
            "%2e%2e",
            "%2E%2E",
            "%2e%2e%2f",
            "%2e%2e/x",
            "..%252f",
            "%252e%252e%252f",
            "%2f",
            "%2F..",
            "%5c",
            "%c0%ae%c0%ae",
            "%c0%af",
            "%u002e%u002e",
            "%00",
            "%0d%0a",
            "%0d%0aX-Evil:%201",
            "%3f",
            "%23",
            "%",
            "%%",
            "%2",
            "%zz",
            "%25",
            "%ff",
            "%e2%80%ae",
        ],
    );
    add(
        "slashes",
        &[
            "/",
            "//",
            "///",
            "/etc/passwd",
            "a/b",
            "a//b",
            "a/",
            "/a",
            "\\",
            "\\\\",
            "a\\b",
            "//host",
            "//evil.example/x",
            "\\\\evil.example\\x",
            "/\\evil.example",
            "a/b/c/d/e/f",
            "∕",
            "⁄",
            "／",
        ],
    );
    add(
        "query",
        &[
            "?",
            "?a=b",
            "x?admin=true",
            "&",
            "&a=b",
            "a&b",
            "a=b",
            "=",
            "a&fixed=2",
            "&fixed=2",
            ";fixed=2",
            "+",
            "a+b",
            "a b",
            "?&=+",
            "??",
            "x?y?z",
            "&amp;",
            "[]",
            "a[b]=c",
            "a[]=1&a[]=2",
        ],
    );
    add("fragment", &["#", "#x", "a#b", "##", "a#b?c", "%23x"]);
    add(
        "authority",
        &[
            "@",
            "a@b",
            "@evil.example",
            "user:pass@evil.example",
            ":80",
            ":@",
            "evil.example:80",
            "http://evil.example",
            "https://evil.example/x",
            "http:evil.example",
            "file:///etc/passwd",
            "javascript:alert(1)",
            "data:,x",
            "http://127.0.0.1:1/",
            "http://[::1]/",
            "http://169.254.169.254/latest/meta-data/",
            "localhost",
            "gopher://evil.example/_x",
            "//evil.example@127.0.0.1",
        ],
    );
    add(
        "line ends",
        &[
            "\r\n",
            "\n",
            "\r",
            "a\r\nb",
            "a\nb",
            "\r\n\r\n",
            "x\r\nX-Evil: 1",
            "x\nX-Evil: 1",
            "x\rX-Evil: 1",
            " HTTP/1.1\r\nHost: evil.example\r\n\r\n",
            "x HTTP/1.1\r\n\r\nGET /admin HTTP/1.1\r\nHost: x\r\n\r\n",
            "\r\n\r\nGET /smuggled HTTP/1.1\r\n\r\n",
            "x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
            "x\r\nContent-Length: 0\r\n\r\n",
            "\u{85}",
            "\u{2028}",
            "\u{2029}",
            "\u{b}",
            "\u{c}",
            "a\u{2028}b",
        ],
    );
    add(
        "control",
        &[
            "\u{1}",
            "\u{7}",
            "\u{8}",
            "\u{1b}",
            "\u{1b}[31m",
            "\u{1f}",
            "\u{7f}",
            "\u{80}",
            "\u{9b}",
            "\t",
            "a\tb",
            "\u{1a}",
        ],
    );
    add("nul", &["\0", "a\0b", "../\0", "a\0.json", "\0\r\n"]);
    add(
        "unicode",
        &[
            "ü",
            "日本",
            "🦀",
            "e\u{301}",
            "\u{202e}gpj.exe",
            "\u{200b}",
            "a\u{200d}b",
            "\u{feff}",
            "\u{e0041}",
            "\u{fffd}",
            "ﬀ",
            "İ",
            "ſ",
            "Ⅷ",
            "℀",
            "℆",
            "\u{1f468}\u{200d}\u{1f469}",
            "Å",
            "\u{d7ff}",
            "\u{e000}",
            "\u{10ffff}",
            "嘊嘍",
            "ĊĀ",
        ],
    );
    add(
        "space",
        &[
            " ", "  ", " a", "a ", "a  b", "\u{a0}", "\u{3000}", "+", "%20",
        ],
    );
    add(
        "code",
        &[
            "$(id)",
            "`id`",
            "; id",
            "| id",
            "&& id",
            "${HOME}",
            "{city}",
            "{{city}}",
            "{",
            "}",
            "{}",
            "'",
            "\"",
            "' OR '1'='1",
            "<script>alert(1)</script>",
            "{\"a\": 1}",
            "[1,2]",
            "null",
            "true",
            "0",
            "-1",
            "-",
            "--",
            "--help",
            "*",
            "~",
            "!",
            "^",
            "|",
            "<",
            ">",
            ",",
            ":",
            ";",
            "(",
            ")",
            "\\u002e\\u002e",
            "\\r\\n",
            "&lt;",
            "${jndi:ldap://evil.example/x}",
        ],
    );
    add("empty", &[""]);
    let long = |count: usize| "a".repeat(count);
    corpus.extend([
        ("long", long(1_000)),
        ("long", long(8_000)),
        ("long", "/x".repeat(4_000)),
        ("long", "ü".repeat(4_000)),
        ("too long for a URL", long(40_000)),
        ("too long for a URL", "ü".repeat(6_000)),
        ("too long for a URL", long(128 << 10)),
        ("too long for a URL", "?".repeat(128 << 10)),
        ("too long", long((128 << 10) + 1)),
    ]);
    corpus
}

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
                decoded.push(byte)
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
            "dot segment" | "control" | "nul" | "empty" => true,
            "too long" | "too long for a URL" => true,
            "line ends" => !matches!(&*value, "\u{2028}" | "\u{2029}" | "a\u{2028}b"),
            _ => false,
        };
        if is_refused {
            let problem = outcome.expect_err(&format!("{class}: {value:.64?}"));
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
