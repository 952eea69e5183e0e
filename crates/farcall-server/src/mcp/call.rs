//! Runs a tool: its arguments are judged first, its result last, and in between it can neither
//! take the server down nor keep its caller waiting for ever.

use std::{net::IpAddr, sync::Arc, time::Duration};

use farcall_core::{
    BoxFuture, JsonObject,
    catalog::CatalogedTool,
    content::{Content, ToolOutput},
    context::CallContext,
    panic,
    problem::{Demand, ErrorCode, Problem},
    trace::{Kind, Span},
};
use farcall_metrics::{Call as Counted, CallOutcome};
use rmcp::{
    ErrorData,
    model::{
        CallToolResponse, CallToolResult, ContentBlock, CreateTaskResult,
        ErrorCode as ProtocolError, MetaObject,
    },
};
use serde_json::{Value, json};
use tokio::task::JoinHandle;

use super::{Server, client::Era, limit, rounds::Binding, tasks};
use crate::audit;

/// What a client is told that cannot be asked for what a tool needs.
const LACKING: ProtocolError = ProtocolError::MISSING_REQUIRED_CLIENT_CAPABILITY;

/// What a call came to.
enum Called {
    /// What the tool answers, also where it says itself that it failed.
    Answered(CallToolResult),
    /// An answer that says so of it.
    Failed(CallToolResult, ErrorCode),
    /// The tool needs something of its client first.
    Demanding(Problem),
    /// The tool is a job, and this is its task.
    Begun(CreateTaskResult),
}

/// What a client is able to read.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reader {
    pub(super) era: Era,
    /// Whether it knows tasks.
    pub(super) knows_tasks: bool,
}

/// Calls the tool called `name`, or says what it needs of its client first; for the audit log, where
/// there is one, the call came from `address`.
///
/// # Errors
/// A protocol error where there is no such tool, where the client cannot be asked what the tool
/// needs, and where the tool's content does not have the protocol's shape.
pub(super) async fn answer(
    server: &Arc<Server>,
    name: &str,
    context: &CallContext,
    arguments: Value,
    reader: Reader,
    binding: &Binding,
    address: Option<IpAddr>,
) -> Result<CallToolResponse, ErrorData> {
    // What a caller may not call does not exist for it.
    let series = server.series(name);
    let series = series.filter(|_| context.principal().may_call(name));
    let is_there = series.is_some();
    let series = series.unwrap_or_else(|| server.metrics.no_tool());
    // Dropped with the call where nobody waits for it any more.
    let mut counted = series.begin();
    let mut span = span(context, name, is_there);
    let called = (server, name, is_there);
    let line = server.audit.as_ref().map(|audit| {
        let who = audit::Who::of(context, address);
        audit::Call::begin(audit, who, name, &arguments)
    });
    let answered = answered(called, context, arguments, reader, binding, &mut counted);
    // What is logged meanwhile says of which request it is.
    let answer = context.scope(answered).await;
    let came_to = counted.outcome();
    span.say("farcall.call.outcome", || came_to.as_str().to_owned());
    if matches!(
        came_to,
        CallOutcome::Failed | CallOutcome::Internal | CallOutcome::Timeout
    ) {
        span.fail(came_to.as_str());
    }
    if let Some(line) = line {
        line.end(audit::Outcome::of(&answer));
    }
    answer
}

/// The span of a call; what its tool asks of others stands below it. A name that is no tool's is its caller's
/// own word, and not told.
fn span(context: &CallContext, name: &str, is_there: bool) -> Span {
    let mut span = Span::begin(Kind::Server, context.trace(), || {
        let name = if is_there { name } else { "(none)" };
        format!("tools/call {name}")
    });
    span.say("mcp.method.name", || "tools/call".to_owned());
    span.say("farcall.request.id", || context.request_id().to_owned());
    if let Some(place) = span.place() {
        context.continue_at(place);
    }
    span
}

