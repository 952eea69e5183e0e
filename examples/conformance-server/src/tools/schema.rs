//! Schemas: one that was written elsewhere, and a parameter that also travels as a header.

use farcall::{
    App, JsonObject, SchemaOrigin, Tool, ToolDeclaration, ToolOutput, Value, json, tool,
};

/// Adds the tools of this module.
pub(super) fn register(app: App) -> App {
    app.add_tool(imported()).tool::<test_custom_header>()
}

/// A tool whose schema clients must get as it is.
fn imported() -> Tool {
    let mut declaration = ToolDeclaration::new(
        "json_schema_2020_12_tool",
        "Tool with JSON Schema 2020-12 features.",
    );
    declaration.input_schema = imported_schema();
    declaration.schema_origin = SchemaOrigin::Imported;
    Tool::dynamic(declaration, |_context, arguments| async {
        let arguments = Value::Object(arguments);
        Ok(ToolOutput::text(format!("Called with: {arguments}")))
    })
}

fn imported_schema() -> JsonObject {
    let schema = json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "type": "object",
        "$defs": {
            "address": {
                "$anchor": "addressDef",
                "type": "object",
                "properties": {"street": {"type": "string"}, "city": {"type": "string"}},
            },
        },
        "properties": {
            "name": {"type": "string"},
            "address": {"$ref": "#/$defs/address"},
            "contactMethod": {"type": "string", "enum": ["phone", "email"]},
            "phone": {"type": "string"},
            "email": {"type": "string"},
        },
        "allOf": [{"anyOf": [{"required": ["phone"]}, {"required": ["email"]}]}],
        "if": {
            "properties": {"contactMethod": {"const": "phone"}},
            "required": ["contactMethod"],
        },
        "then": {"required": ["phone"]},
        "else": {"required": ["email"]},
        "additionalProperties": false,
    });
    schema.as_object().cloned().unwrap_or_default()
}

/// Echo a value that also travels as a header.
#[tool(read_only)]
async fn test_custom_header(
    /// The value to send back.
    #[header = "Value"]
    value: String,
) -> String {
    value
}
