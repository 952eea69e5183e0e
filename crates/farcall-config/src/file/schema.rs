//! The JSON Schema of `farcall.toml`, for editors.

use farcall_core::JsonObject;
use serde_json::{Value, json};

use super::{
    grammar::{Need, Section, Shape},
    read::FILE,
};

/// JSON Schema 2020-12 of a `farcall.toml` as editors read it: what each key is for, what it takes and
/// what stands for it. What only shows when the file is read, such as whether a program is there, is
/// not in it.
pub fn schema() -> Value {
    let mut definitions = JsonObject::new();
    for inner in FILE.all().into_iter().skip(1) {
        definitions.insert(key_of(inner), section(inner));
    }
    let Value::Object(root) = section(&FILE) else {
        return Value::Null;
    };
    let mut schema = JsonObject::new();
    schema.insert(
        "$schema".to_owned(),
        json!("https://json-schema.org/draft/2020-12/schema"),
    );
    schema.insert("title".to_owned(), json!(FILE.name));
    schema.extend(root);
    schema.insert("$defs".to_owned(), Value::Object(definitions));
    Value::Object(schema)
}

fn section(section: &Section) -> Value {
    let mut properties = JsonObject::new();
    let mut required = Vec::new();
    for key in section.keys() {
        let Value::Object(mut property) = shape(&key.shape) else {
            continue;
        };
        property.insert("description".to_owned(), json!(key.about));
        match key.need {
            Need::Required => required.push(key.name),
            // A default in words, such as "the folder's", is none that an editor could fill in.
            Need::Default(text) => {
                if let Some(default) = default(&key.shape, text) {
                    property.insert("default".to_owned(), default);
                }
            }
            Need::Optional => {}
        }
        properties.insert(key.name.to_owned(), Value::Object(property));
    }
    let mut schema = json!({
        "type": "object",
        "description": section.about,
        "properties": properties,
        "additionalProperties": false,
    });
    if !required.is_empty() {
        schema["required"] = json!(required);
    }
    schema
}

fn shape(shape: &Shape) -> Value {
    match shape {
        Shape::Any => json!({}),
        Shape::Boolean => json!({"type": "boolean"}),
        Shape::Choice(words) => {
            let words: Vec<_> = words
                .iter()
                .map(|(word, about)| json!({"const": word, "description": about}))
                .collect();
            json!({"oneOf": words})
        }
        Shape::Duration { .. } => json!({"type": "string", "pattern": "^[0-9]+(ms|s|m|h|d)$"}),
        Shape::Integer(from, to) => {
            let mut schema = json!({"type": "integer", "minimum": from});
            if *to != i64::MAX {
                schema["maximum"] = json!(to);
            }
            schema
        }
        Shape::List(inner) => json!({"type": "array", "items": self::shape(inner)}),
        Shape::Map(inner) => json!({"type": "object", "additionalProperties": self::shape(inner)}),
        Shape::NonEmpty(inner) => {
            json!({"type": "array", "items": self::shape(inner), "minItems": 1})
        }
        Shape::Number => json!({"type": "number"}),
        Shape::OneOf(shapes) => {
            json!({"anyOf": shapes.iter().map(self::shape).collect::<Vec<_>>()})
        }
        Shape::Line | Shape::Path | Shape::Prose => json!({"type": "string", "minLength": 1}),
        Shape::Pattern => json!({"type": "string", "format": "regex"}),
        Shape::Secret | Shape::Template | Shape::Text => json!({"type": "string"}),
        Shape::Section(section) => json!({"$ref": format!("#/$defs/{}", key_of(section))}),
        Shape::Size => json!({"anyOf": [
            {"type": "string", "pattern": "^[0-9]+(B|KiB|MiB|GiB)?$"},
            {"type": "integer", "minimum": 0},
        ]}),
    }
}

/// What an editor would fill in, where the default is a value of the shape.
fn default(shape: &Shape, text: &str) -> Option<Value> {
    match shape {
        Shape::Boolean | Shape::Integer(..) | Shape::NonEmpty(_) => serde_json::from_str(text).ok(),
        Shape::Choice(words) => words
            .iter()
            .any(|(word, _)| *word == text)
            .then(|| json!(text)),
        Shape::Duration { .. } => crate::units::duration(text).map(|_| json!(text)),
        Shape::Size => crate::units::bytes(text).map(|_| json!(text)),
        _ => None,
    }
}

fn key_of(section: &Section) -> String {
    section.name.replace(' ', "_")
}
