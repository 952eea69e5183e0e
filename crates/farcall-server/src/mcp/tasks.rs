//! MCP Tasks (SEP-2663): a job as its client's task.
//!
//! Nothing is kept here: every answer is made from the job's record.

use farcall_core::{
    content::ToolOutput,
    context::CallContext,
    principal::Principal,
    problem::{ErrorCode, Problem},
};
use farcall_jobs::task;
use farcall_store::JobError;
use rmcp::{
    ErrorData,
    model::{
        CancelTaskParams, ClientCapabilities, CreateTaskResult, DetailedTask, GetTaskMethod,
        GetTaskParams, GetTaskResult, InputResponses, JsonObject, Task, TaskPayload, TaskStatus,
        UpdateTaskParams,
    },
};
use serde_json::{Value, json, to_value};

use super::{
    Server, audited, call,
    client::Era,
    handler::{Connection, Request},
    rounds,
};
use crate::audit;

/// Whether a call may be answered with a task: only where the client says that it knows tasks, in
/// a version of the protocol that has them.
pub(super) fn is_known_to(request: &Request, era: Era) -> bool {
    let declared = request.client_capabilities();
    era == Era::Rounds && declared.is_some_and(|declared| declared.supports_tasks())
}

/// The error for a client that would have to know tasks.
pub(super) fn required() -> ErrorData {
    let tasks = ClientCapabilities::builder().enable_tasks().build();
    ErrorData::missing_required_client_capability(tasks)
}

/// Starts the job `job`, and returns the handle of its task.
pub(super) async fn start(
    server: &Server,
    job: &str,
    context: &CallContext,
    arguments: farcall_core::JsonObject,
) -> Result<CreateTaskResult, Problem> {
    let tasks = server.tasks.as_ref();
    let tasks = tasks.ok_or_else(|| Problem::internal("there is no store for tasks"))?;
    let task = tasks.start(job, context, arguments).await?;
    Ok(CreateTaskResult::new(handle(&task)))
}

impl Connection {
    pub(super) async fn task(
        &self,
        params: GetTaskParams,
        request: Request,
    ) -> Result<GetTaskResult, ErrorData> {
        let server = self.server();
        let (tasks, caller) = self.tasks(&server, &request)?;
        let task = tasks.get(&params.task_id, &caller).await;
        let task = task.map_err(|problem| failed(&problem))?;
        let task = task.ok_or_else(unknown)?;
        Ok(GetTaskResult::new(detailed(&server, task)?))
    }

    pub(super) async fn answer_task(
        &self,
        params: UpdateTaskParams,
        request: Request,
    ) -> Result<(), ErrorData> {
        let server = self.server();
        let (tasks, caller) = self.tasks(&server, &request)?;
        let answers = answers(params.input_responses);
        let about = || audited::of_task(&params.task_id, Some(&json!(answers)));
        let call = audited::begin(&server, &request, &caller, "tasks/update", about);
        let is_there = tasks.answer(&params.task_id, &caller, &answers).await;
        acknowledged(is_there, call)
    }

    pub(super) async fn end_task(
        &self,
        params: CancelTaskParams,
        request: Request,
    ) -> Result<(), ErrorData> {
        let server = self.server();
        let (tasks, caller) = self.tasks(&server, &request)?;
        let about = || audited::of_task(&params.task_id, None);
        let call = audited::begin(&server, &request, &caller, "tasks/cancel", about);
        acknowledged(tasks.cancel(&params.task_id, &caller).await, call)
    }

    /// The tasks, for a client that may ask about them; the SDK has seen to it that it says so.
    fn tasks<'a>(
        &self,
        server: &'a Server,
        request: &Request,
    ) -> Result<(&'a task::Tasks, Principal), ErrorData> {
        let tasks = server.tasks.as_ref();
        let tasks = tasks.filter(|_| Era::of(request) == Era::Rounds);
        // Before 2026-07-28 there was no such method.
        let tasks = tasks.ok_or_else(ErrorData::method_not_found::<GetTaskMethod>)?;
        Ok((tasks, self.caller(request)?))
    }
}

