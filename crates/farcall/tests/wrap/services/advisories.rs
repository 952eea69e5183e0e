//! What went wrong elsewhere, tried here; each test is named after its record.
//!
//! Names that turn elsewhere (CVE-2026-53710, CVE-2026-77822) are tried where lookups can be planted:
//! `farcall-wrap/src/service/client/tests.rs`.

use std::{
    fs,
    time::{Duration, Instant},
};

use serde_json::{Value, json};

use super::{
    probe::{self, Probe},
    project, text,
};
use crate::harness::{Project, Server};

/// A server over the probe as this document describes it.
async fn described(probe: &Probe, paths: &Value) -> Server {
    let document = json!({
        "openapi": "3.1.0",
        "info": {"title": "Probe", "version": "1"},
        "servers": [{"url": "http://169.254.169.254/"}],
        "paths": paths,
    });
    let toml = format!(
        "[service.probe]\nbase_url = \"{}\"\nopenapi = \"openapi.json\"\n",
        probe.url("/api/v1")
    );
    let project = Project::new(&toml);
    fs::write(project.path("openapi.json"), document.to_string()).unwrap();
    project.serve().await
}

/// FastMCP before 3.2 put path parameters of OpenAPI operations into the URL as they came.
#[tokio::test]
async fn cve_2026_32871_a_path_parameter_of_openapi_cannot_reach_another_path() {
    let probe = Probe::start().await;
    let server = described(
        &probe,
        &json!({"/users/{id}/profile": {"get": {
            "operationId": "profile",
            "parameters": [{"name": "id", "in": "path", "required": true, "schema": {"type": "string"}}],
        }}}),
    )
    .await;
    for id in [
        "../../admin",
        "..",
        "../",
        "x/../../../admin",
        "..\\..\\admin",
    ] {
        let (error, _) = server.call("profile", json!({"id": id})).await.failure();
        assert!(error.contains("would lead elsewhere"), "{id}: {error}");
    }
    for (id, segment) in [
        (
            "%2e%2e%2f%2e%2e%2fadmin",
            "%252e%252e%252f%252e%252e%252fadmin",
        ),
        ("..%2fadmin", "..%252fadmin"),
        ("admin?x=", "admin%3Fx%3D"),
        ("admin#", "admin%23"),
        ("//evil.example/", "%2F%2Fevil.example%2F"),
        ("@evil.example", "%40evil.example"),
    ] {
        server.value("profile", json!({"id": id})).await;
        let expected = format!("GET /api/v1/users/{segment}/profile HTTP/1.1");
        assert_eq!(probe.only().line, expected);
    }
    assert!(probe.received().is_empty());
    server.stop().await;
}

/// CVE-2026-29791 is the same record as GHSA-v2x6-wwfw-r2rq: agentgateway before 0.12 put arguments
/// unescaped into path, query and headers.
#[tokio::test]
async fn cve_2026_29791_an_argument_is_no_query_and_no_header() {
    let probe = Probe::start().await;
    let parameter = |name: &str, place: &str| json!({"name": name, "in": place, "required": true, "schema": {"type": "string"}});
    let server = described(
        &probe,
        &json!({"/things/{id}": {"get": {
            "operationId": "thing",
            "parameters": [parameter("id", "path"), parameter("q", "query"), parameter("X-Trace", "header")],
        }}}),
    )
    .await;
    let ask = |id: &str, q: &str, trace: &str| json!({"id": id, "q": q, "X-Trace": trace});
    for value in [
        "x&admin=true",
        "x#y",
        "x HTTP/1.1\r\nX-Evil: 1\r\n\r\nGET /admin",
        "x\r\nX-Evil: 1",
    ] {
        server.value("thing", ask("1", value, "t")).await;
        let received = probe.only();
        let query = received
            .line
            .strip_prefix("GET /api/v1/things/1?q=")
            .unwrap();
        let query = query.strip_suffix(" HTTP/1.1").unwrap();
        let is_inert = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~%".contains(&byte);
        assert!(query.bytes().all(is_inert), "{query}");
        assert_eq!(
            received.names(),
            ["accept", "host", "user-agent", "x-trace"]
        );
    }
    for value in ["t\r\nX-Evil: 1", "t\nX-Evil: 1", "t\rX", "t\u{b}"] {
        let (error, _) = server.call("thing", ask("1", "q", value)).await.failure();
        assert!(
            error.contains("characters that a header cannot have"),
            "{value:?}: {error}"
        );
        let (error, _) = server.call("thing", ask(value, "q", "t")).await.failure();
        assert!(error.contains("control characters"), "{value:?}: {error}");
    }
    assert!(probe.received().is_empty());
    server.stop().await;
}

