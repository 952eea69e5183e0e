//! `get_<x>_status`: how far a job is.

use farcall_core::{
    JsonObject, context::CallContext, job::Job, problem::Problem, schema, tool::Annotations,
    tool::ToolDeclaration,
};
use farcall_store::JobRecord;
use serde_json::{Value, json};

use super::{Contract, POLL_AFTER_MS, add_error, id};

/// How soon a caller should look again, in milliseconds, at a job that has been there for long.
const MAX_POLL_AFTER_MS: i64 = 10_000;

pub(super) fn declaration(job: &Job) -> ToolDeclaration {
    let name = &job.name;
    let description = format!(
        "Say how far a job of start_{name} is. Answers at once; ask again after poll_after_ms."
    );
    let mut declaration = ToolDeclaration::new(format!("get_{name}_status"), description);
    declaration.annotations = Annotations::read_only();
    declaration.input_schema = super::schema::only_id(job);
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
        Ok(payload(&record))
    }
}

fn payload(record: &JobRecord) -> Value {
    let mut payload = json!({
        "job_id": record.id,
        "state": record.state,
        "stage": record.stage,
        "total_stages": record.total_stages,
        "message": record.message,
    });
    if let Some(progress) = record.progress {
        payload["progress"] = progress.into();
    }
    if !record.state.is_terminal() {
        payload["poll_after_ms"] = poll_after(record).into();
    }
    add_error(&mut payload, record);
    payload
}

/// A tenth of the time the job has been there, within bounds: a job of minutes is not asked
/// for every two seconds, and no job ends long before somebody looks.
fn poll_after(record: &JobRecord) -> i64 {
    let age = record.read_at.0.saturating_sub(record.created_at.0);
    (age / 10).clamp(POLL_AFTER_MS, MAX_POLL_AFTER_MS)
}
