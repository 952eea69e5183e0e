//! `get_<x>_status`: how far a job is.

use std::time::Duration;

use farcall_core::{
    JsonObject,
    context::CallContext,
    job::{Job, state::JobState},
    problem::{ErrorCode, Problem},
    schema,
    tool::{Annotations, ToolDeclaration},
};
use farcall_store::JobRecord;
use serde_json::{Value, json};

use super::{Contract, POLL_AFTER_MS, add_error, id};

/// The longest that a poll may wait for a change, in seconds; clients in use cut at 30.
const MAX_WAIT_S: u32 = 20;

/// What a job says that waits for its caller.
const ASKING: &str = "waits for an answer of its caller";

/// How soon a caller should look again, in milliseconds, at a job that has been there for long. Connections have to
/// live longer than that.
pub const MAX_POLL_AFTER_MS: u16 = 10_000;

pub(super) fn declaration(job: &Job) -> ToolDeclaration {
    let name = &job.name;
    let (when, mut input) = ("Answers at once", super::schema::only_id(job));
    let mut when = when.to_owned();
    if job.options.wait {
        when.push_str(" unless wait_s says otherwise");
        input["properties"]["wait_s"] = json!({
            "type": "number",
            "minimum": 0,
            "maximum": MAX_WAIT_S,
            "default": 0,
            "description": "How many seconds to wait for a change before answering.",
        });
    }
    let description =
        format!("Say how far a job of start_{name} is. {when}; ask again after poll_after_ms.");
    let mut declaration = ToolDeclaration::new(format!("get_{name}_status"), description);
    declaration.annotations = Annotations::read_only();
    declaration.input_schema = input;
    declaration.output_schema = Some(output());
    declaration
}

fn output() -> JsonObject {
    let mut output = json!({
        "type": "object",
        "properties": {
            "job_id": super::schema::id(),
            "state": super::schema::state(),
            "stage": {"type": "integer", "description": "Current stage, 0 to total_stages."},
            "total_stages": {"type": "integer", "description": "How many stages the job has."},
            "message": {"type": "string", "description": "What is being done, one line."},
            "progress": {"type": "number", "description": "How far the current stage is, 0 to 1."},
            "poll_after_ms": {"type": "integer", "description": "When to ask again, in milliseconds; absent when final."},
            "attempt": {"type": "integer", "description": "How often it has been started; absent before the second time."},
            "retry_at": {"type": "string", "description": "When it is tried again after an error, RFC 3339."},
            "expires_at": {"type": "string", "description": "Until when a final job is kept, RFC 3339."},
        },
        "required": ["job_id", "state", "stage", "total_stages", "message"],
    });
    super::schema::add_error(&mut output);
    schema::object(output)
}

impl Contract {
    pub(super) async fn status(
        &self,
        context: &CallContext,
        arguments: &JsonObject,
    ) -> Result<Value, Problem> {
        let caller = context.principal();
        let record = self.queue.record(&self.job, id(arguments), caller).await?;
        let wait_s = arguments.get("wait_s").and_then(Value::as_f64);
        let wait_s = wait_s.unwrap_or_default().clamp(0.0, MAX_WAIT_S.into());
        if wait_s == 0.0 || record.state.is_terminal() {
            return Ok(payload(&record));
        }
        let wait = Duration::from_secs_f64(wait_s);
        let record = tokio::select! {
            record = self.queue.next(record, wait, is_change) => record?,
            () = context.cancellation().cancelled() => return Err(taken_back()),
        };
        Ok(payload(&record))
    }
}

/// Whether a caller would read something new.
pub(super) fn is_change(before: &JobRecord, after: &JobRecord) -> bool {
    let told = |record: &JobRecord| {
        (
            record.state,
            record.stage,
            record.progress,
            record.is_asking,
        )
    };
    told(before) != told(after) || before.message != after.message
}

pub(super) fn taken_back() -> Problem {
    Problem::new(ErrorCode::Cancelled, "the call was taken back")
}

fn payload(record: &JobRecord) -> Value {
    let mut payload = json!({
        "job_id": record.id,
        "state": record.state,
        "stage": record.stage,
        "total_stages": record.total_stages,
        "message": message(record),
    });
    if let Some(progress) = record.progress {
        payload["progress"] = progress.into();
    }
    if !record.state.is_terminal() {
        payload["poll_after_ms"] = poll_after(record).into();
    }
    if record.attempt > 1 {
        payload["attempt"] = record.attempt.into();
    }
    if record.state == JobState::Queued && record.run_at > record.read_at {
        payload["retry_at"] = record.run_at.rfc3339().into();
    }
    if let Some(expires_at) = record.expires_at {
        payload["expires_at"] = expires_at.rfc3339().into();
    }
    add_error(&mut payload, record);
    payload
}

/// What the job is doing, one line.
pub(crate) fn message(record: &JobRecord) -> &str {
    if record.is_asking {
        ASKING
    } else {
        &record.message
    }
}

/// A tenth of the time the job has been there, within bounds: a job of minutes is not asked
/// for every two seconds, and no job ends long before somebody looks.
pub(crate) fn poll_after(record: &JobRecord) -> i64 {
    let age = record.read_at.0.saturating_sub(record.created_at.0);
    (age / 10).clamp(POLL_AFTER_MS, MAX_POLL_AFTER_MS.into())
}
