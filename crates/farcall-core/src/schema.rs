//! JSON Schemas: made from Rust types, judged at start, and held against every call.

use jsonschema::{Draft, PatternOptions, ValidationError, Validator, error::ValidationErrorKind};
use schemars::{JsonSchema, generate::SchemaSettings};
use serde_json::{Value, json};

use crate::JsonObject;

/// Whether a schema describes what comes in or what goes out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// Arguments: a field with a default is optional.
    Input,
    /// Results: a field with a default is always there.
    Output,
}

/// The JSON Schema 2020-12 of `T`, without `$schema` and without the type's own name as title.
pub fn of<T: JsonSchema>(direction: Direction) -> JsonObject {
    let mut settings = SchemaSettings::draft2020_12();
    settings.meta_schema = None;
    settings.contract = match direction {
        Direction::Input => schemars::generate::Contract::Deserialize,
        Direction::Output => schemars::generate::Contract::Serialize,
    };
    let schema = settings.into_generator().into_root_schema_for::<T>();
    let Value::Object(mut schema) = schema.to_value() else {
        // `true`: anything goes, as for `serde_json::Value`.
        return JsonObject::new();
    };
    schema.remove("title");
    drop_number_formats(&mut schema);
    schema
}

/// Removes formats such as `uint16` and `double`: JSON Schema does not know them, and some
/// clients refuse a schema with a format that they do not know.
fn drop_number_formats(schema: &mut JsonObject) {
    let is_number = |kind: &Value| matches!(kind.as_str(), Some("integer" | "number"));
    let describes_number = match schema.get("type") {
        Some(Value::Array(kinds)) => kinds.iter().any(is_number),
        Some(kind) => is_number(kind),
        None => false,
    };
    if describes_number {
        schema.remove("format");
    }
    for value in schema.values_mut() {
        drop_inner_number_formats(value);
    }
}

fn drop_inner_number_formats(value: &mut Value) {
    match value {
        Value::Object(schema) => drop_number_formats(schema),
        Value::Array(values) => values.iter_mut().for_each(drop_inner_number_formats),
        _ => {}
    }
}

/// The schema of a call without arguments.
pub fn empty_object() -> JsonObject {
    object(json!({"type": "object", "properties": {}}))
}

/// A schema written by hand; anything but an object becomes the empty schema.
pub fn object(schema: Value) -> JsonObject {
    match schema {
        Value::Object(schema) => schema,
        _ => JsonObject::new(),
    }
}

/// The largest value, in bytes of JSON, that is told more than its first violation.
const MAX_TOLD: usize = 16 << 10;

/// A schema that is ready to judge values.
#[derive(Debug)]
pub struct CheckedSchema {
    validator: Validator,
}

impl CheckedSchema {
    /// Compiles `schema`, or says what is wrong with it. It is read as 2020-12, unless it says with
    /// `$schema` that it is of another draft.
    ///
    /// Nothing is ever fetched: a `$ref` to another document is a fault. Patterns run on a
    /// regular expression engine whose time is linear in the text.
    ///
    /// # Errors
    /// One sentence that names the place in the schema.
    pub fn compile(schema: &JsonObject) -> Result<Self, String> {
        jsonschema::options()
            .with_draft(draft(schema))
            .with_pattern_options(PatternOptions::regex())
            .build(&Value::Object(schema.clone()))
            .map(|validator| Self { validator })
            .map_err(|error| {
                let place = error.instance_path().to_string();
                let place = if place.is_empty() {
                    "/".to_owned()
                } else {
                    place
                };
                if matches!(error.kind(), ValidationErrorKind::Referencing(_)) {
                    return "a `$ref` leads to another document or to nothing; nothing is ever \
                            fetched, so put what it means below `$defs`"
                        .to_owned();
                }
                format!("at `{place}`: {}", shortened(&error.to_string(), 200))
            })
    }

    /// Says how `value` breaks the schema: the place, the rule and what was received.
    ///
    /// # Errors
    /// One sentence with at most three violations, safe to show: long values are cut.
    pub fn check(&self, value: &Value) -> Result<(), String> {
        let Err(first) = self.validator.validate(value) else {
            return Ok(());
        };
        // A value of a megabyte can break a schema half a million times, and all of them are
        // made before the first is given out; so only what is small is told more than one.
        if value.to_string().len() > MAX_TOLD {
            return Err(sentence(&first));
        }
        let all = self.validator.iter_errors(value).take(3);
        Err(all
            .map(|violation| sentence(&violation))
            .collect::<Vec<_>>()
            .join("; "))
    }
}

/// The draft that a schema says it is of; those of servers in use are often older ones.
fn draft(schema: &JsonObject) -> Draft {
    let named = schema.get("$schema").and_then(Value::as_str);
    let named = named.map(|uri| uri.trim_end_matches('#'));
    match named.and_then(|uri| uri.split_once("://")) {
        Some((_, "json-schema.org/draft-04/schema")) => Draft::Draft4,
        Some((_, "json-schema.org/draft-06/schema")) => Draft::Draft6,
        Some((_, "json-schema.org/draft-07/schema")) => Draft::Draft7,
        Some((_, "json-schema.org/draft/2019-09/schema")) => Draft::Draft201909,
        _ => Draft::Draft202012,
    }
}

