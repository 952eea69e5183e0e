//! What callers read where a service answers badly, slowly, too much or elsewhere.

use serde_json::json;

use super::{
    probe::{self, Probe},
    text,
};
use crate::harness::{Project, Server};

/// A server over a service with tight limits.
async fn server(probe: &Probe) -> Server {
    impatient(probe, "10s").await
}

/// One that waits so long for the service.
async fn impatient(probe: &Probe, timeout: &str) -> Server {
    let toml = format!(
        r#"
[service.probe]
base_url = "{}"
headers.Authorization = "Bearer s3cret"
timeout = "{timeout}"
max_answer = "1KiB"

[tool.ask]
description = "Ask the probe."
request = {{ service = "probe", path = "/x", pointer = "/data/0" }}
output_schema = {{ type = "object", properties.n = {{ type = "integer" }}, required = ["n"] }}

[tool.read]
description = "Read what the probe says."
request = {{ service = "probe", path = "/x" }}
output = "text"
"#,
        probe.url("")
    );
    Project::new(&toml).serve().await
}

#[tokio::test]
async fn the_part_at_the_pointer_is_the_structured_result() {
    let probe = Probe::start().await;
    let server = server(&probe).await;
    probe.answer_json(&json!({"data": [{"n": 7, "text": "a\u{1b}[31m\u{202e}b"}]}));
    assert_eq!(
        server.value("ask", json!({})).await,
        json!({"n": 7, "text": "ab"})
    );
    let tools = server.tools().await;
    assert_eq!(tools[0]["outputSchema"]["required"], json!(["n"]));
    probe.answer_json(&json!({"data": [{"n": "seven"}]}));
    let (error, _) = server.call("ask", json!({})).await.failure();
    assert!(
        error.contains("another value than its declaration promises"),
        "{error}"
    );
    server.stop().await;
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let (probe, elsewhere) = (Probe::start().await, Probe::start().await);
    let server = server(&probe).await;
    for status in [
        "301 Moved Permanently",
        "302 Found",
        "303 See Other",
        "307 Temporary Redirect",
        "308 Permanent Redirect",
    ] {
        for location in [
            elsewhere.url("/secret"),
            "/other".to_owned(),
            "//127.0.0.1/".to_owned(),
        ] {
            probe.answer(format!(
                "HTTP/1.1 {status}\r\nlocation: {location}\r\ncontent-length: 0\r\n\r\n"
            ));
            let (error, _) = server.call("ask", json!({})).await.failure();
            assert!(
                error.contains(&format!(
                    "answered {status}, and redirects are not followed"
                )),
                "{error}"
            );
            assert!(!error.contains(&elsewhere.port.to_string()), "{error}");
            assert_eq!(probe.received().len(), 1);
        }
    }
    assert_eq!(elsewhere.connections(), 0);
    server.stop().await;
}

#[tokio::test]
async fn a_service_that_takes_too_long_is_given_up() {
    let probe = Probe::start().await;
    let server = impatient(&probe, "300ms").await;
    probe.silence();
    let (error, code) = server.call("ask", json!({})).await.failure();
    assert_eq!(code, "timeout", "{error}");
    assert_eq!(error, "the service `probe` did not answer within 0.3 s");
    // It said what it is, and no more.
    probe.answer("HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 9\r\n\r\n{");
    let (_, code) = server.call("ask", json!({})).await.failure();
    assert_eq!(code, "timeout");
    server.stop().await;
}

#[tokio::test]
async fn an_answer_beyond_its_limit_is_cut_or_refused() {
    let probe = Probe::start().await;
    let server = server(&probe).await;
    let long = "x".repeat(1 << 20);
    probe.answer(probe::json("200 OK", &json!({"data": [long]}).to_string()));
    let (error, code) = server.call("ask", json!({})).await.failure();
    assert_eq!(code, "output_limit", "{error}");
    probe.answer(probe::with("text/plain", "200 OK", &"y".repeat(1 << 20)));
    let answer = server.call("read", json!({})).await;
    assert!(!answer.is_error);
    assert_eq!(
        answer.text.matches('y').count(),
        1_024 + "only the first bytes".matches('y').count()
    );
    assert!(
        answer.text.ends_with("[cut: only the first 1024 bytes]"),
        "{}",
        answer.text
    );
    server.stop().await;
}

#[tokio::test]
async fn an_error_of_the_service_is_told_without_what_the_server_knows() {
    let probe = Probe::start().await;
    let server = server(&probe).await;
    probe.answer(probe::json(
        "404 Not Found",
        "{\"detail\": \"no such\u{1b}[31m city\"}",
    ));
    let (error, code) = server.call("ask", json!({})).await.failure();
    assert_eq!(
        (error.as_str(), code.as_str()),
        (
            "the service `probe` answered 404 Not Found: {\"detail\": \"no such city\"}",
            "user_error"
        )
    );
    // The secret went where it belongs, and stays out of what is said and logged.
    assert!(text(&probe.only().head).contains("authorization: Bearer s3cret\r\n"));
    assert!(!server.talk().contains("s3cret") && !error.contains("s3cret"));
    server.stop().await;
}
