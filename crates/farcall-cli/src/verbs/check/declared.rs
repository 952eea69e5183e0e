//! What a project offers, as `check` shows it.

use farcall_config::file::{Body, Entry, Kind, Output, Parameter, Presence, Project, Service};
use farcall_core::{artifact::hexadecimal, tool::Annotations};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::terminal::printable;

/// Everything that a project declares, in the order of the file.
///
/// What an OpenAPI document brings is known once it has been read. The catalog of
/// `farcall-wrap` replaces `tools` then: it is all that the lines, the JSON and the fingerprint are
/// made of.
pub(super) struct Declared {
    pub(super) tools: Vec<Value>,
    elsewhere: Vec<String>,
}

impl Declared {
    pub(super) fn of(project: &Project) -> Self {
        let services = project
            .services
            .iter()
            .filter_map(|(name, service)| imported(name, service));
        Self {
            tools: project.entries.iter().map(entry).collect(),
            elsewhere: services.collect(),
        }
    }

    /// SHA-256 of the whole list, so that a change of any word of it shows.
    pub(super) fn fingerprint(&self) -> String {
        let list = json!([self.tools, self.elsewhere]).to_string();
        hexadecimal(&Sha256::digest(list.as_bytes()))
    }

    /// A line for each tool and job, and the fingerprint.
    pub(super) fn lines(&self) -> Vec<String> {
        let mut lines: Vec<_> = self.tools.iter().map(line).collect();
        lines.extend(self.elsewhere.iter().cloned());
        if lines.is_empty() {
            lines.push("nothing is offered".to_owned());
        }
        lines.push(format!("sha256 {}", self.fingerprint()));
        lines
    }
}

fn line(tool: &Value) -> String {
    let text = |key: &str| tool[key].as_str().unwrap_or_default();
    let parameters = tool["parameters"].as_array().into_iter().flatten();
    let parameters: Vec<_> = parameters
        .map(|parameter| {
            let name = parameter["name"].as_str().unwrap_or_default();
            match parameter.get("default") {
                Some(default) => format!("{name} = {default}"),
                None if parameter["required"] == false => format!("{name}?"),
                None => name.to_owned(),
            }
        })
        .collect();
    let description = text("description")
        .lines()
        .find(|line| !line.trim().is_empty());
    let line = format!(
        "{:<4} {}({}): {}",
        text("kind"),
        text("name"),
        parameters.join(", "),
        description.unwrap_or_default().trim()
    );
    printable(&line).into_owned()
}

fn entry(entry: &Entry) -> Value {
    match entry {
        Entry::Tool(tool) => json!({
            "kind": "tool",
            "name": tool.name,
            "description": tool.description,
            "parameters": tool.parameters.iter().map(parameter).collect::<Vec<_>>(),
            "runs": runs(&tool.body),
            "output_schema": schema(&tool.output),
            "annotations": annotations(&tool.annotations),
        }),
        Entry::Job(job) => json!({
            "kind": "job",
            "name": job.name,
            "description": job.description,
            "parameters": job.parameters.iter().map(parameter).collect::<Vec<_>>(),
            "runs": runs(&job.body),
            "output_schema": schema(&job.output),
            "annotations": annotations(&job.annotations),
            "stages": job.stages,
            "artifacts": job.artifacts,
        }),
    }
}

/// What is behind a tool, for people.
fn runs(body: &Body) -> String {
    match body {
        Body::Command(command) => command.program.to_string_lossy().into_owned(),
        Body::Request(request) => format!("service {}", request.service),
    }
}

fn schema(output: &Output) -> Value {
    match output {
        Output::Json(Some(schema)) => Value::Object(schema.clone()),
        Output::Json(None) | Output::Status | Output::Text => Value::Null,
    }
}

pub(super) fn annotations(annotations: &Annotations) -> Value {
    serde_json::to_value(annotations).unwrap_or_default()
}

fn parameter(parameter: &Parameter) -> Value {
    let mut value = json!({
        "name": parameter.name,
        "description": parameter.description,
        "required": parameter.presence == Presence::Required,
        "values": kind(&parameter.kind),
    });
    if let Presence::Default(default) = &parameter.presence {
        value["default"] = default.clone();
    }
    if !parameter.examples.is_empty() {
        value["examples"] = json!(parameter.examples);
    }
    value
}

fn kind(kind: &Kind) -> Value {
    match kind {
        Kind::String {
            pattern,
            choices,
            format,
            min_length,
            max_length,
        } => json!({
            "type": "string",
            "pattern": pattern,
            "enum": choices,
            "format": format.map(|format| format!("{format:?}")),
            "min_length": min_length,
            "max_length": max_length,
        }),
        Kind::Integer { minimum, maximum } => {
            json!({"type": "integer", "minimum": minimum, "maximum": maximum})
        }
        Kind::Number { minimum, maximum } => {
            json!({"type": "number", "minimum": minimum, "maximum": maximum})
        }
        Kind::Boolean => json!({"type": "boolean"}),
        Kind::Array {
            items,
            min_items,
            max_items,
        } => json!({
            "type": "array",
            "items": self::kind(items),
            "min_items": min_items,
            "max_items": max_items,
        }),
        Kind::File { .. } => json!({"type": "file"}),
    }
}

/// What comes from the description of a service.
fn imported(name: &str, service: &Service) -> Option<String> {
    let document = service.openapi.as_ref()?.document.display();
    Some(format!(
        "the operations of service `{name}`, as `{document}` describes them; it was not read"
    ))
}
