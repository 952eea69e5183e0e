//! What an operation promises to answer.

use farcall_core::JsonObject;
use serde_json::Value;

use super::{
    document::{Document, text, within},
    inputs::json_content,
    operations::Found,
    schemas::{Schemas, Side},
};

/// The schema of every answer that is no error, where it is an object: nothing else can be promised
/// to clients before 2026-07-28.
pub(super) fn of(
    document: &Document,
    found: &Found<'_>,
    faults: &mut Vec<String>,
) -> Option<JsonObject> {
    let place = within(&found.place, "responses");
    let responses = found.operation.get("responses")?.as_object()?;
    let mut promised = None;
    for (status, response) in responses {
        if !status.starts_with('2') {
            continue;
        }
        let followed = document.follow(response, &within(&place, status));
        let (response, place) = followed.map_err(|fault| faults.push(fault)).ok()?;
        // One that has no JSON, or says nothing about it, leaves nothing to promise.
        let (schema, place) = json_content(response, &place)?;
        let followed = document.follow(schema, &place);
        let (schema, place) = followed.map_err(|fault| faults.push(fault)).ok()?;
        if promised.as_ref().is_some_and(|(other, _)| *other != schema) {
            return None;
        }
        promised = Some((schema, place));
    }
    let (schema, place) = promised?;
    if text(schema, "type") != Some("object") {
        return None;
    }
    let mut schemas = Schemas::new(document, Side::Answered);
    let translated = schemas.translate(schema, &place);
    let Value::Object(mut translated) = translated else {
        return None;
    };
    // In 3.0 it may be nothing as well.
    if text_type(&translated) != Some("object") {
        return None;
    }
    schemas.close(&mut translated);
    faults.append(&mut schemas.faults);
    Some(translated)
}

fn text_type(schema: &JsonObject) -> Option<&str> {
    schema.get("type")?.as_str()
}
