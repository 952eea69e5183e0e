//! What went wrong elsewhere, tried here; each test is named after its record.

use farcall_config::file::{Method, OpenApi, Presence};
use farcall_wrap::service::Services;
use serde_json::json;

use crate::{
    declare::{call, parameter, pieces, project, refusal, request, service, text, tool},
    probe::Probe,
};

/// FastMCP before 3.2 put path parameters of OpenAPI operations into the URL as they came.
#[tokio::test]
async fn cve_2026_32871_a_path_parameter_of_openapi_cannot_reach_another_path() {
    let probe = Probe::start().await;
    let folder = tempfile::tempdir().unwrap();
    let document = folder.path().join("openapi.json");
    let description = json!({"openapi": "3.1.0", "paths": {"/users/{id}/profile": {"get": {
        "operationId": "profile",
        "parameters": [{"name": "id", "in": "path", "required": true, "schema": {"type": "string"}}],
    }}}});
    std::fs::write(&document, description.to_string()).unwrap();
    let mut service = service(&probe.url("/api/v1"));
    service.openapi = Some(OpenApi {
        document,
        operations: Vec::new(),
        tags: Vec::new(),
        names: std::collections::BTreeMap::new(),
        descriptions: std::collections::BTreeMap::new(),
    });
    let tools = Services::new(&project(service, Vec::new()))
        .unwrap()
        .imported()
        .unwrap();
    for id in [
        "../../admin",
        "..",
        "../",
        "x/../../../admin",
        "..\\..\\admin",
    ] {
        let sentence = refusal(&tools[0], json!({"id": id})).await;
        assert!(
            sentence.contains("would lead elsewhere"),
            "{id}: {sentence}"
        );
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
        call(&tools[0], json!({"id": id})).await.unwrap();
        let line = probe.only().line;
        assert_eq!(
            line,
            format!("GET /api/v1/users/{segment}/profile HTTP/1.1")
        );
    }
    assert!(probe.received().is_empty());
}

/// agentgateway before 0.12 put arguments unescaped into path, query and headers.
#[tokio::test]
async fn cve_2026_29791_arguments_are_no_query_and_no_header() {
    ghsa_v2x6_wwfw_r2rq("x&admin=true").await;
    ghsa_v2x6_wwfw_r2rq("x HTTP/1.1\r\nX-Evil: 1\r\n\r\nGET /admin").await;
}

/// The same record by its other name.
#[tokio::test]
async fn ghsa_v2x6_wwfw_r2rq_arguments_are_no_query_and_no_header() {
    ghsa_v2x6_wwfw_r2rq("x#y").await;
    ghsa_v2x6_wwfw_r2rq("x\r\nX-Evil: 1").await;
}

async fn ghsa_v2x6_wwfw_r2rq(value: &str) {
    let probe = Probe::start().await;
    let mut request = request(Method::Get, "/search");
    request.query = vec![("q".to_owned(), pieces("{q}"))];
    let parameters = vec![parameter("q", text(), Presence::Required)];
    let tool = tool(service(&probe.url("")), request, parameters);
    call(&tool, json!({"q": value})).await.unwrap();
    let received = probe.only();
    let query = received.line.strip_prefix("GET /search?q=").unwrap();
    let query = query.strip_suffix(" HTTP/1.1").unwrap();
    let is_inert = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~%".contains(&byte);
    assert!(query.bytes().all(is_inert), "{query}");
    assert!(received.header("x-evil").is_none());
    assert_eq!(received.names(), ["accept", "host", "user-agent", "x-key"]);
}
