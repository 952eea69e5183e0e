//! Definitions that lead on to others without looking into the value.

use std::collections::HashMap;

use farcall_core::JsonObject;
use serde_json::Value;

/// How often definitions may lead on to others that judge the same value; each is a step deeper.
pub(super) const MAX_STEPS: usize = 64;

/// Keywords whose schemas look at the same value as the one that they stand in.
const IN_PLACE: [&str; 8] = [
    "allOf",
    "anyOf",
    "dependentSchemas",
    "else",
    "if",
    "not",
    "oneOf",
    "then",
];

/// A definition that leads on to others, or back to itself, without looking into the value; to judge by
/// it would take a step deeper each time, or never end.
pub(super) fn endless(definitions: &JsonObject) -> Option<String> {
    let mut open: HashMap<&str, Vec<&str>> = definitions
        .iter()
        .map(|(name, schema)| {
            let mut leads_to = Vec::new();
            in_place(schema, &mut leads_to);
            (name.as_str(), leads_to)
        })
        .collect();
    for _ in 0..MAX_STEPS {
        let ended: Vec<_> = open
            .iter()
            .filter(|(_, leads_to)| !leads_to.iter().any(|name| open.contains_key(name)))
            .map(|(name, _)| *name)
            .collect();
        if ended.is_empty() {
            break;
        }
        for name in ended {
            open.remove(name);
        }
    }
    open.keys().min().map(|name| (*name).to_owned())
}

/// The definitions that judge the same value as `schema`.
fn in_place<'a>(schema: &'a Value, found: &mut Vec<&'a str>) {
    let reference = schema.get("$ref").and_then(Value::as_str);
    found.extend(reference.and_then(|reference| reference.strip_prefix("#/$defs/")));
    for keyword in IN_PLACE {
        match schema.get(keyword) {
            Some(Value::Array(schemas)) => {
                for schema in schemas {
                    in_place(schema, found);
                }
            }
            Some(Value::Object(schemas)) if keyword == "dependentSchemas" => {
                for schema in schemas.values() {
                    in_place(schema, found);
                }
            }
            Some(schema) => in_place(schema, found),
            None => {}
        }
    }
}
