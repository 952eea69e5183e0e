//! A program as a tool: it runs once for each call.

use std::{ffi::OsString, sync::Arc, time::Duration};

use farcall_config::file::{Command, ToolEntry};
use farcall_core::{
    JsonObject,
    content::ToolOutput,
    context::CallContext,
    problem::Problem,
    tool::{Tool, ToolDeclaration},
};
use serde_json::Value;
use tokio::time::Instant;

use super::{
    Surroundings, Wrapped,
    environment::environment,
    folder::RunFolder,
    run::{feed, until_it_ended, verdict},
};
use crate::{
    child::Child,
    output::{Budget, Head, Tail, promised},
};

/// How much longer than its call a program may live, beside its grace: what the server needs to
/// notice.
const SLACK: Duration = Duration::from_secs(5);

/// The tool that runs `command`, in its surroundings.
///
/// # Errors
/// A sentence about what in the declaration could not work.
pub fn tool(
    entry: &ToolEntry,
    command: &Command,
    surroundings: Surroundings<'_>,
) -> Result<Tool, String> {
    let wrapped = Wrapped::new(command, &entry.parameters, &entry.output, surroundings)?;
    let mut declaration = ToolDeclaration::new(&entry.name, &entry.description);
    declaration.input_schema = wrapped.parameters.schema();
    declaration.output_schema = promised(&entry.output);
    declaration.annotations = entry.annotations.clone();
    declaration.time_limit = entry.timeout;
    let (wrapped, limit) = (Arc::new(wrapped), entry.timeout);
    Ok(Tool::dynamic(declaration, move |context, arguments| {
        call(Arc::clone(&wrapped), context, arguments, limit)
    }))
}

async fn call(
    wrapped: Arc<Wrapped>,
    context: CallContext,
    arguments: JsonObject,
    limit: Duration,
) -> Result<ToolOutput, Problem> {
    let prepared = Arc::clone(&wrapped);
    let prepare = move || prepare(&prepared, &arguments);
    let Prepared {
        folder,
        arguments,
        input,
    } = tokio::task::spawn_blocking(prepare).await??;
    let declared = &wrapped.command.environment;
    let environment = environment(declared, folder.path().into(), context.trace());
    // The server cuts the call at its limit; should it stand still, this holds.
    let until = Instant::now() + limit + wrapped.command.grace + SLACK;
    let spec = wrapped.spec(arguments, environment, folder.path(), Some(until));
    let mut child = Child::spawn(spec).await?;

    let budget = Budget::new(wrapped.command.limits.output);
    let (stdout, stderr, stdin) = (child.stdout.take(), child.stderr.take(), child.stdin.take());
    let (mut head, mut tail) = (Head::default(), Tail::default());
    let reading = async {
        let out = budget.keep_head(stdout, &mut head, wrapped.printed.kept());
        let error = budget.keep_tail(stderr, &mut tail);
        let both = async { tokio::try_join!(out, error) };
        let (both, ()) = tokio::join!(both, feed(stdin, input));
        both.map(drop)
    };
    let cancellation = context.cancellation().clone();
    let (ended, read) = until_it_ended(&child, reading, cancellation.cancelled()).await?;
    verdict(ended, &read, &budget, &tail.text())?;
    wrapped.printed.answer(&head)
}

/// What a run needs that takes looking at disks.
struct Prepared {
    folder: RunFolder,
    arguments: Vec<OsString>,
    input: Vec<u8>,
}

fn prepare(wrapped: &Wrapped, arguments: &JsonObject) -> Result<Prepared, Problem> {
    let values = wrapped.parameters.read(arguments)?;
    Ok(Prepared {
        arguments: wrapped.template.fill(&values)?,
        input: Value::Object(values.to_json()).to_string().into_bytes(),
        folder: RunFolder::create()?,
    })
}
