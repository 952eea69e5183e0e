//! What a server writes for people and models, apart from what stands for something.
//!
//! Titles and descriptions are made visible. Names, URIs and the values of schemas come back from agents as they
//! were listed, and the server compares them: changed, they would be others. So they stay, and what hides
//! something in them is not passed on ([`hidden`]).

use farcall_config::file::{hidden_within, is_hidden};
use farcall_core::JsonObject;
use serde_json::Value;

use crate::text;

/// Makes what is prose in `item` visible: a tool, a resource, a template or a prompt.
pub(super) fn clean(item: &mut JsonObject) {
    for (field, value) in item.iter_mut() {
        match (field.as_str(), value) {
            ("inputSchema" | "outputSchema", value) => schema(value),
            ("annotations", Value::Object(fields)) => prose(fields),
            ("arguments", Value::Array(arguments)) => {
                let arguments = arguments.iter_mut().filter_map(Value::as_object_mut);
                arguments.for_each(prose);
            }
            _ => {}
        }
    }
    prose(item);
}

/// The first hidden sign that is left in `item`, where it stands for something.
pub(super) fn hidden(item: &JsonObject) -> Option<char> {
    let mut fields = item.iter();
    fields.find_map(|(name, value)| {
        let within_name = name.chars().find(|sign| is_hidden(*sign));
        within_name.or_else(|| hidden_within(value))
    })
}

/// The same as a sentence.
pub(super) fn hidden_fault(item: &JsonObject) -> Option<String> {
    let sign = u32::from(hidden(item)?);
    Some(format!(
        "it hides U+{sign:04X} in a name, a URI or a value, which would not be the same without it"
    ))
}

fn prose(fields: &mut JsonObject) {
    for field in ["title", "description", "$comment"] {
        if let Some(Value::String(text)) = fields.get_mut(field) {
            *text = text::visible(text);
        }
    }
}

fn schema(value: &mut Value) {
    match value {
        Value::Array(schemas) => schemas.iter_mut().for_each(schema),
        Value::Object(keywords) => {
            prose(keywords);
            for (keyword, value) in keywords {
                match (keyword.as_str(), value) {
                    ("const" | "default" | "enum" | "examples", _) => {}
                    (
                        "$defs" | "definitions" | "dependencies" | "dependentSchemas"
                        | "patternProperties" | "properties",
                        Value::Object(named),
                    ) => named.values_mut().for_each(schema),
                    (_, value) => schema(value),
                }
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn cleaned(item: &Value) -> Value {
        let mut item = item.as_object().cloned().unwrap();
        clean(&mut item);
        item.into()
    }

    #[test]
    fn prose_is_made_visible_wherever_it_is() {
        let hidden = json!({
            "name": "echo", "title": "E\u{200b}cho", "description": "Say\u{202e} it.\n",
            "annotations": {"title": "\u{feff}Echo"},
            "arguments": [{"name": "who", "description": "W\u{200b}ho."}],
            "inputSchema": {
                "title": "\u{2060}In",
                "properties": {
                    // Names of parameters, which look like keywords.
                    "title": {"type": "string", "description": "A\u{200b}"},
                    "default": {"anyOf": [{"description": "B\u{200b}"}]},
                    "properties": {"properties": {"enum": {"description": "C\u{200b}"}}},
                },
                "$defs": {"const": {"description": "D\u{200b}", "items": {"$comment": "E\u{200b}"}}},
            },
        });
        let visible = hidden
            .to_string()
            .replace(['\u{200b}', '\u{202e}', '\u{feff}', '\u{2060}'], "");
        let visible: Value = serde_json::from_str(&visible).unwrap();
        assert_eq!(cleaned(&hidden), visible);
        assert_eq!(super::hidden(visible.as_object().unwrap()), None);
    }

    #[test]
    fn what_stands_for_something_stays_and_is_found() {
        for item in [
            json!({"name": "e\u{200b}"}),
            json!({"uri": "a:\u{ad}", "name": "a"}),
            json!({"_meta": {"ui": "ui://\u{202e}x"}}),
            json!({"arguments": [{"name": "w\u{200b}"}]}),
            json!({"inputSchema": {"properties": {"a\u{200b}": {}}}}),
            json!({"inputSchema": {"properties": {"a": {"const": "\u{feff}"}}}}),
            json!({"inputSchema": {"enum": [{"description": "x\u{200b}"}]}}),
            json!({"outputSchema": {"default": {"title": "x\u{200b}"}}}),
            json!({"outputSchema": {"pattern": "[\u{200b}]"}}),
            json!({"outputSchema": {"required": ["\u{1b}"]}}),
        ] {
            assert_eq!(cleaned(&item), item);
            assert!(hidden_fault(item.as_object().unwrap()).is_some(), "{item}");
        }
        let lines = json!({"inputSchema": {"default": "one\r\ntwo\tthree"}});
        assert_eq!(hidden(lines.as_object().unwrap()), None);
    }
}
