//! Declarations in the SDK's types, made once at start.

use farcall_core::{
    JsonObject,
    catalog::{Catalog, Fault, Faults},
    prompt::Prompt,
    tool::{SchemaOrigin, ToolDeclaration},
};
use rmcp::model::{Implementation, ServerCapabilities, ServerConfig, TASKS_EXTENSION_ID, Tool};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::Identity;

/// What clients are shown.
pub(crate) struct Presented {
    pub(crate) info: ServerConfig,
    pub(crate) tools: Vec<Tool>,
    with_headers: Vec<usize>,
    pub(crate) prompts: Vec<rmcp::model::Prompt>,
    pub(crate) resources: Vec<rmcp::model::Resource>,
    pub(crate) templates: Vec<rmcp::model::ResourceTemplate>,
}

impl Presented {
    /// # Errors
    /// [`Faults`] where a field, such as an icon, does not have the protocol's shape.
    pub(crate) fn new(
        identity: &Identity,
        catalog: &Catalog,
        has_updates: bool,
    ) -> Result<Self, Faults> {
        let offers = catalog.offers();
        let mut faults = Vec::new();
        let mut presented = Self {
            with_headers: Vec::new(),
            info: info(identity, catalog, has_updates),
            tools: tools(catalog, &mut faults),
            prompts: offers
                .prompts
                .iter()
                .filter_map(|prompt| {
                    keep(prompt_value(prompt), "prompt", &prompt.name, &mut faults)
                })
                .collect(),
            resources: offers
                .resources
                .iter()
                .filter_map(|resource| {
                    let value = with_field(&resource.fields, "uri", &resource.uri);
                    keep(value, "resource", &resource.uri, &mut faults)
                })
                .collect(),
            templates: offers
                .templates
                .iter()
                .filter_map(|template| {
                    let value = with_field(&template.fields, "uriTemplate", &template.uri_template);
                    keep(
                        value,
                        "resource template",
                        &template.uri_template,
                        &mut faults,
                    )
                })
                .collect(),
        };
        let tools = presented.tools.iter().enumerate();
        let with_headers = tools
            .filter(|(_, tool)| has_header(tool))
            .map(|(index, _)| index);
        presented.with_headers = with_headers.collect();
        if faults.is_empty() {
            Ok(presented)
        } else {
            Err(Faults(faults))
        }
    }

    /// The tool called `name`, where a parameter of it also travels as a header (SEP-2243).
    pub(crate) fn tool_with_headers(&self, name: &str) -> Option<&Tool> {
        let mut tools = self.with_headers.iter().map(|&index| &self.tools[index]);
        tools.find(|tool| tool.name == name)
    }
}

/// The tools of `catalog` as `tools/list` shows them, in order.
///
/// # Errors
/// [`Faults`] where a field, such as an icon, does not have the protocol's shape.
pub fn listed(catalog: &Catalog) -> Result<Vec<Value>, Faults> {
    let mut faults = Vec::new();
    let tools = tools(catalog, &mut faults);
    if faults.is_empty() {
        Ok(tools.iter().map(|tool| json!(tool)).collect())
    } else {
        Err(Faults(faults))
    }
}

fn tools(catalog: &Catalog, faults: &mut Vec<Fault>) -> Vec<Tool> {
    let declarations = catalog.tools().iter().map(|tool| &tool.tool.declaration);
    let kept = declarations
        .filter_map(|declaration| keep(tool_value(declaration), "tool", &declaration.name, faults));
    kept.collect()
}

fn keep<T: DeserializeOwned>(
    value: Value,
    kind: &str,
    name: &str,
    faults: &mut Vec<Fault>,
) -> Option<T> {
    serde_json::from_value(value)
        .map_err(|error| {
            faults.push(Fault {
                subject: format!("{kind} `{name}`"),
                reason: format!("a field does not have MCP's shape: {error}"),
            });
        })
        .ok()
}

fn info(identity: &Identity, catalog: &Catalog, has_updates: bool) -> ServerConfig {
    let offers = catalog.offers();
    let mut capabilities = json!({"logging": {}, "tools": {}});
    if has_updates {
        capabilities["tools"] = json!({"listChanged": true});
    }
    if !offers.prompts.is_empty() {
        capabilities["prompts"] = if has_updates {
            json!({"listChanged": true})
        } else {
            json!({})
        };
    }
    if !offers.resources.is_empty() || !offers.templates.is_empty() {
        capabilities["resources"] = if has_updates {
            json!({"listChanged": true, "subscribe": true})
        } else {
            json!({})
        };
    }
    if !offers.completions.is_empty() {
        capabilities["completions"] = json!({});
    }
    let mut tools = catalog.tools().iter();
    if tools.any(|tool| tool.tool.declaration.task.is_some()) {
        capabilities["extensions"] = json!({TASKS_EXTENSION_ID: {}});
    }
    // The value is written above, with nothing in it that the type does not know.
    let capabilities: ServerCapabilities = serde_json::from_value(capabilities).unwrap_or_default();
    let mut implementation = Implementation::new(&identity.name, &identity.version);
    implementation.title.clone_from(&identity.title);
    let mut info = ServerConfig::new(capabilities).with_server_info(implementation);
    info.instructions.clone_from(&identity.instructions);
    info
}

fn tool_value(declaration: &ToolDeclaration) -> Value {
    let mut value = json!({
        "name": declaration.name,
        "inputSchema": declaration.input_schema,
    });
    if !declaration.description.is_empty() {
        value["description"] = declaration.description.as_str().into();
    }
    let declared = declaration.schema_origin == SchemaOrigin::Declared;
    let hinted = declaration.annotations.title.as_ref().filter(|_| declared);
    if let Some(title) = declaration.title.as_ref().or(hinted) {
        value["title"] = title.as_str().into();
    }
    if let Some(schema) = &declaration.output_schema {
        value["outputSchema"] = Value::Object(schema.clone());
    }
    let annotations = json!(declaration.annotations);
    if annotations
        .as_object()
        .is_some_and(|hints| !hints.is_empty())
    {
        value["annotations"] = annotations;
    }
    if !declaration.icons.is_empty() {
        value["icons"] = Value::Array(declaration.icons.clone());
    }
    if !declaration.meta.is_empty() {
        value["_meta"] = Value::Object(declaration.meta.clone());
    }
    value
}

fn prompt_value(prompt: &Prompt) -> Value {
    let mut value = Value::Object(with(&prompt.fields, "name", prompt.name.as_str().into()));
    if prompt.origin == SchemaOrigin::Imported {
        return value;
    }
    value["description"] = prompt.description.as_str().into();
    if !prompt.arguments.is_empty() {
        let arguments = prompt.arguments.iter().map(|argument| {
            json!({"name": argument.name, "description": argument.description, "required": argument.required})
        });
        value["arguments"] = arguments.collect();
    }
    value
}

fn with_field(fields: &JsonObject, name: &str, value: &str) -> Value {
    Value::Object(with(fields, name, value.into()))
}

fn with(fields: &JsonObject, name: &str, value: Value) -> JsonObject {
    let mut fields = fields.clone();
    fields.insert(name.to_owned(), value);
    fields
}

fn has_header(tool: &Tool) -> bool {
    let properties = tool
        .input_schema
        .get("properties")
        .and_then(Value::as_object);
    let mut properties = properties.into_iter().flat_map(JsonObject::values);
    properties.any(|property| property.get("x-mcp-header").is_some())
}
