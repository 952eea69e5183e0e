//! What mounted servers offer, which is known once they have been asked.

use farcall_config::file::{Finding, Project};
use farcall_core::{JsonObject, tool::Annotations};
use farcall_wrap::mount::Entry;
use serde_json::{Value, json};

use super::declared::{Declared, annotations};
use crate::{App, mounts};

/// Starts the servers, adds their tools, and stops them; says what is wrong with them.
pub(super) async fn add(declared: &mut Declared, project: &Project) -> Vec<Finding> {
    let mut app = App::new(&project.server.name);
    let mut tools = Vec::new();
    let faults = mounts::add_and(&mut app, project, |mount, entry| {
        tools.push(described(mount, entry));
    })
    .await;
    declared.tools.extend(tools);
    for mount in &app.mounts {
        mount.stop().await;
    }
    let finding = |fault: farcall_core::catalog::Fault| Finding {
        place: None,
        // A finding is one line.
        message: format!("{}: {}", fault.subject, fault.reason).replace("\n    ", "; "),
        hint: "docs/guide/mount.md says what a mount can be told".to_owned(),
    };
    faults.into_iter().map(finding).collect()
}

fn described(mount: &str, entry: &Entry) -> Value {
    let runs = format!("mount {mount}");
    match entry {
        Entry::Job(job) => json!({
            "kind": "job",
            "name": job.name,
            "description": job.description,
            "parameters": parameters(&job.input_schema),
            "runs": runs,
            "annotations": annotations(&job.annotations),
            "stages": job.program.stages().collect::<Vec<_>>(),
        }),
        Entry::Tool(tool) => {
            let declaration = &tool.declaration;
            let hints: &Annotations = &declaration.annotations;
            json!({
                "kind": "tool",
                "name": declaration.name,
                "description": declaration.description,
                "parameters": parameters(&declaration.input_schema),
                "runs": runs,
                "output_schema": declaration.output_schema,
                "annotations": annotations(hints),
            })
        }
    }
}

/// The parameters of a schema of somebody else's, each with all that it says.
fn parameters(schema: &JsonObject) -> Vec<Value> {
    let required = schema.get("required").and_then(Value::as_array);
    let properties = schema.get("properties").and_then(Value::as_object);
    let described = |(name, values): (&String, &Value)| {
        let is_required = required.is_some_and(|required| required.iter().any(|one| one == name));
        let mut parameter = json!({
            "name": name,
            "description": values["description"],
            "required": is_required,
            "values": values,
        });
        if let Some(default) = values.get("default") {
            parameter["default"] = default.clone();
        }
        parameter
    };
    properties.into_iter().flatten().map(described).collect()
}
