//! Tools from an OpenAPI document, versions 3.0 to 3.2, as JSON.
//!
//! The document says what can be asked; where the service is, and who asks, says `farcall.toml` alone:
//! servers and security in the document are not used.

mod dialect;
mod document;
mod endless;
mod inputs;
mod operations;
mod outputs;
mod schemas;

use std::{
    collections::{HashMap, HashSet},
    fs::File,
    io::{self, Read},
    path::Path,
    sync::Arc,
};

use farcall_config::file::OpenApi;
use farcall_core::{
    JsonObject,
    name::{MAX_TOOL_NAME, tool_name_fault},
    schema::CheckedSchema,
    tool::{Annotations, DEFAULT_TIME_LIMIT, MAX_TIME_LIMIT, SchemaOrigin, Tool, ToolDeclaration},
};
use reqwest::Method;
use serde_json::Value;

use self::{
    document::{Document, text},
    operations::Found,
};
use super::{client::Client, operation::Operation, request::Template, response::Reading};
use crate::text::visible;

/// The longest document that is read, in bytes.
const MAX_DOCUMENT: u64 = 32 << 20;

/// The largest schema of a tool, in bytes of JSON; every client reads the schemas of all tools.
const MAX_SCHEMA: usize = 256 << 10;

/// The tools of the operations that `import` chooses, in the order of its document.
///
/// # Errors
/// One sentence for each thing that is wrong, with a JSON pointer to the place.
pub(super) fn tools(client: &Arc<Client>, import: &OpenApi) -> Result<Vec<Tool>, Vec<String>> {
    let bytes = read(&import.document).map_err(|error| {
        let path = import.document.display();
        vec![format!("the document `{path}` cannot be read: {error}")]
    })?;
    from_bytes(client, import, &bytes)
}

fn read(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(path)?
        .take(MAX_DOCUMENT + 1)
        .read_to_end(&mut bytes)?;
    if bytes.len() as u64 > MAX_DOCUMENT {
        let sentence = format!("it has more than {MAX_DOCUMENT} bytes");
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, sentence));
    }
    Ok(bytes)
}

/// The same of the bytes of a document.
pub(crate) fn from_bytes(
    client: &Arc<Client>,
    import: &OpenApi,
    bytes: &[u8],
) -> Result<Vec<Tool>, Vec<String>> {
    let document = Document::parse(bytes).map_err(|fault| vec![fault])?;
    let mut faults = Vec::new();
    let found = operations::all(&document, &mut faults);
    let chosen = operations::chosen(&found, import, &mut faults);
    let mut tools: Vec<Tool> = Vec::new();
    let mut places: HashMap<String, &str> = HashMap::new();
    for operation in chosen {
        let tool = match tool(client, import, &document, operation) {
            Ok(tool) => tool,
            Err(more) => {
                faults.extend(more);
                continue;
            }
        };
        let name = &tool.declaration.name;
        if let Some(other) = places.insert(name.clone(), &operation.place) {
            faults.push(format!(
                "at `{}`: it becomes the tool `{name}`, as the one at `{other}` does; give one of them another name in `names`",
                operation.place
            ));
        }
        tools.push(tool);
    }
    let mut seen = HashSet::new();
    faults.retain(|fault| seen.insert(fault.clone()));
    if faults.is_empty() {
        Ok(tools)
    } else {
        Err(faults)
    }
}

fn tool(
    client: &Arc<Client>,
    import: &OpenApi,
    document: &Document,
    found: &Found<'_>,
) -> Result<Tool, Vec<String>> {
    let mut faults = Vec::new();
    let name = match import.names.get(&found.id) {
        Some(name) => {
            let fault = tool_name_fault(name);
            faults.extend(fault.map(|fault| format!("`{name}` in `names`: {fault}")));
            name.clone()
        }
        None => valid_name(&found.id),
    };
    let inputs = inputs::of(client, document, found, &mut faults);
    let output_schema = outputs::of(document, found, &mut faults);
    // What has other faults is no schema yet.
    if faults.is_empty() {
        let schemas = [Some(&inputs.schema), output_schema.as_ref()];
        let wrong = schemas.into_iter().flatten().filter_map(schema_fault);
        faults.extend(wrong.map(|fault| format!("at `{}`: {fault}", found.place)));
    }
    if !faults.is_empty() {
        return Err(faults);
    }
    // What was promised as an object is judged where all results of tools are.
    let reading = match output_schema {
        Some(_) => Reading::json(),
        None => Reading::any(),
    };
    let operation = Operation {
        client: Arc::clone(client),
        parameters: None,
        template: Template {
            method: found.method.clone(),
            path: inputs.path,
            query: inputs.query,
            headers: inputs.headers,
            body: inputs.body,
        },
        reading,
    };
    Ok(Arc::new(operation).into_tool(ToolDeclaration {
        title: title(found),
        input_schema: inputs.schema,
        output_schema,
        schema_origin: SchemaOrigin::Imported,
        annotations: annotations(found),
        // The request's own limit says what took long; the tool's would only cut it.
        time_limit: client
            .timeout()
            .saturating_mul(2)
            .clamp(DEFAULT_TIME_LIMIT, MAX_TIME_LIMIT),
        ..ToolDeclaration::new(name, description(import, found))
    }))
}

fn description(import: &OpenApi, found: &Found<'_>) -> String {
    let written = import.descriptions.get(&found.id).map(String::as_str);
    let written = written
        .or_else(|| text(found.operation, "description"))
        .or_else(|| text(found.operation, "summary"));
    match written {
        Some(written) => visible(written.trim()),
        None => format!("{} {}", found.method, visible(found.path)),
    }
}

fn title(found: &Found<'_>) -> Option<String> {
    text(found.operation, "summary").map(visible)
}

/// What RFC 9110 section 9.2 says about the methods.
fn annotations(found: &Found<'_>) -> Annotations {
    let method = &found.method;
    Annotations {
        title: title(found),
        read_only_hint: Some(*method == Method::GET),
        destructive_hint: (*method == Method::DELETE).then_some(true),
        idempotent_hint: method.is_idempotent().then_some(true),
        open_world_hint: None,
    }
}

fn schema_fault(schema: &JsonObject) -> Option<String> {
    let size = Value::Object(schema.clone()).to_string().len();
    if size > MAX_SCHEMA {
        return Some(format!(
            "its schema has {size} bytes, at most {MAX_SCHEMA} are shown to clients"
        ));
    }
    let fault = CheckedSchema::compile(schema).err()?;
    Some(format!("its schema is invalid {fault}"))
}

/// A name for a tool that is as near to `id` as can be.
fn valid_name(id: &str) -> String {
    let name = id.chars().map(|sign| match sign {
        'a'..='z' | 'A'..='Z' | '0'..='9' | '_' | '-' => sign,
        _ => '_',
    });
    let name: String = name.collect();
    let name: String = name.trim_matches('_').chars().take(MAX_TOOL_NAME).collect();
    if name.is_empty() {
        "operation".to_owned()
    } else {
        name
    }
}
