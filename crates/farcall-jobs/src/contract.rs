//! The tools that a job becomes: `start_<x>`, `get_<x>_status`, `get_<x>_result`, and `cancel_<x>`
//! unless it says otherwise.
//!
//! They follow the remote server guide's contract for long tasks. None of them keeps
//! anything: each answer is made from the job's record.

use std::{sync::Arc, time::Duration};

use farcall_core::job::state::JobState;
use farcall_core::{
    BoxFuture, JsonObject,
    clock::Timestamp,
    content::ToolOutput,
    context::CallContext,
    id::JobId,
    job::Job,
    problem::Problem,
    schema,
    tool::{Annotations, Tool, ToolDeclaration, ToolHandler},
};
use farcall_store::{JobRecord, Outcome};
use serde_json::{Value, json};

use crate::{Links, Queue};

/// How soon a caller should look again, in milliseconds, at the beginning of a job.
const POLL_AFTER_MS: i64 = 2_000;

/// The same for a job that has been running for long.
const MAX_POLL_AFTER_MS: i64 = 10_000;

/// What the tools of `job` declare, before anything runs.
pub fn declarations(job: &Job) -> Vec<ToolDeclaration> {
    let declared = Call::of(job).map(|call| call.declaration(job));
    declared.collect()
}

/// The tools of `job`, in the order start, status, result, cancel.
pub fn tools(job: &Job, queue: &Queue, links: &Links) -> Vec<Tool> {
    let contract = Arc::new(Contract {
        job: job.name.clone(),
        queue: queue.clone(),
        links: links.clone(),
    });
    let made = Call::of(job).map(|call| Tool {
        declaration: call.declaration(job),
        handler: Arc::new(ContractTool {
            contract: Arc::clone(&contract),
            call,
        }),
    });
    made.collect()
}

#[derive(Clone, Copy)]
enum Call {
    Start,
    Status,
    Result,
    Cancel,
}

impl Call {
    fn of(job: &Job) -> impl Iterator<Item = Self> {
        let cancel = job.options.cancel.then_some(Self::Cancel);
        [Self::Start, Self::Status, Self::Result]
            .into_iter()
            .chain(cancel)
    }

    fn declaration(self, job: &Job) -> ToolDeclaration {
        let name = &job.name;
        let (tool, description, output) = match self {
            Self::Start => (
                format!("start_{name}"),
                format!(
                    "{} Runs in the background: returns a job_id at once; poll get_{name}_status until state is \
                     succeeded or failed, then call get_{name}_result. Results are kept for {}.",
                    job.description,
                    in_words(job.options.keep_for),
                ),
                started_schema(),
            ),
            Self::Status => (
                format!("get_{name}_status"),
                format!(
                    "Say how far a job of start_{name} is. Answers at once; ask again after poll_after_ms."
                ),
                status_schema(),
            ),
            Self::Result => (
                format!("get_{name}_result"),
                format!(
                    "Return the result of a job of start_{name} with the URL of its file; ready is true once it has succeeded."
                ),
                result_schema(),
            ),
            Self::Cancel => (
                format!("cancel_{name}"),
                format!(
                    "Cancel a job of start_{name}. One that runs is told to stop: get_{name}_status says failed soon after. One that is over stays as it is."
                ),
                cancelled_schema(),
            ),
        };
        let mut declaration = ToolDeclaration::new(tool, description);
        declaration.output_schema = Some(output);
        declaration.input_schema = match self {
            Self::Start => job.input_schema.clone(),
            _ => schema::object(json!({
                "type": "object",
                "properties": {"job_id": {"type": "string", "description": format!("The id that start_{name} returned.")}},
                "required": ["job_id"],
            })),
        };
        declaration.annotations = match self {
            Self::Start => job.annotations.clone(),
            Self::Status | Self::Result => Annotations::read_only(),
            Self::Cancel => Annotations {
                destructive_hint: Some(true),
                idempotent_hint: Some(true),
                ..Annotations::default()
            },
        };
        declaration
    }
}

struct Contract {
    job: String,
    queue: Queue,
    links: Links,
}

struct ContractTool {
    contract: Arc<Contract>,
    call: Call,
}

impl ToolHandler for ContractTool {
    fn call(
        &self,
        context: CallContext,
        arguments: JsonObject,
    ) -> BoxFuture<Result<ToolOutput, Problem>> {
        let (contract, call) = (Arc::clone(&self.contract), self.call);
        Box::pin(async move {
            let id = || {
                arguments
                    .get("job_id")
                    .and_then(Value::as_str)
                    .unwrap_or_default()
            };
            let payload = match call {
                Call::Start => contract.start(&context, arguments).await?,
                Call::Status => contract.status(&context, id()).await?,
                Call::Result => contract.result(&context, id()).await?,
                Call::Cancel => contract.cancel(&context, id()).await?,
            };
            Ok(ToolOutput::structured(payload))
        })
    }
}

impl Contract {
    async fn start(&self, context: &CallContext, arguments: JsonObject) -> Result<Value, Problem> {
        let started = self
            .queue
            .start(&self.job, arguments, context.principal())
            .await?;
        Ok(json!({
            "job_id": started.id,
            "state": JobState::Queued,
            "total_stages": started.total_stages,
            "poll_after_ms": POLL_AFTER_MS,
        }))
    }

