//! `<x>` itself: starts a job and waits for it, for callers that do not know tasks.

use std::{sync::Arc, time::Duration};

use farcall_core::{
    JsonObject,
    context::CallContext,
    id::JobId,
    job::{Job, state::JobState},
    problem::Problem,
    question::Askable,
    schema,
    tool::{DEFAULT_TIME_LIMIT, TaskTool, ToolDeclaration},
};
use farcall_store::JobRecord;
use serde_json::{Value, json};

use super::{Contract, POLL_AFTER_MS, failure, result, start, status};

/// How long it waits: so that the answer is there before the call is cut.
const PATIENCE: Duration = DEFAULT_TIME_LIMIT.saturating_sub(Duration::from_secs(1));

pub(super) fn declaration(job: &Job) -> ToolDeclaration {
    let name = &job.name;
    let has_contract = job.options.expose.has_contract();
    let otherwise = if has_contract {
        format!(
            " Waits up to {} seconds for the result, then returns a job_id for get_{name}_status and get_{name}_result.",
            PATIENCE.as_secs()
        )
    } else {
        " Needs a client that knows tasks.".to_owned()
    };
    let description = format!("{}{otherwise}", job.description);
    let mut declaration = ToolDeclaration::new(name, description);
    declaration.title.clone_from(&job.title);
    declaration.annotations = job.annotations.clone();
    declaration.icons.clone_from(&job.icons);
    declaration.schema_origin = job.schema_origin;
    declaration.input_schema = start::with_key(&job.input_schema);
    declaration.output_schema = Some(output());
    declaration.task = Some(TaskTool {
        job: name.clone(),
        is_required: !has_contract,
    });
    declaration
}

fn output() -> JsonObject {
    let mut output = result::fields();
    let fields = &mut output["properties"];
    fields["total_stages"] =
        json!({"type": "integer", "description": "How many stages the job has."});
    fields["poll_after_ms"] =
        json!({"type": "integer", "description": "When to ask for the status, in milliseconds."});
    fields["message"] =
        json!({"type": "string", "description": "What to do while it is still running."});
    schema::object(output)
}

impl Contract {
    pub(super) async fn direct(
        &self,
        context: &CallContext,
        arguments: JsonObject,
    ) -> Result<Value, Problem> {
        let job = &self.job;
        let started = start::begin(&self.queue, job, context, arguments, Askable::NOBODY).await?;
        let ended = tokio::select! {
            ended = self.follow(context, started.id) => ended,
            () = tokio::time::sleep(PATIENCE) => None,
            () = self.queue.stopping().cancelled() => None,
            () = context.cancellation().cancelled() => return Err(status::taken_back()),
        };
        let Some(record) = ended else {
            return Ok(json!({
                "job_id": started.id,
                "ready": false,
                "state": JobState::Running,
                "total_stages": started.total_stages,
                "poll_after_ms": POLL_AFTER_MS,
                "message": format!("still running; ask get_{job}_status for it"),
            }));
        };
        if record.state == JobState::Failed {
            return Err(failure(&record));
        }
        let (id, caller) = (record.id.to_string(), context.principal());
        let outcome = self.queue.outcome(job, &id, caller).await?;
        Ok(result::payload(&self.queue, &self.links, outcome).await)
    }

    /// Tells the caller of every change until the job is over; `None` where it cannot be watched.
    async fn follow(&self, context: &CallContext, id: JobId) -> Option<Arc<JobRecord>> {
        let mut watching = self.queue.watch(id)?;
        let mut told: Option<Arc<JobRecord>> = None;
        let mut done = 0.0;
        loop {
            let record = watching.next().await?;
            if record.state.is_terminal() {
                return Some(record);
            }
            if told.is_none_or(|told| status::is_change(&told, &record)) {
                // A job that begins again goes back; what is told only ever grows.
                done = f64::max(done, progress(&record));
                let message = status::message(&record);
                context
                    .progress(done, Some(record.total_stages.into()), message)
                    .await;
            }
            told = Some(record);
        }
    }
}

/// How many stages are done, with the part of the present one.
fn progress(record: &JobRecord) -> f64 {
    let finished = f64::from(record.stage.saturating_sub(1));
    finished + record.progress.unwrap_or_default()
}
