//! `start_<x>`: takes a job in.

use std::time::Duration;

use farcall_core::{
    JsonObject,
    context::CallContext,
    job::{IDEMPOTENCY_KEY, Job},
    problem::Problem,
    question::Askable,
    schema,
    tool::ToolDeclaration,
};
use serde_json::{Value, json};

use super::{Contract, POLL_AFTER_MS};
use crate::{
    Queue,
    queue::{How, Started},
};

pub(super) fn declaration(job: &Job) -> ToolDeclaration {
    let name = &job.name;
    let description = format!(
        "{} Runs in the background: returns a job_id at once; poll get_{name}_status until state is \
         succeeded or failed, then call get_{name}_result. Results are kept for {}.",
        job.description,
        in_words(job.options.keep_for),
    );
    let mut declaration = ToolDeclaration::new(format!("start_{name}"), description);
    declaration.title.clone_from(&job.title);
    declaration.annotations = job.annotations.clone();
    declaration.icons.clone_from(&job.icons);
    declaration.schema_origin = job.schema_origin;
    declaration.input_schema = with_key(&job.input_schema);
    declaration.output_schema = Some(schema::object(json!({
        "type": "object",
        "properties": {
            "job_id": {"type": "string", "description": "Identity of the job, for every later call."},
            "state": super::schema::state(),
            "total_stages": {"type": "integer", "description": "How many stages the job has."},
            "poll_after_ms": {"type": "integer", "description": "When to ask for the status, in milliseconds."},
            "deduplicated": {"type": "boolean", "description": "True where this is a job that was started before."},
        },
        "required": ["job_id", "state", "total_stages", "poll_after_ms"],
    })));
    declaration
}

impl Contract {
    pub(super) async fn start(
        &self,
        context: &CallContext,
        arguments: JsonObject,
    ) -> Result<Value, Problem> {
        let started = begin(&self.queue, &self.job, context, arguments, Askable::NOBODY).await?;
        let mut payload = json!({
            "job_id": started.id,
            "state": started.state,
            "total_stages": started.total_stages,
            "poll_after_ms": POLL_AFTER_MS,
        });
        if started.was_there {
            payload["deduplicated"] = true.into();
        }
        Ok(payload)
    }
}

/// Starts a job of the kind `job` in the name of a call, with the key that is among its arguments,
/// once what has to happen before has happened.
pub(crate) async fn begin(
    queue: &Queue,
    job: &str,
    context: &CallContext,
    mut arguments: JsonObject,
    can_ask: Askable,
) -> Result<Started, Problem> {
    let key = take_key(&mut arguments);
    if let Some(before) = queue.before_start(job) {
        arguments = before.run(context.clone(), arguments).await?;
    }
    let how = How {
        key,
        can_ask,
        trace: context.trace(),
    };
    let caller = context.principal();
    queue.start_with(job, arguments, caller, how).await
}

/// The parameters of a job, and the key by which its caller knows a repetition.
pub(super) fn with_key(parameters: &JsonObject) -> JsonObject {
    let key = json!({
        "type": "string",
        "minLength": 1,
        "maxLength": 255,
        "pattern": "^[!-~]+$",
        "description": "Any text of your own without spaces. Send the same one when you repeat a start whose answer you did not get: there will be one job.",
    });
    let mut parameters = parameters.clone();
    add_property(&mut parameters, &key);
    parameters
}

/// Adds the key to `schema`, and to those of its parts that would refuse it.
fn add_property(schema: &mut JsonObject, key: &Value) {
    let properties = schema.entry("properties").or_insert_with(|| json!({}));
    if let Value::Object(properties) = properties {
        properties.insert(IDEMPOTENCY_KEY.to_owned(), key.clone());
    }
    for parts in ["allOf", "anyOf", "oneOf"] {
        let parts = schema.get_mut(parts).and_then(Value::as_array_mut);
        for part in parts.into_iter().flatten() {
            if let Value::Object(part) = part
                && part.get("additionalProperties") == Some(&Value::Bool(false))
            {
                add_property(part, &Value::Bool(true));
            }
        }
    }
}

fn take_key(arguments: &mut JsonObject) -> Option<String> {
    match arguments.remove(IDEMPOTENCY_KEY) {
        Some(Value::String(key)) => Some(key),
        _ => None,
    }
}

fn in_words(time: Duration) -> String {
    let (count, unit) = match time.as_secs() {
        seconds if seconds >= 172_800 => (seconds / 86_400, "days"),
        seconds if seconds >= 7_200 => (seconds / 3_600, "hours"),
        seconds if seconds >= 120 => (seconds / 60, "minutes"),
        seconds => (seconds, "seconds"),
    };
    format!("{count} {unit}")
}
