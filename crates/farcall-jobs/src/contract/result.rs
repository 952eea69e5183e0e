//! `get_<x>_result`: what a job left.

use farcall_core::{
    JsonObject,
    clock::Timestamp,
    context::CallContext,
    job::{Job, state::JobState},
    problem::Problem,
    schema,
    tool::{Annotations, ToolDeclaration},
};
use farcall_store::Outcome;
use serde_json::{Value, json};

use super::{Contract, add_error, id, texts};
use crate::{Links, Queue};

pub(super) fn declaration(job: &Job) -> ToolDeclaration {
    let name = &job.name;
    let description = format!(
        "Return the result of a job of start_{name} with the URL of its file; ready is true once it has succeeded."
    );
    let mut declaration = ToolDeclaration::new(format!("get_{name}_result"), description);
    declaration.annotations = Annotations::read_only();
    declaration.input_schema = super::schema::only_id(job);
    declaration.output_schema = Some(output());
    declaration
}

fn output() -> JsonObject {
    schema::object(fields())
}

/// What says whether a job has succeeded, and what it left.
pub(super) fn fields() -> Value {
    let mut output = json!({
        "type": "object",
        "properties": {
            "job_id": super::schema::id(),
            "ready": {"type": "boolean", "description": "Whether the job has succeeded."},
            "state": super::schema::state(),
            "url": {"type": "string", "description": "Where to download the primary file; it may open for a while only, and each result has a new one."},
            "result": {"description": "The value that the job returned, where it returns one."},
            "artifacts": {
                "type": "array",
                "description": "Every file of the job.",
                "items": {
                    "type": "object",
                    "properties": {
                        "name": {"type": "string"},
                        "url": {"type": "string"},
                        "size": {"type": "integer", "description": "Length in bytes."},
                        "sha256": {"type": "string", "description": "Checksum, hexadecimal."},
                        "media_type": {"type": "string"},
                        "text": {"type": "string", "description": "What stands in it, where it is short and text, and the job shows it."},
                        "expires_at": {"type": ["string", "null"], "description": "Until when the URL opens the file, RFC 3339; ask for the result again for a new one, as long as the file is kept."},
                    },
                    "required": ["name", "url", "size", "sha256", "media_type"],
                },
            },
        },
        "required": ["job_id", "ready"],
    });
    super::schema::add_error(&mut output);
    output
}

impl Contract {
    pub(super) async fn result(
        &self,
        context: &CallContext,
        arguments: &JsonObject,
    ) -> Result<Value, Problem> {
        let caller = context.principal();
        let outcome = self.queue.outcome(&self.job, id(arguments), caller).await?;
        if outcome.record.state == JobState::Succeeded {
            return Ok(payload(&self.queue, &self.links, outcome).await);
        }
        let record = outcome.record;
        let mut payload = json!({"job_id": record.id, "ready": false, "state": record.state});
        add_error(&mut payload, &record);
        Ok(payload)
    }
}

/// What a job left that has succeeded.
pub(crate) async fn payload(queue: &Queue, links: &Links, outcome: Outcome) -> Value {
    let mut texts = texts::of(queue, &outcome).await;
    let Outcome {
        record,
        value,
        artifacts,
    } = outcome;
    let links = links.of(&record);
    let expires_at = links.until().map(Timestamp::rfc3339);
    let described = artifacts.iter().map(|artifact| {
        let mut described = json!({
            "name": artifact.name,
            "url": links.file(&artifact.name),
            "size": artifact.size,
            "sha256": artifact.sha256,
            "media_type": artifact.media_type,
            "expires_at": expires_at,
        });
        if let Some(text) = texts.remove(&artifact.name) {
            described["text"] = text.into();
        }
        described
    });
    let mut payload = json!({
        "job_id": record.id,
        "ready": true,
        "url": links.primary(),
        "artifacts": described.collect::<Vec<_>>(),
    });
    if let Some(value) = value {
        payload["result"] = value;
    }
    payload
}