async fn answered(
    (server, name, is_there): (&Arc<Server>, &str, bool),
    context: &CallContext,
    arguments: Value,
    reader: Reader,
    binding: &Binding,
    counted: &mut Counted,
) -> Result<CallToolResponse, ErrorData> {
    let tool = server.catalog.tool(name);
    let Some(tool) = tool.filter(|_| is_there) else {
        counted.note(CallOutcome::Refused);
        let shown: String = name.chars().take(64).collect();
        let sentence = format!(
            "there is no tool `{}`; `tools/list` has the names",
            shown.escape_debug()
        );
        return Err(ErrorData::invalid_params(sentence, None));
    };
    let task = tool.tool.declaration.task.as_ref();
    if !reader.knows_tasks && task.is_some_and(|task| task.is_required) {
        counted.note(CallOutcome::Refused);
        return Err(tasks::required());
    }
    let called = call(server, tool, context, arguments, reader).await;
    counted.note(came_to(&called));
    match called? {
        Called::Begun(task) => Ok(CallToolResponse::Task(task)),
        Called::Answered(result) | Called::Failed(result, _) => {
            Ok(CallToolResponse::Complete(result))
        }
        Called::Demanding(problem) => {
            let required = match problem.demand() {
                Some(demand) => server
                    .rounds
                    .demand(demand, &context.recollection(), binding),
                None => Err(ErrorData::internal_error(problem.public_message(), None)),
            };
            // Only here it shows whether the client can be asked at all.
            counted.note(match &required {
                Ok(_) => CallOutcome::InputRequired,
                Err(error) if error.code == LACKING => CallOutcome::Failed,
                Err(_) => CallOutcome::Internal,
            });
            required.map(CallToolResponse::InputRequired)
        }
    }
}

async fn call(
    server: &Arc<Server>,
    tool: &CatalogedTool,
    context: &CallContext,
    arguments: Value,
    reader: Reader,
) -> Result<Called, ErrorData> {
    let task = tool.tool.declaration.task.as_ref();
    let outcome = match (judged(tool, arguments), task) {
        (Ok(arguments), Some(task)) if reader.knows_tasks => {
            let (server, job, call) = (Arc::clone(server), task.job.clone(), context.clone());
            let start = move || -> BoxFuture<_> {
                Box::pin(async move { tasks::start(&server, &job, &call, arguments).await })
            };
            run(tool, context, start).await.map(Called::Begun)
        }
        (Ok(arguments), _) => {
            let (handler, call) = (Arc::clone(&tool.tool.handler), context.clone());
            let output = run(tool, context, move || handler.call(call, arguments)).await;
            match output.and_then(|output| checked(tool, output)) {
                Ok(output) => return present(output).map(Called::Answered),
                Err(problem) => Err(problem),
            }
        }
        (Err(problem), _) => Err(problem),
    };
    match outcome {
        Ok(called) => Ok(called),
        Err(problem) if is_for_the_protocol(&problem, reader.era) => Ok(Called::Demanding(problem)),
        Err(problem) => {
            log(tool, &problem);
            let said = present(failed(tool, &problem))?;
            Ok(Called::Failed(said, problem.code()))
        }
    }
}

/// What a call counts as.
fn came_to(called: &Result<Called, ErrorData>) -> CallOutcome {
    match called {
        Ok(Called::Answered(result)) if result.is_error == Some(true) => CallOutcome::Failed,
        Ok(Called::Answered(_) | Called::Begun(_)) => CallOutcome::Ok,
        Ok(Called::Failed(_, ErrorCode::Timeout)) => CallOutcome::Timeout,
        Ok(Called::Failed(_, ErrorCode::Cancelled)) => CallOutcome::Abandoned,
        Ok(Called::Failed(_, ErrorCode::Internal)) | Err(_) => CallOutcome::Internal,
        Ok(Called::Failed(..)) => CallOutcome::Failed,
        Ok(Called::Demanding(_)) => CallOutcome::InputRequired,
    }
}

/// Before 2026-07-28 there is no error for a client that cannot be asked, so it reads the sentence.
fn is_for_the_protocol(problem: &Problem, era: Era) -> bool {
    match problem.demand() {
        Some(Demand::Answers(_)) => true,
        Some(Demand::Capability(_)) => era == Era::Rounds,
        None => false,
    }
}

fn judged(tool: &CatalogedTool, arguments: Value) -> Result<JsonObject, Problem> {
    tool.input.check(&arguments).map_err(|violation| {
        Problem::user(format!(
            "the arguments of `{}` are not valid: {violation}",
            tool.tool.declaration.name
        ))
        .hint("`tools/list` has the schema")
    })?;
    match arguments {
        Value::Object(arguments) => Ok(arguments),
        _ => Err(Problem::user("the arguments are no object")),
    }
}

