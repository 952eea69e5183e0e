//! Tools made of OpenAPI documents.

mod damage;
mod references;
mod wrong;

use std::{collections::BTreeMap, fs};

use farcall_config::file::{OpenApi, Service};
use farcall_core::{
    catalog::{Catalog, Offers},
    tool::{SchemaOrigin, Tool},
};
use farcall_wrap::service::{Services, offers};
use serde_json::{Value, json};

use crate::{
    declare::{call, project, refusal, service},
    probe::Probe,
};

const FASTAPI: &str = include_str!("fixtures/fastapi.json");
const OLD: &str = include_str!("fixtures/old.json");

fn import(operations: &[&str], tags: &[&str]) -> OpenApi {
    let owned = |list: &[&str]| list.iter().map(|&entry| entry.to_owned()).collect();
    OpenApi {
        document: "unset".into(),
        operations: owned(operations),
        tags: owned(tags),
        names: BTreeMap::new(),
        descriptions: BTreeMap::new(),
    }
}

/// The tools of a document, or all that is wrong with it, a line each.
fn imported(
    mut service: Service,
    document: impl AsRef<[u8]>,
    mut import: OpenApi,
) -> Result<Vec<Tool>, String> {
    let folder = tempfile::tempdir().unwrap();
    import.document = folder.path().join("openapi.json");
    fs::write(&import.document, document).unwrap();
    service.openapi = Some(import);
    let services = Services::new(&project(service, Vec::new())).unwrap();
    services.imported().map_err(|faults| {
        let reasons = faults.0.into_iter().map(|fault| fault.reason);
        reasons.collect::<Vec<_>>().join("\n")
    })
}

fn somewhere() -> Service {
    let mut service = service("http://127.0.0.1:9");
    service
        .headers
        .insert("X-Weather-Key".to_owned(), "k".into());
    service.headers.insert("x-shop-key".to_owned(), "k".into());
    service
}

fn faults(document: impl AsRef<[u8]>, import: OpenApi) -> String {
    imported(somewhere(), document, import)
        .map(drop)
        .unwrap_err()
}

/// A document with one operation.
fn one(operation: &Value) -> String {
    let document = json!({"openapi": "3.1.0", "paths": {"/a": {"post": operation}}});
    document.to_string()
}

/// What clients learn of the tools.
fn shown(tools: &[Tool]) -> Value {
    let shown = tools.iter().map(|tool| {
        let declaration = &tool.declaration;
        json!({
            "name": declaration.name,
            "description": declaration.description,
            "annotations": declaration.annotations,
            "input": declaration.input_schema,
            "output": declaration.output_schema,
        })
    });
    shown.collect()
}

#[test]
fn fastapi_documents_become_tools() {
    let tools = imported(somewhere(), FASTAPI, import(&[], &[])).unwrap();
    insta::assert_json_snapshot!("fastapi", shown(&tools));
    assert!(
        tools
            .iter()
            .all(|tool| tool.declaration.schema_origin == SchemaOrigin::Imported)
    );
    Catalog::new(tools, Offers::default()).map(drop).unwrap();
}

#[test]
fn documents_of_3_0_become_tools_of_today() {
    let tools = imported(somewhere(), OLD, import(&[], &[])).unwrap();
    insta::assert_json_snapshot!("old", shown(&tools));
    Catalog::new(tools, Offers::default()).map(drop).unwrap();
}

#[test]
fn a_project_offers_what_its_documents_hold() {
    let folder = tempfile::tempdir().unwrap();
    let mut service = somewhere();
    let mut import = import(&[], &["forecast"]);
    import.document = folder.path().join("openapi.json");
    fs::write(&import.document, FASTAPI).unwrap();
    service.openapi = Some(import);
    let (tools, jobs) = offers(&project(service, Vec::new())).unwrap();
    assert_eq!(tools.len(), 1);
    assert!(jobs.is_empty());
}

#[test]
fn operations_are_chosen_renamed_and_described_anew() {
    let names = |import| -> Vec<String> {
        let tools = imported(somewhere(), FASTAPI, import).unwrap();
        tools
            .into_iter()
            .map(|tool| tool.declaration.name)
            .collect()
    };
    assert_eq!(names(import(&[], &["pets"])), ["add_pet_pets_post"]);
    assert_eq!(
        names(import(&["old_old_get"], &["pets"])),
        ["add_pet_pets_post", "old_old_get"]
    );
    let mut renamed = import(&["old_old_get"], &[]);
    renamed
        .names
        .insert("old_old_get".to_owned(), "older".to_owned());
    renamed
        .descriptions
        .insert("old_old_get".to_owned(), "Use it.".to_owned());
    let tools = imported(somewhere(), FASTAPI, renamed).unwrap();
    assert_eq!(tools[0].declaration.name, "older");
    assert_eq!(tools[0].declaration.description, "Use it.");
}

