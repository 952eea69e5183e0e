//! Documents without sense: whatever they are, nothing panics.

use std::{
    fs,
    sync::{LazyLock, Mutex, PoisonError},
};

use farcall_config::file::OpenApi;
use farcall_core::{
    catalog::{Catalog, Faults, Offers},
    tool::Tool,
};
use farcall_wrap::service::Services;
use proptest::prelude::*;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::{FASTAPI, import, somewhere};
use crate::declare::project;

/// The tools of a document, with one client for all, because it takes long to make.
fn imported_any(document: &[u8]) -> Result<Vec<Tool>, Faults> {
    static SERVICES: LazyLock<Mutex<(TempDir, Services)>> = LazyLock::new(|| {
        let folder = tempfile::tempdir().unwrap();
        let mut service = somewhere();
        service.openapi = Some(OpenApi {
            document: folder.path().join("openapi.json"),
            ..import(&[], &[])
        });
        fs::write(folder.path().join("openapi.json"), "{}").unwrap();
        let services = Services::new(&project(service, Vec::new())).unwrap();
        Mutex::new((folder, services))
    });
    let services = SERVICES.lock().unwrap_or_else(PoisonError::into_inner);
    fs::write(services.0.path().join("openapi.json"), document).unwrap();
    services.1.imported()
}

/// Pieces of documents, put together without sense.
fn nonsense() -> impl Strategy<Value = Value> {
    let words = prop::sample::select(vec![
        "$ref",
        "schema",
        "type",
        "object",
        "array",
        "string",
        "properties",
        "items",
        "allOf",
        "anyOf",
        "parameters",
        "name",
        "in",
        "path",
        "query",
        "header",
        "cookie",
        "required",
        "requestBody",
        "content",
        "application/json",
        "responses",
        "200",
        "paths",
        "get",
        "post",
        "operationId",
        "tags",
        "deprecated",
        "#/components/schemas/A",
        "#/paths",
        "#",
        "#/",
        "components",
        "schemas",
        "A",
        "/a/{b}",
        "/{",
        "nullable",
        "exclusiveMinimum",
        "pattern",
        "(",
        "style",
        "deepObject",
        "explode",
        "enum",
        "$defs",
        "openapi",
        "3.0.0",
    ]);
    let words = words.prop_map(str::to_owned);
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        words.clone().prop_map(Value::from),
    ];
    leaf.prop_recursive(8, 200, 6, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            prop::collection::vec((words.clone(), inner), 0..6)
                .prop_map(|fields| Value::Object(fields.into_iter().collect())),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn no_bytes_panic(bytes: Vec<u8>) {
        let _ = imported_any(&bytes);
    }

    #[test]
    fn no_document_panics(
        item in nonsense(),
        schemas in nonsense(),
        version in prop::sample::select(vec!["3.0.1", "3.1.0"]),
    ) {
        let document = json!({
            "openapi": version,
            "paths": {"/a/{b}": item, "/b": {"post": {"requestBody": {"required": true, "content": {
                "application/json": {"schema": {"$ref": "#/components/schemas/A"}},
            }}}}},
            "components": {"schemas": {"A": schemas}},
        });
        if let Ok(tools) = imported_any(document.to_string().as_bytes()) {
            prop_assert!(Catalog::new(tools, Offers::default()).is_ok());
        }
    }

    /// A real document that lost or changed some of its bytes.
    #[test]
    fn no_damage_panics(
        at in 0..FASTAPI.len(),
        count in 0_usize..40,
        with in "[{}\\[\\]\":,a-z0-9#/$]{0,8}",
    ) {
        let mut bytes = FASTAPI.as_bytes().to_vec();
        let end = (at + count).min(bytes.len());
        bytes.splice(at..end, with.bytes());
        let _ = imported_any(&bytes);
    }
}
