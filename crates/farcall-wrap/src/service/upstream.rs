//! Slow work of a service: it is begun once, and asked after until it is done.
//!
//! It is two steps of a program. The first sends the request and returns the status URL, which is
//! kept with the job; so a server that starts again only asks on, and does not begin the work twice.

use std::sync::Arc;

use farcall_config::file::{Output, Upstream};
use farcall_core::{
    JsonObject,
    job::{JobContext, Pipeline, Program},
    problem::{ErrorCode, Problem},
    trace::TraceParent,
};
use serde_json::Value;
use tokio::runtime::Handle;
use url::Url;

use super::{
    client::excerpt,
    exchange::{Answer, Outgoing},
    operation::Operation,
    patience::{Pauses, unless_stopped},
    request::MAX_URL,
    response::{Reading, nothing_at, parse},
};

/// What the first stage is called where the file names only one.
const BEGINNING: &str = "starting";

/// Work that is awaited.
struct Work {
    operation: Arc<Operation>,
    upstream: Upstream,
    result: Reading,
    /// The stages of the wait.
    stages: Vec<String>,
}

/// What callers have been told about the work.
#[derive(Default)]
struct Told {
    state: String,
    /// Its place among the stages of the wait.
    stage: usize,
}

/// The program that begins the work and waits for its end. The first of several stages is the
/// request; the work enters another one when its state has its name.
///
/// # Errors
/// One sentence where the schema of the output is none.
pub(super) fn program(
    operation: Arc<Operation>,
    upstream: &Upstream,
    (output, pointer): (&Output, Option<&str>),
    stages: &[String],
) -> Result<Program, String> {
    let result = upstream.result.as_deref().or(pointer);
    let result = Reading::new(output, result)?;
    let (beginning, waiting) = match stages {
        [first, rest @ ..] if !rest.is_empty() => (first.clone(), rest.to_vec()),
        stages => (BEGINNING.to_owned(), stages.to_vec()),
    };
    let work = Arc::new(Work {
        operation,
        upstream: upstream.clone(),
        result,
        stages: waiting.clone(),
    });
    let begun = Arc::clone(&work);
    Ok(Pipeline::<JsonObject, JsonObject>::new()
        .stage_async(beginning, move |context, arguments: JsonObject| {
            let work = Arc::clone(&begun);
            async move { unless_stopped(&context, work.begin(&arguments, context.trace())).await? }
        })
        .stages_in_one(waiting, move |context, status_url: String| {
            work.wait(context, &status_url)
        })
        .into_program())
}

impl Work {
    /// Begins the work; returns its status URL.
    async fn begin(
        &self,
        arguments: &JsonObject,
        trace: Option<TraceParent>,
    ) -> Result<String, Problem> {
        let answer = self.operation.send(arguments, trace).await?;
        let service = self.operation.client.name();
        let answer = parse(service, &answer)?;
        let pointer = &self.upstream.status_url;
        let status_url = answer.pointer(pointer).and_then(Value::as_str);
        let status_url = status_url.ok_or_else(|| nothing_at(service, pointer))?;
        Ok(self.status_url(status_url)?.into())
    }

    /// Reads a status URL, which may be a path only. It gets the headers of the service, so it
    /// must be the service's own; and so it goes where the guard lets the service go.
    fn status_url(&self, text: &str) -> Result<Url, Problem> {
        let client = &self.operation.client;
        let refused = |what: &str| {
            let service = client.name();
            let sentence = format!("the service `{service}` named a status URL that {what}");
            Problem::new(ErrorCode::Internal, sentence)
                .because(format!("the status URL was `{}`", excerpt(text)))
        };
        let base_url = client.base_url();
        let mut url = base_url.join(text).map_err(|_| refused("is none"))?;
        url.set_fragment(None);
        if url.origin() != base_url.origin() {
            return Err(refused("is not its own")
                .hint("the operator should look whether the service knows its public address"));
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(refused("has a name or a password in it"));
        }
        if url.as_str().len() > MAX_URL {
            return Err(refused("is too long"));
        }
        Ok(url)
    }

    /// Polls until the work is done, on the job's own thread: to enter a stage is to wait for the store.
    fn wait(&self, context: &JobContext, status_url: &str) -> Result<Value, Problem> {
        let runtime = Handle::current();
        // Judged again: since it was kept, the file may say something else.
        let url = self.status_url(status_url)?;
        let mut pauses = Pauses::new(self.upstream.interval);
        let mut told = Told::default();
        loop {
            let request = Outgoing::get(url.clone()).traced(context.trace());
            let request = self.operation.client.send(request);
            let pause = match runtime.block_on(unless_stopped(context, request))? {
                Ok(answer) => {
                    if let Some(result) = self.judge(context, &answer, &mut told)? {
                        return Ok(result);
                    }
                    pauses.after_answer(answer.retry_after)
                }
                Err(failure) if failure.is_passing => {
                    let Some(pause) = pauses.after_failure(failure.retry_after) else {
                        return Err(failure.into());
                    };
                    tracing::warn!(
                        job = %context.job_id(),
                        service = self.operation.client.name(),
                        problem = ?failure.problem,
                        "the work cannot be asked after"
                    );
                    pause
                }
                Err(failure) => return Err(failure.into()),
            };
            runtime.block_on(unless_stopped(context, tokio::time::sleep(pause)))?;
        }
    }

    /// What an answer says about the work: its result, or how far it is.
    fn judge(
        &self,
        context: &JobContext,
        answer: &Answer,
        told: &mut Told,
    ) -> Result<Option<Value>, Problem> {
        let service = self.operation.client.name();
        let value = parse(service, answer)?;
        let pointer = &self.upstream.state;
        let state = match value.pointer(pointer) {
            None => return Err(nothing_at(service, pointer)),
            Some(Value::String(state)) => state.clone(),
            Some(state) => state.to_string(),
        };
        if self.upstream.done.contains(&state) {
            return self.result.value(service, answer).map(Some);
        }
        let shown = excerpt(&state);
        if self.upstream.failed.contains(&state) {
            let said = excerpt(&value.to_string());
            let sentence =
                format!("the service `{service}` says that the work is `{shown}`: {said}");
            // Asked again, it would say the same.
            return Err(Problem::user(sentence).no_retry());
        }
        if state != told.state {
            match self.stages.iter().position(|stage| *stage == state) {
                // The first stage was entered with the step, and none is entered twice.
                Some(place) if place > told.stage => {
                    context.stage(&state)?;
                    told.stage = place;
                }
                Some(_) => {}
                None => context.message(shown),
            }
            told.state = state;
        }
        let progress = self.upstream.progress.as_ref();
        let progress = progress.and_then(|pointer| value.pointer(pointer));
        if let Some(fraction) = progress.and_then(Value::as_f64) {
            context.progress(fraction);
        }
        Ok(None)
    }
}
