//! The tools that a job becomes: `start_<x>`, `get_<x>_status`, `get_<x>_result`, `get_<x>_log`
//! where it asks for that, and `cancel_<x>` unless it says otherwise; and `<x>` itself where it is
//! exposed as a task.
//!
//! They follow the remote server guide's contract for long tasks. None of them keeps
//! anything: each answer is made from the job's record. Each has a module of its own, with what it
//! declares and what it answers.

mod cancel;
mod direct;
mod log;
pub(crate) mod result;
mod schema;
pub(crate) mod start;
pub(crate) mod status;
mod texts;

use std::sync::Arc;

use farcall_core::{
    BoxFuture, JsonObject,
    content::ToolOutput,
    context::CallContext,
    job::Job,
    problem::Problem,
    tool::{Tool, ToolDeclaration, ToolHandler},
};
use farcall_store::JobRecord;
use serde_json::Value;

pub use self::status::MAX_POLL_AFTER_MS;
use crate::{Links, Queue};

/// How soon a caller should look again, in milliseconds, at the beginning of a job.
const POLL_AFTER_MS: i64 = 2_000;

/// What the tools of `job` declare, before anything runs.
pub fn declarations(job: &Job) -> Vec<ToolDeclaration> {
    let declared = Call::of(job).map(|call| call.declaration(job));
    declared.collect()
}

/// The tools of `job`, in the order start, status, result, log, cancel, and the job itself.
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
    Log,
    Cancel,
    Direct,
}

impl Call {
    fn of(job: &Job) -> impl Iterator<Item = Self> {
        let options = &job.options;
        let calls = [
            (Self::Start, true),
            (Self::Status, true),
            (Self::Result, true),
            (Self::Log, options.log),
            (Self::Cancel, options.cancel),
        ];
        let has_contract = options.expose.has_contract();
        let calls = calls
            .into_iter()
            .filter_map(move |(call, is_there)| (has_contract && is_there).then_some(call));
        calls.chain(options.expose.has_task().then_some(Self::Direct))
    }

    fn declaration(self, job: &Job) -> ToolDeclaration {
        match self {
            Self::Start => start::declaration(job),
            Self::Status => status::declaration(job),
            Self::Result => result::declaration(job),
            Self::Log => log::declaration(job),
            Self::Cancel => cancel::declaration(job),
            Self::Direct => direct::declaration(job),
        }
    }
}

/// What the tools of one job answer from.
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
            let payload = match call {
                Call::Start => contract.start(&context, arguments).await?,
                Call::Status => contract.status(&context, &arguments).await?,
                Call::Result => contract.result(&context, &arguments).await?,
                Call::Log => contract.log(&context, &arguments).await?,
                Call::Cancel => contract.cancel(&context, &arguments).await?,
                Call::Direct => contract.direct(&context, arguments).await?,
            };
            Ok(ToolOutput::structured(payload))
        })
    }
}

/// The job that a call is about; the schema has seen to it that there is one.
fn id(arguments: &JsonObject) -> &str {
    let id = arguments.get("job_id").and_then(Value::as_str);
    id.unwrap_or_default()
}

/// Why a job failed, for a caller that waited for it.
pub(crate) fn failure(record: &JobRecord) -> Problem {
    match &record.error {
        Some(error) => Problem::new(error.code, error.message.as_str()),
        None => Problem::internal("a job failed and does not say why"),
    }
    .with("job_id", record.id.to_string())
}

fn add_error(payload: &mut Value, record: &JobRecord) {
    if let Some(error) = &record.error {
        payload["error"] = error.message.as_str().into();
        payload["error_code"] = error.code.as_str().into();
    }
}