#[tokio::test]
async fn imported_tools_send_what_the_document_says() {
    let probe = Probe::start().await;
    let mut service = service(&probe.url("/api"));
    service
        .headers
        .insert("X-Weather-Key".to_owned(), "k".into());
    service.headers.insert("X-Shop-Key".to_owned(), "k".into());
    let tools = imported(service.clone(), FASTAPI, import(&[], &[])).unwrap();
    let tool = |name: &str| {
        tools
            .iter()
            .find(|tool| tool.declaration.name.starts_with(name))
            .unwrap()
    };
    let trace = "67e55044-10b1-426f-9247-bb680e5fe0c8";
    let arguments =
        json!({"city": "São/Paulo", "days": 2, "tags": ["a", "b&c"], "x-request-id": trace});
    call(tool("forecast"), arguments).await.unwrap();
    let received = probe.only();
    assert_eq!(
        received.line,
        "GET /api/cities/S%C3%A3o%2FPaulo/forecast?days=2&tags=a&tags=b%26c HTTP/1.1"
    );
    assert_eq!(received.header("x-request-id"), Some(trace));
    assert_eq!(received.header("x-weather-key"), Some("k"));

    call(
        tool("create_place"),
        json!({"name": "A", "latitude": 1, "longitude": 2}),
    )
    .await
    .unwrap();
    let received = probe.only();
    assert_eq!(received.line, "POST /api/places HTTP/1.1");
    assert_eq!(
        received.json(),
        json!({"name": "A", "latitude": 1, "longitude": 2})
    );

    call(tool("add_pet"), json!({"body": {"kind": "cat"}}))
        .await
        .unwrap();
    assert_eq!(probe.only().json(), json!({"kind": "cat"}));

    let old = imported(service, OLD, import(&[], &["items"])).unwrap();
    let arguments = json!({
        "id": "7", "format": "json", "filter": {"color": "red&"}, "ids": [1, 2], "sort_by_": "x",
        "where": {"a": 1}, "X-Trace": "t",
    });
    call(&old[0], arguments).await.unwrap();
    let received = probe.only();
    assert_eq!(
        received.line,
        "GET /api/items/7.json?filter%5Bcolor%5D=red%26&ids=1,2&sort%5Bby%5D=x&where=%7B%22a%22%3A1%7D HTTP/1.1"
    );
    assert_eq!(received.header("x-trace"), Some("t"));
    let sentence = refusal(
        &old[0],
        json!({"id": "7", "format": "json", "X-Trace": "a\r\nX-Evil: 1"}),
    )
    .await;
    assert!(
        sentence.contains("`X-Trace` has characters that a header cannot have"),
        "{sentence}"
    );
    assert!(probe.received().is_empty());
}

#[test]
fn what_nobody_sees_in_a_document_reaches_no_model() {
    let body = |name: &str| {
        json!({"required": true, "content": {"application/json": {"schema": {
            "type": "object",
            "title": "T\u{200b}",
            "allOf": [{"properties": {name: {"description": "a\u{ad}b\u{1b}[31m", "enum": ["c\u{feff}"]}}}],
        }}}})
    };
    let operation = |name: &str| json!({"operationId": "a", "summary": "s\u{202e}", "description": "d\u{e0041}\u{200b}", "requestBody": body(name)});
    let tools = imported(somewhere(), one(&operation("x")), import(&[], &[])).unwrap();
    let shown = shown(&tools).to_string();
    let is_hidden = |sign| farcall_config::file::is_hidden(sign);
    assert!(
        !shown.contains(is_hidden) && shown.contains("\"ab\""),
        "{shown}"
    );
    let faults = faults(one(&operation("x\u{200b}")), import(&[], &[]));
    assert!(
        faults.contains("the name `x\\u{200b}` holds signs that nobody sees"),
        "{faults}"
    );
}

#[test]
fn what_a_service_sets_by_itself_is_not_asked_for() {
    let item = json!({"type": "object", "required": ["id", "title"], "properties": {
        "id": {"type": "string", "readOnly": true},
        "title": {"type": "string"},
        "secret": {"type": "string", "writeOnly": true},
    }});
    let content = |schema: Value| json!({"content": {"application/json": {"schema": schema}}});
    let mut body = content(json!({"anyOf": [item.clone(), {"type": "null"}]}));
    body["required"] = true.into();
    let operation =
        json!({"operationId": "x", "requestBody": body, "responses": {"200": content(item)}});
    let tools = imported(somewhere(), one(&operation), import(&[], &[])).unwrap();
    let declaration = &tools[0].declaration;
    let asked = &declaration.input_schema["properties"]["body"]["anyOf"][0];
    assert_eq!(asked["required"], json!(["title"]));
    let names = |schema: &Value| -> Vec<String> {
        schema["properties"]
            .as_object()
            .unwrap()
            .keys()
            .cloned()
            .collect()
    };
    assert_eq!(names(asked), ["title", "secret"]);
    let output = Value::Object(declaration.output_schema.clone().unwrap());
    assert_eq!(names(&output), ["id", "title"]);
    assert_eq!(output["required"], json!(["id", "title"]));
}

#[test]
fn names_and_servers_of_the_document_lead_nowhere() {
    let operation = json!({
        "operationId": "../../x\u{202e}", "servers": [{"url": "http://evil.example"}],
        "description": "Do.\u{202e}\u{e0041}\u{1b}[31m",
        "parameters": [{"name": "q\u{202e}", "in": "query", "schema": {"description": "\u{e0041}x"}}],
    });
    let tools = imported(somewhere(), one(&operation), import(&[], &[])).unwrap();
    let declaration = &tools[0].declaration;
    assert_eq!(declaration.name, "x");
    assert_eq!(declaration.description, "Do.");
    let properties = &declaration.input_schema["properties"];
    assert_eq!(*properties, json!({"q_": {"description": "x"}}));
}