    async fn status(&self, context: &CallContext, id: &str) -> Result<Value, Problem> {
        let record = self
            .queue
            .record(&self.job, id, context.principal())
            .await?;
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
            payload["poll_after_ms"] = poll_after(&record).into();
        }
        add_error(&mut payload, &record);
        Ok(payload)
    }

    async fn result(&self, context: &CallContext, id: &str) -> Result<Value, Problem> {
        let Outcome {
            record,
            value,
            artifacts,
        } = self
            .queue
            .outcome(&self.job, id, context.principal())
            .await?;
        if record.state != JobState::Succeeded {
            let mut payload = json!({"job_id": record.id, "ready": false, "state": record.state});
            add_error(&mut payload, &record);
            return Ok(payload);
        }
        let expires_at = record.expires_at.map(rfc3339);
        let described = artifacts.iter().map(|artifact| {
            json!({
                "name": artifact.name,
                "url": self.links.file(record.id, &artifact.name),
                "size": artifact.size,
                "sha256": artifact.sha256,
                "media_type": artifact.media_type,
                "expires_at": expires_at,
            })
        });
        let mut payload = json!({
            "job_id": record.id,
            "ready": true,
            "url": self.url(record.id),
            "artifacts": described.collect::<Vec<_>>(),
        });
        if let Some(value) = value {
            payload["result"] = value;
        }
        Ok(payload)
    }

    async fn cancel(&self, context: &CallContext, id: &str) -> Result<Value, Problem> {
        let caller = context.principal();
        let record = self.queue.cancel(&self.job, id, caller).await?;
        Ok(json!({"job_id": record.id, "state": record.state}))
    }

    fn url(&self, id: JobId) -> String {
        self.links.primary(id)
    }
}

fn add_error(payload: &mut Value, record: &JobRecord) {
    if let Some(error) = &record.error {
        payload["error"] = error.message.as_str().into();
        payload["error_code"] = error.code.as_str().into();
    }
}

/// A tenth of the time the job has been there, within bounds: a job of minutes is not asked
/// for every two seconds, and no job ends long before somebody looks.
fn poll_after(record: &JobRecord) -> i64 {
    let age = record.read_at.0.saturating_sub(record.created_at.0);
    (age / 10).clamp(POLL_AFTER_MS, MAX_POLL_AFTER_MS)
}

fn rfc3339(moment: Timestamp) -> String {
    jiff::Timestamp::from_millisecond(moment.0)
        .unwrap_or(jiff::Timestamp::MAX)
        .to_string()
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

fn state_schema() -> Value {
    let states = JobState::ALL.map(JobState::as_str);
    json!({"type": "string", "enum": states, "description": "succeeded and failed are final."})
}

fn started_schema() -> JsonObject {
    schema::object(json!({
        "type": "object",
        "properties": {
            "job_id": {"type": "string", "description": "Identity of the job, for every later call."},
            "state": state_schema(),
            "total_stages": {"type": "integer", "description": "How many stages the job has."},
            "poll_after_ms": {"type": "integer", "description": "When to ask for the status, in milliseconds."},
        },
        "required": ["job_id", "state", "total_stages", "poll_after_ms"],
    }))
}

fn status_schema() -> JsonObject {
    schema::object(json!({
        "type": "object",
        "properties": {
            "job_id": {"type": "string", "description": "Identity of the job."},
            "state": state_schema(),
            "stage": {"type": "integer", "description": "Current stage, 0 to total_stages."},
            "total_stages": {"type": "integer", "description": "How many stages the job has."},
            "message": {"type": "string", "description": "What is being done, one line."},
            "progress": {"type": "number", "description": "How far the current stage is, 0 to 1."},
            "poll_after_ms": {"type": "integer", "description": "When to ask again, in milliseconds; absent when final."},
            "error": {"type": "string", "description": "Why the job failed."},
            "error_code": {"type": "string", "description": "The class of the failure."},
        },
        "required": ["job_id", "state", "stage", "total_stages", "message"],
    }))
}

fn cancelled_schema() -> JsonObject {
    schema::object(json!({
        "type": "object",
        "properties": {
            "job_id": {"type": "string", "description": "Identity of the job."},
            "state": state_schema(),
        },
        "required": ["job_id", "state"],
    }))
}

fn result_schema() -> JsonObject {
    schema::object(json!({
        "type": "object",
        "properties": {
            "job_id": {"type": "string", "description": "Identity of the job."},
            "ready": {"type": "boolean", "description": "Whether the job has succeeded."},
            "state": state_schema(),
            "url": {"type": "string", "description": "Where to download the primary file."},
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
                        "expires_at": {"type": ["string", "null"], "description": "When the file may be removed, RFC 3339."},
                    },
                    "required": ["name", "url", "size", "sha256", "media_type"],
                },
            },
            "error": {"type": "string", "description": "Why the job failed."},
            "error_code": {"type": "string", "description": "The class of the failure."},
        },
        "required": ["job_id", "ready"],
    }))
}