/// What a client brings to open questions; answers that are no objects are dropped.
fn answers(brought: InputResponses) -> InputResponses {
    let answers = brought.into_iter();
    answers.filter(|(_, answer)| answer.is_object()).collect()
}

fn acknowledged(
    is_there: Result<bool, Problem>,
    call: Option<audit::Call>,
) -> Result<(), ErrorData> {
    if let Some(call) = call {
        call.end(audit::Outcome::new(match &is_there {
            Ok(true) => "ok",
            Ok(false) => ErrorCode::UnknownJob.as_str(),
            Err(problem) => problem.code().as_str(),
        }));
    }
    match is_there {
        Ok(true) => Ok(()),
        Ok(false) => Err(unknown()),
        Err(problem) => Err(failed(&problem)),
    }
}

/// Unknown, foreign, expired, malformed: all of them look alike.
fn unknown() -> ErrorData {
    let sentence = "unknown task; it may have expired, or it was never started here";
    ErrorData::invalid_params(sentence, None)
}

pub(super) fn failed(problem: &Problem) -> ErrorData {
    if let Some(cause) = problem.cause() {
        tracing::error!(%cause, "a task cannot be answered about");
    }
    let pause = problem.retry_after();
    let data = pause.map(|pause| json!({"retry_after_ms": call::milliseconds(pause)}));
    ErrorData::internal_error(problem.public_message(), data)
}

fn handle(task: &task::Task) -> Task {
    let status = match task.view {
        task::View::Working => TaskStatus::Working,
        task::View::InputRequired(_) => TaskStatus::InputRequired,
        task::View::Completed(_) => TaskStatus::Completed,
        task::View::Failed(_) => TaskStatus::Failed,
        task::View::Cancelled => TaskStatus::Cancelled,
    };
    let (begun, changed) = (&task.created_at, &task.updated_at);
    let mut handle = Task::new(task.id.to_string(), status, begun, changed)
        .with_status_message(&task.message)
        .with_ttl_ms(task.ttl_ms);
    handle.poll_interval_ms = task.poll_after_ms;
    handle
}

/// A task with what belongs to its status.
pub(super) fn detailed(server: &Server, task: task::Task) -> Result<DetailedTask, ErrorData> {
    let handle = handle(&task);
    let payload = match task.view {
        task::View::Working => TaskPayload::Working,
        task::View::InputRequired(questions) => TaskPayload::InputRequired {
            input_requests: rounds::requests(&questions)?,
        },
        task::View::Completed(outcome) => TaskPayload::Completed {
            result: result(server, &task.job, outcome)?,
        },
        task::View::Failed(error) => TaskPayload::Failed {
            error: error_object(&error),
        },
        task::View::Cancelled => TaskPayload::Cancelled,
    };
    Ok(DetailedTask::new(handle, payload))
}

/// What the tool would have answered.
fn result(
    server: &Server,
    job: &str,
    outcome: Result<Value, Problem>,
) -> Result<JsonObject, ErrorData> {
    let output = match (outcome, server.catalog.tool(job)) {
        (Ok(payload), _) => ToolOutput::structured(payload),
        (Err(problem), Some(tool)) => call::failed(tool, &problem),
        (Err(problem), None) => ToolOutput::text(problem.public_message()).failed(),
    };
    match to_value(call::present(output)?) {
        Ok(Value::Object(result)) => Ok(result),
        _ => Err(ErrorData::internal_error("the result is no object", None)),
    }
}

fn error_object(error: &JobError) -> JsonObject {
    let error = json!({
        "code": rmcp::model::ErrorCode::INTERNAL_ERROR,
        "message": error.message,
        "data": {"error_code": error.code},
    });
    match error {
        Value::Object(error) => error,
        _ => JsonObject::new(),
    }
}