/// GHSA-9g45-5xwm-f3wc: a client sent its headers along to wherever it was redirected.
#[tokio::test]
async fn ghsa_9g45_5xwm_f3wc_headers_do_not_follow_a_redirect() {
    let (probe, elsewhere) = (Probe::start().await, Probe::start().await);
    let ask =
        "[tool.ask]\ndescription = \"Ask.\"\nrequest = { service = \"probe\", path = \"/x\" }\n";
    let server = project(&probe, ask).serve().await;
    let location = elsewhere.url("/x");
    probe.answer(format!(
        "HTTP/1.1 307 Temporary Redirect\r\nlocation: {location}\r\ncontent-length: 0\r\n\r\n"
    ));
    let (error, _) = server.call("ask", json!({})).await.failure();
    assert!(error.contains("redirects are not followed"), "{error}");
    assert!(text(&probe.only().head).contains("authorization: Bearer upstream\r\n"));
    assert_eq!(elsewhere.connections(), 0);
    server.stop().await;
}

/// mcp-remote handed a URL that a server had sent to a shell.
#[tokio::test]
async fn cve_2025_6514_a_url_that_a_service_sends_is_asked_of_that_service_or_not_at_all() {
    let (probe, elsewhere) = (Probe::start().await, Probe::start().await);
    let work = r#"
[job.work]
description = "Work."
request = { service = "probe", method = "POST", path = "/work", upstream = { status_url = "/status", state = "/state", done = ["done"], interval = "20ms" } }
"#;
    let project = project(&probe, work);
    let server = project.serve().await;
    let planted = project.path("planted");
    for status_url in [
        format!("file://{}", planted.display()),
        format!("a:$(touch {})?response_type=code", planted.display()),
        format!("http://$(touch {}).example/", planted.display()),
        "javascript:alert(1)".to_owned(),
        "http://169.254.169.254/latest/meta-data".to_owned(),
        format!("http://user:pw@127.0.0.1:{}/", probe.port),
        elsewhere.url("/status"),
    ] {
        let body = json!({"status": status_url}).to_string();
        probe.answer(probe::json("202 Accepted", &body));
        let id = server.start("work", json!({})).await;
        let end = server.ended("work", &id).await;
        let error = end["error"].as_str().unwrap();
        assert!(
            error.contains("named a status URL that"),
            "{status_url}: {error}"
        );
        assert!(
            !error.contains("meta-data") && !error.contains("touch"),
            "{error}"
        );
        assert_eq!(probe.received().len(), 1, "{status_url}");
    }
    assert_eq!(elsewhere.connections(), 0);
    assert!(!planted.exists());
    server.stop().await;
}

/// A pattern of the TypeScript SDK took a time that doubled with each character.
#[tokio::test]
async fn cve_2026_0621_a_pattern_of_a_document_is_judged_in_one_pass() {
    let probe = Probe::start().await;
    let schema = json!({"type": "string", "pattern": "^(a+)+$"});
    let server = described(
        &probe,
        &json!({"/things": {"get": {
            "operationId": "things",
            "parameters": [{"name": "q", "in": "query", "schema": schema}],
        }}}),
    )
    .await;
    let value = format!("{}!", "a".repeat(50_000));
    let began = Instant::now();
    let answer = server.call("things", json!({"q": value})).await;
    assert!(answer.is_error);
    // It would take longer than the universe has; the bound is for slow machines.
    assert!(
        began.elapsed() < Duration::from_secs(10),
        "{:?}",
        began.elapsed()
    );
    assert!(probe.received().is_empty());
    server.stop().await;
}
