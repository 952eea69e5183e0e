//! Schemas of a document as JSON Schema 2020-12 that stands alone.

use std::collections::{HashMap, VecDeque};

use farcall_core::{JsonObject, name::tool_name_of};
use serde_json::{Value, json};

use super::{
    dialect::{drop_other_side, modernise, soften},
    document::{Document, within},
    endless::{MAX_STEPS, endless},
};
use crate::text::{shown, visible, visible_value};

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
                visible_value(value.clone())
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
        let mut translated = JsonObject::new();
        for (name, schema) in schemas {
            // It cannot be changed, because the service asks for it by this name.
            if visible(name) != *name {
                self.faults.push(format!(
                    "at `{place}`: the name `{}` holds signs that nobody sees and a model reads",
                    shown(name)
                ));
                continue;
            }
            translated.insert(name.clone(), self.translate(schema, &within(place, name)));
        }
        Value::Object(translated)
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
        let mut wish = tool_name_of(wish, 64);
        if wish.is_empty() {
            "schema".clone_into(&mut wish);
        }
        let is_free = |name: &String| !self.names.values().any(|taken| taken == name);
        let others = (2_u32..).map(|number| format!("{wish}_{number}"));
        std::iter::once(wish.clone())
            .chain(others)
            .find(is_free)
            .unwrap_or(wish)
    }
}