fn sentence(violation: &ValidationError<'_>) -> String {
    let place = place(violation);
    match violation.kind() {
        ValidationErrorKind::Required { property } => {
            let name = property.as_str().unwrap_or_default();
            format!("`{}` is required and missing", joined(&place, name))
        }
        ValidationErrorKind::AdditionalProperties { unexpected } => {
            let name = unexpected.first().map_or("", String::as_str);
            format!(
                "`{}` is not a known parameter",
                joined(&place, &shortened(name, 64))
            )
        }
        // What a schema without any parameter says about one.
        ValidationErrorKind::FalseSchema if first_key(violation).is_some() => {
            let name = first_key(violation).unwrap_or_default();
            let name = joined(&place, &shortened(name, 64));
            format!("`{name}` is not a known parameter")
        }
        _ => {
            let subject = if place.is_empty() {
                "arguments".to_owned()
            } else {
                place
            };
            let rule = violation.masked_with("it").to_string();
            let received = shortened(&violation.instance().to_string(), 64);
            format!(
                "`{subject}`: {}, received {received}",
                shortened(&rule, 200)
            )
        }
    }
}

fn first_key<'a>(violation: &'a ValidationError<'_>) -> Option<&'a str> {
    let object = violation.instance().as_object()?;
    object.keys().next().map(String::as_str)
}

/// The path to the offending value, written as people write it: `spec.frames[2]`.
fn place(violation: &ValidationError<'_>) -> String {
    let mut place = String::new();
    for segment in violation.instance_path().to_string().split('/').skip(1) {
        if segment.bytes().all(|byte| byte.is_ascii_digit()) {
            place = format!("{place}[{segment}]");
        } else {
            place = joined(&place, &shortened(segment, 64));
        }
    }
    shortened(&place, 200)
}

fn joined(place: &str, name: &str) -> String {
    if place.is_empty() {
        name.to_owned()
    } else {
        format!("{place}.{name}")
    }
}

/// At most `limit` characters of `text`, so that no message grows with what was sent.
fn shortened(text: &str, limit: usize) -> String {
    match text.char_indices().nth(limit) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

/// The names of the parameters of `schema` that have no description.
pub fn undescribed(schema: &JsonObject) -> Vec<&str> {
    let described = |parameter: &Value| {
        let text = parameter.get("description").and_then(Value::as_str);
        text.is_some_and(|text| !text.trim().is_empty())
    };
    let properties = schema.get("properties").and_then(Value::as_object);
    properties
        .into_iter()
        .flatten()
        .filter(|(_, parameter)| !described(parameter))
        .map(|(name, _)| name.as_str())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdict(value: &Value) -> String {
        let schema = object(json!({
            "type": "object",
            "properties": {
                "a": {"type": "number", "maximum": 10},
                "s": {"type": "string", "pattern": "^(a+)+$"},
                "l": {"type": "array", "items": {"type": "integer"}},
            },
            "required": ["a"],
            "additionalProperties": false,
        }));
        CheckedSchema::compile(&schema)
            .unwrap()
            .check(value)
            .unwrap_err()
    }

    #[test]
    fn a_violation_names_the_parameter_the_rule_and_the_value() {
        assert_eq!(verdict(&json!({})), "`a` is required and missing");
        assert_eq!(
            verdict(&json!({"a": 1, "b": 2})),
            "`b` is not a known parameter"
        );
        assert_eq!(
            verdict(&json!({"a": "two"})),
            "`a`: it is not of type \"number\", received \"two\""
        );
        assert_eq!(
            verdict(&json!({"a": 11})),
            "`a`: it is greater than the maximum of 10, received 11"
        );
        assert_eq!(
            verdict(&json!({"a": 1, "l": [1, "x"]})),
            "`l[1]`: it is not of type \"integer\", received \"x\""
        );
    }

    #[test]
    fn an_argument_of_a_tool_without_any_is_named() {
        let mut schema = empty_object();
        schema.insert("additionalProperties".to_owned(), false.into());
        let schema = CheckedSchema::compile(&schema).unwrap();
        let verdict = schema.check(&json!({"x": 1})).unwrap_err();
        assert_eq!(verdict, "`x` is not a known parameter");
    }

    #[test]
    fn a_message_does_not_grow_with_what_was_sent() {
        assert!(verdict(&json!({"a": "x".repeat(1 << 20)})).len() < 300);
        let name = "n".repeat(1 << 20);
        assert!(verdict(&json!({"a": 1, name: 2})).len() < 300);
    }

    #[test]
    fn a_pattern_that_explodes_elsewhere_is_answered_at_once() {
        let text = format!("{}!", "a".repeat(50_000));
        assert!(verdict(&json!({"a": 1, "s": text})).starts_with("`s`: "));
    }

    #[test]
    fn a_reference_to_another_document_is_a_fault() {
        for reference in ["http://127.0.0.1/x.json", "file:///etc/passwd"] {
            let schema =
                object(json!({"type": "object", "properties": {"a": {"$ref": reference}}}));
            assert!(CheckedSchema::compile(&schema).is_err(), "{reference}");
        }
    }
}
