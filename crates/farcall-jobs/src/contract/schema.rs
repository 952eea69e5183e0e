//! What the schemas of several tools have in common.

use farcall_core::{
    JsonObject,
    job::{Job, state::JobState},
    schema,
};
use serde_json::{Value, json};

/// Arguments that name a job of `job`, and nothing else.
pub(super) fn only_id(job: &Job) -> JsonObject {
    schema::object(json!({
        "type": "object",
        "properties": {"job_id": argument(job)},
        "required": ["job_id"],
    }))
}

/// The argument that names a job of `job`.
pub(super) fn argument(job: &Job) -> Value {
    json!({"type": "string", "description": format!("The id that start_{} returned.", job.name)})
}

/// The id in an answer.
pub(super) fn id() -> Value {
    json!({"type": "string", "description": "Identity of the job."})
}

/// The state in an answer.
pub(super) fn state() -> Value {
    let states = JobState::ALL.map(JobState::as_str);
    json!({"type": "string", "enum": states, "description": "succeeded and failed are final."})
}

/// The fields of an answer that say why a job failed.
pub(super) fn add_error(schema: &mut Value) {
    let fields = &mut schema["properties"];
    fields["error"] = json!({"type": "string", "description": "Why the job failed."});
    fields["error_code"] = json!({"type": "string", "description": "The class of the failure."});
}
