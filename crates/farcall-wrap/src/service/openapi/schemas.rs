//! Schemas of a document as JSON Schema 2020-12 that stands alone.

use std::collections::{HashMap, VecDeque};

use farcall_core::{JsonObject, schema::CheckedSchema};
use serde_json::{Value, json};

use super::document::{Document, within};
use crate::text::{clean, clean_value};

/// Keywords of one schema.
const ONE: [&str; 11] = [
    "additionalProperties",
    "contains",
    "contentSchema",
    "else",
    "if",
    "items",
    "not",
    "propertyNames",
    "then",
    "unevaluatedItems",
    "unevaluatedProperties",
];

/// Keywords of several.
const LISTS: [&str; 4] = ["allOf", "anyOf", "oneOf", "prefixItems"];

/// Keywords of several by name.
const MAPS: [&str; 3] = ["dependentSchemas", "patternProperties", "properties"];

/// Keywords that say nothing about values, or that mean something else in a schema that stands alone.
const DROPPED: [&str; 9] = [
    "$anchor",
    "$comment",
    "$defs",
    "$id",
    "$schema",
    "definitions",
    "discriminator",
    "externalDocs",
    "xml",
];

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

/// How often definitions may lead on to others that judge the same value; each is a step deeper.
const MAX_STEPS: usize = 64;

/// What a schema describes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Side {
    /// What a service answers.
    Answered,
    /// What it is asked.
    Asked,
}

/// Translates the schemas of one tool; what references lead to is collected for `$defs`.
pub(super) struct Schemas<'a> {
    document: &'a Document,
    side: Side,
    /// The names in `$defs` by the pointer in the document.
    names: HashMap<String, String>,
    /// What has a name already, and is still to be translated.
    waiting: VecDeque<(String, &'a Value, String)>,
    definitions: JsonObject,
    pub(super) faults: Vec<String>,
}

impl<'a> Schemas<'a> {
    /// Schemas of `document`.
    pub(super) fn new(document: &'a Document, side: Side) -> Self {
        Self {
            document,
            side,
            names: HashMap::new(),
            waiting: VecDeque::new(),
            definitions: JsonObject::new(),
            faults: Vec::new(),
        }
    }

    /// The schema that stands at `place`, for a schema to which [`close`](Self::close) adds `$defs`.
    ///
    /// What references lead to waits until then, so a chain of them of any length is no deeper than
    /// one; and what stands within itself is as deep as JSON may be.
    pub(super) fn translate(&mut self, schema: &'a Value, place: &str) -> Value {
        let object = match schema {
            Value::Bool(_) => return schema.clone(),
            Value::Object(object) => object,
            _ => {
                self.faults.push(format!("at `{place}`: it is no schema"));
                return Value::Bool(true);
            }
        };
        let mut translated = JsonObject::new();
        if let Some(reference) = object.get("$ref") {
            translated.insert("$ref".to_owned(), self.reference(reference, place));
            if self.document.is_old {
                return Value::Object(translated);
            }
        }
        for (keyword, value) in object {
            let place = within(place, keyword);
            if keyword == "$ref" || keyword.starts_with("x-") || DROPPED.contains(&&**keyword) {
                continue;
            }
            if keyword == "$dynamicRef" || keyword == "$recursiveRef" {
                self.faults
                    .push(format!("at `{place}`: `{keyword}` is not supported"));
                continue;
            }
            let value = if ONE.contains(&&**keyword) {
                self.translate(value, &place)
            } else if LISTS.contains(&&**keyword) {
                self.list(value, &place)
            } else if MAPS.contains(&&**keyword) {
                self.map(value, &place)
            } else {
                clean_value(value.clone())
            };
            translated.insert(keyword.clone(), value);
        }
        modernise(&mut translated, self.document.is_old);
        soften(&mut translated);
        drop_other_side(&mut translated, self.side);
        Value::Object(translated)
    }

    /// Adds what the references in `schema` lead to.
    pub(super) fn close(&mut self, schema: &mut JsonObject) {
        while let Some((name, target, pointer)) = self.waiting.pop_front() {
            let translated = self.translate(target, &pointer);
            self.definitions.insert(name, translated);
        }
        if let Some(endless) = endless(&self.definitions) {
            self.faults.push(format!(
                "at `/components/schemas`: `{endless}` leads on to others more than {MAX_STEPS} times, or to itself, and no value could be judged by it"
            ));
        }
        if self.definitions.is_empty() {
            return;
        }
        let definitions = std::mem::take(&mut self.definitions);
        schema.insert("$defs".to_owned(), Value::Object(definitions));
    }

    fn list(&mut self, value: &'a Value, place: &str) -> Value {
        let Some(schemas) = value.as_array() else {
            self.faults
                .push(format!("at `{place}`: it is no list of schemas"));
            return json!([true]);
        };
        let schemas = schemas.iter().enumerate();
        let translated =
            schemas.map(|(index, schema)| self.translate(schema, &format!("{place}/{index}")));
        translated.collect()
    }

    fn map(&mut self, value: &'a Value, place: &str) -> Value {
        let Some(schemas) = value.as_object() else {
            self.faults
                .push(format!("at `{place}`: it is no object of schemas"));
            return json!({});
        };
        let translated = schemas
            .iter()
            .map(|(name, schema)| (name.clone(), self.translate(schema, &within(place, name))));
        Value::Object(translated.collect())
    }

    /// The same reference within the tool's own schema.
    fn reference(&mut self, reference: &Value, place: &str) -> Value {
        let (target, pointer) = match self.document.target(reference, place) {
            Ok(found) => found,
            Err(fault) => {
                self.faults.push(fault);
                return Value::from("#");
            }
        };
        if let Some(name) = self.names.get(&pointer) {
            return Value::from(format!("#/$defs/{name}"));
        }
        let name = self.free_name(pointer.rsplit('/').next().unwrap_or_default());
        let found = Value::from(format!("#/$defs/{name}"));
        self.names.insert(pointer.clone(), name.clone());
        self.waiting.push_back((name, target, pointer));
        found
    }

    /// A name for `$defs` that needs no escapes and is not taken.
    fn free_name(&self, wish: &str) -> String {
        let wish: String = wish
            .chars()
            .map(|sign| {
                if sign.is_ascii_alphanumeric() || sign == '-' {
                    sign
                } else {
                    '_'
                }
            })
            .take(64)
            .collect();
        let wish = if wish.is_empty() {
            "schema".to_owned()
        } else {
            wish
        };
        let is_free = |name: &String| !self.names.values().any(|taken| taken == name);
        let others = (2_u32..).map(|number| format!("{wish}_{number}"));
        std::iter::once(wish.clone())
            .chain(others)
            .find(is_free)
            .unwrap_or(wish)
    }
}

/// Removes the properties that are only on the other side: what a service sets by itself is not asked
/// for, and what it only takes is not in its answers.
fn drop_other_side(schema: &mut JsonObject, side: Side) {
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
fn modernise(schema: &mut JsonObject, is_old: bool) {
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
fn soften(schema: &mut JsonObject) {
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
        *description = clean(description).trim().to_owned();
    }
}

/// A definition that leads on to others, or back to itself, without looking into the value; to judge by
/// it would take a step deeper each time, or never end.
fn endless(definitions: &JsonObject) -> Option<String> {
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
                schemas.iter().for_each(|schema| in_place(schema, found))
            }
            Some(Value::Object(schemas)) if keyword == "dependentSchemas" => {
                schemas.values().for_each(|schema| in_place(schema, found));
            }
            Some(schema) => in_place(schema, found),
            None => {}
        }
    }
}
