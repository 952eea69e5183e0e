//! Definitions that lead to others, or to themselves.

use serde_json::{Value, json};

use super::{faults, import, imported, somewhere};

#[test]
fn a_schema_may_be_part_of_itself_but_not_itself() {
    let with = |schemas: Value| {
        json!({
            "openapi": "3.1.0",
            "paths": {"/a": {"post": {"requestBody": {"required": true, "content": {
                "application/json": {"schema": {"$ref": "#/components/schemas/A"}},
            }}}}},
            "components": {"schemas": schemas},
        })
        .to_string()
    };
    let tree = with(json!({"A": {"type": "array", "items": {"$ref": "#/components/schemas/A"}}}));
    assert_eq!(
        imported(somewhere(), tree, import(&[], &[])).unwrap().len(),
        1
    );
    for circle in [
        json!({"A": {"$ref": "#/components/schemas/A"}}),
        json!({"A": {"allOf": [{"$ref": "#/components/schemas/B"}]}, "B": {"anyOf": [{"$ref": "#/components/schemas/A"}]}}),
        json!({"A": {"type": "object", "if": {"not": {"$ref": "#/components/schemas/A"}}}}),
    ] {
        let faults = faults(with(circle.clone()), import(&[], &[]));
        assert!(
            faults.contains("or to itself") || faults.contains("in a circle"),
            "{circle}: {faults}"
        );
    }
}

#[test]
fn a_long_chain_of_references_is_followed_or_refused() {
    for count in [100, 4_000, 20_000] {
        let mut schemas = serde_json::Map::new();
        for number in 0..count {
            let next = format!("#/components/schemas/S{}", number + 1);
            schemas.insert(
                format!("S{number}"),
                json!({"properties": {"n": {"$ref": next}}}),
            );
        }
        schemas.insert(format!("S{count}"), json!({"type": "string"}));
        let document = json!({
            "openapi": "3.1.0",
            "paths": {"/a": {"get": {"parameters": [
                {"name": "q", "in": "query", "schema": {"$ref": "#/components/schemas/S0"}},
            ]}}},
            "components": {"schemas": schemas},
        });
        let outcome = imported(somewhere(), document.to_string(), import(&[], &[]));
        assert_eq!(
            outcome.is_ok(),
            count < 20_000,
            "{count}: {:?}",
            outcome.err()
        );
    }
}

#[test]
fn definitions_that_only_lead_on_have_an_end() {
    let with = |count: usize| {
        let mut schemas = serde_json::Map::new();
        for number in 0..count {
            let next = format!("#/components/schemas/S{}", number + 1);
            schemas.insert(format!("S{number}"), json!({"allOf": [{"$ref": next}]}));
        }
        schemas.insert(format!("S{count}"), json!({"type": "string"}));
        let document = json!({
            "openapi": "3.1.0",
            "paths": {"/a": {"get": {"parameters": [
                {"name": "q", "in": "query", "schema": {"$ref": "#/components/schemas/S0"}},
            ]}}},
            "components": {"schemas": schemas},
        });
        imported(somewhere(), document.to_string(), import(&[], &[]))
    };
    assert!(with(60).is_ok());
    let faults = with(3_000).map(drop).unwrap_err();
    assert!(
        faults.contains("leads on to others more than 64 times"),
        "{faults}"
    );
}
