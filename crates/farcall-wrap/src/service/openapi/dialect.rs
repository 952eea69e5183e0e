//! What OpenAPI says in its own way, as JSON Schema 2020-12 says it.

use farcall_core::{JsonObject, schema::CheckedSchema};
use serde_json::{Value, json};

use super::schemas::Side;
use crate::text::visible;

/// Formats of JSON Schema; clients in use refuse others.
const FORMATS: [&str; 19] = [
    "date",
    "date-time",
    "duration",
    "email",
    "hostname",
    "idn-email",
    "idn-hostname",
    "ipv4",
    "ipv6",
    "iri",
    "iri-reference",
    "json-pointer",
    "regex",
    "relative-json-pointer",
    "time",
    "uri",
    "uri-reference",
    "uri-template",
    "uuid",
];

/// Removes the properties that are only on the other side: what a service sets by itself is not asked
/// for, and what it only takes is not in its answers.
pub(super) fn drop_other_side(schema: &mut JsonObject, side: Side) {
    let mark = match side {
        Side::Answered => "writeOnly",
        Side::Asked => "readOnly",
    };
    let Some(Value::Object(properties)) = schema.get_mut("properties") else {
        return;
    };
    let is_marked = |property: &Value| property.get(mark) == Some(&Value::Bool(true));
    let marked: Vec<String> = properties
        .iter()
        .filter(|(_, property)| is_marked(property))
        .map(|(name, _)| name.clone())
        .collect();
    properties.retain(|_, property| !is_marked(property));
    if let Some(Value::Array(required)) = schema.get_mut("required") {
        required.retain(|name| !marked.iter().any(|marked| name == marked));
    }
}

/// What only OpenAPI says, as JSON Schema says it.
pub(super) fn modernise(schema: &mut JsonObject, is_old: bool) {
    if let Some(example) = schema.remove("example") {
        schema.entry("examples").or_insert_with(|| json!([example]));
    }
    if !is_old {
        return;
    }
    for (switch, bound) in [
        ("exclusiveMinimum", "minimum"),
        ("exclusiveMaximum", "maximum"),
    ] {
        if let Some(is_exclusive) = schema.get(switch).and_then(Value::as_bool) {
            schema.remove(switch);
            if let (true, Some(bound)) = (is_exclusive, schema.get(bound).cloned()) {
                schema.insert(switch.to_owned(), bound);
            }
            if is_exclusive {
                schema.remove(bound);
            }
        }
    }
    if schema.remove("nullable") != Some(Value::Bool(true)) {
        return;
    }
    if let Some(values) = schema.get_mut("enum").and_then(Value::as_array_mut)
        && !values.contains(&Value::Null)
    {
        values.push(Value::Null);
    }
    match schema.get("type").cloned() {
        Some(Value::String(kind)) => {
            schema.insert("type".to_owned(), json!([kind, "null"]));
        }
        _ if schema.is_empty() => {}
        _ => {
            let inner = std::mem::take(schema);
            schema.insert("anyOf".to_owned(), json!([inner, {"type": "null"}]));
        }
    }
}

/// Leaves to the service what cannot be judged here: formats that JSON Schema does not have, and
/// patterns of another syntax.
pub(super) fn soften(schema: &mut JsonObject) {
    let is_known = |format: &Value| {
        format
            .as_str()
            .is_some_and(|format| FORMATS.contains(&format))
    };
    if schema.get("format").is_some_and(|format| !is_known(format)) {
        schema.remove("format");
    }
    if let Some(pattern) = schema.get("pattern").cloned() {
        let mut alone = JsonObject::new();
        alone.insert("pattern".to_owned(), pattern);
        if CheckedSchema::compile(&alone).is_err() {
            schema.remove("pattern");
        }
    }
    if let Some(Value::String(description)) = schema.get_mut("description") {
        visible(description).trim().clone_into(description);
    }
}
