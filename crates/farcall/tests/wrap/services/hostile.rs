//! Whatever callers say, a service is sent it as one value in one place, or is sent nothing: no other
//! path, no second value, no header, no second request.

use std::collections::BTreeMap;

use serde_json::json;

use super::{probe::Probe, project, text, values::corpus};

/// What stands for the value in the request that the others are compared with.
const HARMLESS: &str = "v4lu3";

/// The longest URL that is sent, in bytes.
const MAX_URL: usize = 32 << 10;

/// The longest text that is taken, in bytes.
const MAX_TEXT: usize = 128 << 10;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Body,
    Query,
    Segment,
}

/// A tool with one placeholder.
struct Place {
    tool: &'static str,
    kind: Kind,
    request: &'static str,
    /// What stands before and after it in the same segment or value.
    around: (&'static str, &'static str),
    /// Whether the caller sends a list of it, twice.
    is_list: bool,
}

const fn place(tool: &'static str, kind: Kind, request: &'static str) -> Place {
    Place {
        tool,
        kind,
        request,
        around: ("", ""),
        is_list: false,
    }
}

const PLACES: &[Place] = &[
    place(
        "segment",
        Kind::Segment,
        r#"path = "/v1/things/{x}/detail""#,
    ),
    place(
        "last",
        Kind::Segment,
        r#"path = "/v1/things/{x}", query.fixed = "1""#,
    ),
    Place {
        around: ("a", "b"),
        ..place("within", Kind::Segment, r#"path = "/v1/a{x}b""#)
    },
    place(
        "query",
        Kind::Query,
        r#"path = "/search", query.q = "{x}", query.fixed = "1""#,
    ),
    Place {
        around: ("a=", "&b"),
        ..place(
            "joined",
            Kind::Query,
            r#"path = "/search", query.q = "a={x}&b""#,
        )
    },
    Place {
        is_list: true,
        ..place(
            "listed",
            Kind::Query,
            r#"path = "/search", query.q = "{x}", query.fixed = "1""#,
        )
    },
    place("body", Kind::Body, r#"method = "POST", path = "/things""#),
    place(
        "named",
        Kind::Body,
        r#"method = "PUT", path = "/things", body = ["x"]"#,
    ),
];

fn toml() -> String {
    let tools = PLACES.iter().map(|place| {
        let Place { tool, request, .. } = place;
        let kind = if place.is_list {
            "type = \"array\", items = { type = \"string\" }"
        } else {
            "type = \"string\""
        };
        format!(
            "[tool.{tool}]\ndescription = \"Ask the probe.\"\nrequest = {{ service = \"probe\", {request} }}\nparams.x = {{ {kind}, description = \"Anything.\" }}\n"
        )
    });
    tools.collect()
}

/// RFC 3986, section 2: all but what is unreserved, byte for byte.
fn percent_encoded(text: &str) -> String {
    use std::fmt::Write;
    text.bytes().fold(String::new(), |mut encoded, byte| {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            encoded.push(byte.into());
        } else {
            write!(encoded, "%{byte:02X}").unwrap();
        }
        encoded
    })
}

impl Place {
    /// What must stand in the place of the harmless value; nothing where it must be refused.
    fn encoded(&self, value: &str) -> Option<String> {
        let (before, after) = self.around;
        let whole = format!("{before}{value}{after}");
        let leads_elsewhere = || {
            whole
                .split(['/', '\\'])
                .any(|piece| matches!(piece, "." | ".."))
        };
        if value.contains('\0') || value.len() > MAX_TEXT {
            return None;
        }
        match self.kind {
            Kind::Body => Some(json!(value).to_string()),
            Kind::Segment if whole.is_empty() || whole.contains(char::is_control) => None,
            Kind::Segment if leads_elsewhere() => None,
            Kind::Query | Kind::Segment => Some(percent_encoded(value)),
        }
    }

    /// The head and the body that `value` must become, after those of the harmless one.
    fn expected(&self, value: &str, (head, body): &(String, String)) -> Option<(String, String)> {
        let encoded = self.encoded(value)?;
        if self.kind == Kind::Body {
            let expected = body.replace(&json!(HARMLESS).to_string(), &encoded);
            let length = |body: &str| format!("content-length: {}\r\n", body.len());
            assert!(head.contains(&length(body)), "{head}");
            return Some((head.replace(&length(body), &length(&expected)), expected));
        }
        let expected = head.replace(HARMLESS, &encoded);
        let url = expected.split(' ').nth(1).unwrap();
        (url.replace('?', "").len() <= MAX_URL).then(|| (expected, body.clone()))
    }
}

#[tokio::test]
async fn every_text_is_one_value_or_none() {
    let probe = Probe::start().await;
    let server = project(&probe, &toml()).serve().await;
    let corpus = corpus();
    let (mut entries, mut refused) = (0, BTreeMap::<&str, usize>::new());
    for place in PLACES {
        let given = |value: &str| {
            let value = if place.is_list {
                json!([value, value])
            } else {
                json!(value)
            };
            json!({"x": value})
        };
        server.value(place.tool, given(HARMLESS)).await;
        let harmless = probe.only();
        let harmless = (text(&harmless.head), text(&harmless.body));
        for (class, value) in &corpus {
            let what = format!("{class}: {value:.40?} in `{}`", place.tool);
            let answer = server.call(place.tool, given(value)).await;
            entries += 1;
            let Some((head, body)) = place.expected(value, &harmless) else {
                let (error, code) = answer.failure();
                assert_eq!(code, "user_error", "{what}: {error}");
                assert!(
                    error.len() < 300 && !error.contains('\n'),
                    "{what}: {error}"
                );
                assert!(probe.received().is_empty(), "{what}");
                *refused.entry(class).or_default() += 1;
                continue;
            };
            assert!(!answer.is_error, "{what}: {}", answer.text);
            let received = probe.only();
            assert_eq!(text(&received.head), head, "{what}");
            assert_eq!(text(&received.body), body, "{what}");
        }
    }
    // Both counts are of this list: what it should hold, and what has to be refused in it.
    assert!(entries >= 1_900, "{entries} entries");
    for (class, count) in [
        ("dot segment", 30),
        ("line ends", 40),
        ("nul", 40),
        ("control", 30),
    ] {
        let refused = refused.get(class).copied().unwrap_or_default();
        assert!(refused >= count, "{class}: {refused} refused");
    }
    // Connections are used again: no answer was given to another request than its own.
    let connections = probe.connections();
    assert!(connections < 20, "{connections}");
    server.stop().await;
}
