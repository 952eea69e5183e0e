//! What is wrong with a document, and how that is told.

use serde_json::json;

use super::{faults, import};

#[test]
fn all_faults_are_told_at_once_with_their_places() {
    let document = json!({
        "openapi": "3.1.0",
        "paths": {
            "/a/{b}": {"get": {
                "operationId": "x",
                "parameters": [
                    {"name": "q", "in": "query", "schema": {"$ref": "#/components/schemas/Gone"}},
                    {"name": "r", "in": "query", "schema": {"$ref": "http://evil.example/x.json"}},
                    {"name": "s", "in": "query", "schema": 7},
                    {"name": "t", "in": "body"},
                    {"in": "query"},
                    {"name": "o", "in": "query", "schema": {"type": "object"}},
                    {"name": "Authorization", "in": "header", "required": true},
                ],
            }},
            "/up": {"post": {
                "operationId": "x",
                "requestBody": {"required": true, "content": {"multipart/form-data": {}}},
            }},
        },
    });
    assert_eq!(
        faults(document.to_string(), import(&["y"], &["z"])),
        "there is no operation `y`, which `operations` names; there are `x`, `x`\nno operation has the tag `z`"
    );
    let faults = faults(document.to_string(), import(&[], &[]));
    let told = [
        "at `/paths/~1a~1{b}/get/parameters/0/schema`: `#/components/schemas/Gone` leads to nothing",
        "at `/paths/~1a~1{b}/get/parameters/1/schema`: `http://evil.example/x.json` leads to another document",
        "at `/paths/~1a~1{b}/get/parameters/2/schema`: it is no schema",
        "at `/paths/~1a~1{b}/get/parameters/3`: `in` is none of",
        "at `/paths/~1a~1{b}/get/parameters/4`: a parameter needs `name` and `in`",
        "at `/paths/~1a~1{b}/get/parameters/5`: an object in a query",
        "at `/paths/~1a~1{b}/get/parameters/6`: callers do not say who asks",
        "at `/paths/~1a~1{b}/get`: the path needs the parameter `b`",
        "at `/paths/~1up/post/requestBody`: it takes no JSON",
    ];
    for told in told {
        assert!(faults.contains(told), "{told} is not in:\n{faults}");
    }
    assert_eq!(faults.lines().count(), told.len(), "{faults}");
}

#[test]
fn what_is_no_document_is_told_how_to_become_one() {
    for (document, told) in [
        (
            "openapi: 3.1.0\npaths: {}\n",
            "convert YAML with `yq -o json",
        ),
        ("", "convert YAML"),
        ("{\"openapi\": ", "no valid JSON"),
        ("{\"swagger\": \"2.0\"}", "Swagger 2"),
        ("{\"openapi\": \"4.0.0\"}", "`/openapi`"),
        ("{}", "`/openapi`"),
        ("[]", "`/openapi`"),
        ("{\"openapi\": \"3.1.0\"}", "`/paths`"),
        ("{\"openapi\": \"3.1.0\", \"paths\": {}}", "no operation"),
    ] {
        let faults = faults(document, import(&[], &[]));
        assert!(faults.contains(told), "{document}: {faults}");
    }
}

#[test]
fn two_operations_of_one_name_are_a_fault() {
    let document = json!({"openapi": "3.1.0", "paths": {
        "/a": {"get": {"operationId": "a b"}, "put": {"operationId": "a.b"}},
    }});
    let faults = faults(document.to_string(), import(&[], &[]));
    assert_eq!(
        faults,
        "at `/paths/~1a/put`: it becomes the tool `a_b`, as the one at `/paths/~1a/get` does; give one of them another name in `names`"
    );
}