async fn run<T: Send + 'static>(
    tool: &CatalogedTool,
    context: &CallContext,
    begin: impl FnOnce() -> BoxFuture<Result<T, Problem>> + Send + 'static,
) -> Result<T, Problem> {
    let limit = tool.tool.declaration.time_limit;
    let call = async move {
        // A handler may panic before it returns its future, too.
        let answer = panic::contain(|| Ok(begin()))?;
        panic::contain_async(answer).await
    };
    let answered = context.clone();
    let call = async move { answered.scope(call).await };
    // A task of its own: a tool that blocks its thread holds up that thread, not the clock here.
    let mut running = Running {
        task: tokio::spawn(call),
        context,
    };
    tokio::select! {
        // What is done is told as done, also where its time has run out since.
        biased;
        outcome = &mut running.task => outcome.unwrap_or_else(|error| Err(Problem::internal(error))),
        () = context.cancellation().cancelled() => {
            Err(Problem::new(ErrorCode::Cancelled, "the call was taken back"))
        }
        () = limit::reached(limit, context.waiting()) => {
            let name = &tool.tool.declaration.name;
            let limit = limit.as_secs_f64();
            let sentence = format!("`{name}` took longer than its limit of {limit} s and was cut");
            Err(Problem::new(ErrorCode::Timeout, sentence).hint("work this long belongs in a job"))
        }
    }
}

/// A tool at work. When nobody waits for it any more, because its caller has gone or its time is
/// up, it is told, and has a moment to tidy up.
struct Running<'a, T> {
    task: JoinHandle<Result<T, Problem>>,
    context: &'a CallContext,
}

impl<T> Drop for Running<'_, T> {
    fn drop(&mut self) {
        if self.task.is_finished() {
            return;
        }
        self.context.cancellation().cancel();
        let task = self.task.abort_handle();
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(async move {
                tokio::time::sleep(limit::TIDY_UP_TIME).await;
                task.abort();
            });
        }
    }
}

fn checked(tool: &CatalogedTool, output: ToolOutput) -> Result<ToolOutput, Problem> {
    let Some(schema) = &tool.output else {
        return Ok(output);
    };
    if output.is_error {
        return Ok(output);
    }
    let name = &tool.tool.declaration.name;
    let verdict = match &output.structured {
        Some(value) => schema.check(value),
        None => Err("it has no structured content".to_owned()),
    };
    match verdict {
        Ok(()) => Ok(output),
        Err(violation) => Err(Problem::internal(format!(
            "the result of `{name}` breaks its output schema: {violation}"
        ))),
    }
}

/// A problem as the answer of a tool: text always, structured where the tool's schema admits it,
/// because clients in use judge errors by the same schema and would show the violation instead.
pub(super) fn failed(tool: &CatalogedTool, problem: &Problem) -> ToolOutput {
    let mut error = json!({"error": problem.public_message()});
    if problem.code() != ErrorCode::UserError {
        error["error_code"] = problem.code().as_str().into();
    }
    if let Some(pause) = problem.retry_after() {
        error["retry_after_ms"] = milliseconds(pause).into();
    }
    for (name, value) in problem.details() {
        error[name] = value.clone();
    }
    let mut output = ToolOutput::text(error.to_string()).failed();
    let schema = tool.output.as_ref();
    let is_admitted = schema.is_none_or(|schema| schema.check(&error).is_ok());
    output.structured = is_admitted.then_some(error);
    output
}

pub(super) fn milliseconds(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

fn log(tool: &CatalogedTool, problem: &Problem) {
    let name = &tool.tool.declaration.name;
    match problem.cause() {
        Some(cause) => {
            tracing::error!(tool = name, code = %problem.code(), %cause, "a call failed");
        }
        None => {
            tracing::debug!(tool = name, code = %problem.code(), error = %problem, "a call was refused");
        }
    }
}

pub(super) fn present(output: ToolOutput) -> Result<CallToolResult, ErrorData> {
    let mut blocks = Vec::with_capacity(output.content.len());
    for content in output.content {
        blocks.push(block(content)?);
    }
    let mut result = if output.is_error {
        CallToolResult::error(blocks)
    } else {
        CallToolResult::success(blocks)
    };
    result.structured_content = output.structured;
    result.meta = output.meta.map(MetaObject);
    Ok(result)
}

/// One block in the SDK's type.
pub(super) fn block(content: Content) -> Result<ContentBlock, ErrorData> {
    match content.into_plain_text() {
        Ok(text) => Ok(ContentBlock::text(text)),
        Err(content) => serde_json::from_value(content.into_value()).map_err(|error| {
            tracing::error!(%error, "content does not have the protocol's shape");
            ErrorData::internal_error(
                "the content of the answer does not have the protocol's shape",
                None,
            )
        }),
    }
}
