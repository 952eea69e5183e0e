//! Parameters as JSON Schema 2020-12.

use farcall_config::file::{Format, Kind, Parameter, Presence};
use farcall_core::{JsonObject, schema};
use serde_json::{Value, json};

/// The schema of the arguments of `parameters`.
pub(super) fn of(parameters: &[Parameter]) -> JsonObject {
    let properties: JsonObject = parameters
        .iter()
        .map(|parameter| (parameter.name.clone(), Value::Object(described(parameter))))
        .collect();
    let required: Vec<_> = parameters
        .iter()
        .filter(|parameter| parameter.presence == Presence::Required)
        .map(|parameter| parameter.name.as_str())
        .collect();
    let mut whole = schema::object(json!({"type": "object", "properties": properties}));
    if !required.is_empty() {
        whole.insert("required".to_owned(), required.into());
    }
    whole.insert("additionalProperties".to_owned(), false.into());
    whole
}

fn described(parameter: &Parameter) -> JsonObject {
    let mut property = JsonObject::new();
    set(
        &mut property,
        "description",
        Some(parameter.description.as_str()),
    );
    property.extend(keywords(&parameter.kind));
    if let Presence::Default(value) = &parameter.presence {
        set(&mut property, "default", Some(value.clone()));
    }
    let examples = &parameter.examples;
    set(
        &mut property,
        "examples",
        (!examples.is_empty()).then(|| examples.clone()),
    );
    property
}

fn keywords(kind: &Kind) -> JsonObject {
    let mut schema = JsonObject::new();
    let of_type = |schema: &mut JsonObject, name: &str| set(schema, "type", Some(name));
    match kind {
        Kind::String {
            pattern,
            choices,
            format,
            min_length,
            max_length,
        } => {
            of_type(&mut schema, "string");
            set(
                &mut schema,
                "enum",
                (!choices.is_empty()).then(|| choices.clone()),
            );
            set(&mut schema, "pattern", pattern.as_deref());
            set(&mut schema, "format", format.map(word));
            set(&mut schema, "minLength", *min_length);
            set(&mut schema, "maxLength", *max_length);
        }
        Kind::Integer { minimum, maximum } => {
            of_type(&mut schema, "integer");
            set(&mut schema, "minimum", *minimum);
            set(&mut schema, "maximum", *maximum);
        }
        Kind::Number { minimum, maximum } => {
            of_type(&mut schema, "number");
            set(&mut schema, "minimum", *minimum);
            set(&mut schema, "maximum", *maximum);
        }
        Kind::Boolean => of_type(&mut schema, "boolean"),
        Kind::Array {
            items,
            min_items,
            max_items,
        } => {
            of_type(&mut schema, "array");
            set(&mut schema, "items", Some(keywords(items)));
            set(&mut schema, "minItems", *min_items);
            set(&mut schema, "maxItems", *max_items);
        }
        Kind::File { .. } => {
            of_type(&mut schema, "string");
            set(&mut schema, "minLength", Some(1));
        }
    }
    schema
}

/// The word of JSON Schema for a format.
fn word(format: Format) -> &'static str {
    match format {
        Format::Date => "date",
        Format::DateTime => "date-time",
        Format::Email => "email",
        Format::Url => "uri",
        Format::Uuid => "uuid",
    }
}

fn set(schema: &mut JsonObject, keyword: &str, value: Option<impl Into<Value>>) {
    if let Some(value) = value {
        schema.insert(keyword.to_owned(), value.into());
    }
}
