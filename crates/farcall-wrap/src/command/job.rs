//! A program as a job: one run, which goes through the declared stages.
//!
//! Beside what every program finds in its [environment](super::environment) there are
//!
//! - `FARCALL_EVENTS`, the pipe that it may tell [events](crate::events) through,
//! - `FARCALL_WORK_DIR`, the job's own folder, where the patterns of artifacts look; it runs there,
//!   unless its declaration names another folder, and `TMPDIR` is the same,
//! - `FARCALL_CHECKPOINT`, a file with the last checkpoint of an earlier run, where there is one.

use std::{collections::BTreeMap, ffi::OsString, fs, sync::Arc, time::Duration};

use farcall_config::file::{Command, JobEntry};
use farcall_core::{
    JsonObject,
    job::{Job, JobContext, Program, StopReason},
    problem::Problem,
};
use serde_json::Value;
use tokio::{net::unix::pipe::Receiver, runtime::Handle, sync::mpsc};
use tokio_util::{sync::CancellationToken, task::AbortOnDropHandle};

use super::{
    Surroundings, Wrapped,
    artifacts::Patterns,
    environment::environment,
    folder::RunFolder,
    follow::{Follower, Told},
    pipe::EventPipe,
    run::{feed, until_it_ended, verdict},
};
use crate::{
    child::{Child, ChildSpec, Ended},
    lines::{Line, Lines},
    output::{Budget, Exceeded, Head, PIECE, Printed},
    progress::ProgressReader,
};

/// How many lines may wait to be followed before the program has to.
const BACKLOG: usize = 64;

/// How long a program has to stop where the server stops, or has lost the job: neither can wait for
/// its grace.
const HURRY: Duration = Duration::from_secs(1);

/// The job that runs `command`, in its surroundings.
///
/// # Errors
/// A sentence about what in the declaration could not work.
pub fn job(
    entry: &JobEntry,
    command: &Command,
    surroundings: Surroundings<'_>,
) -> Result<Job, String> {
    let wrapped = Wrapped::new(command, &entry.parameters, &entry.output, surroundings)?;
    let progress = entry.progress.as_ref().map(ProgressReader::new).transpose();
    let progress = progress
        .map_err(|fault| format!("the progress pattern is no regular expression: {fault}"))?;
    let input_schema = wrapped.parameters.schema();
    let runs = Arc::new(WrappedJob {
        stages: entry.stages.clone(),
        patterns: Patterns::new(&entry.artifacts)?,
        progress,
        wrapped: Arc::new(wrapped),
    });
    let checks = Arc::clone(&runs);
    let program = Program::dynamic(entry.stages.clone(), signature(entry, command), {
        move |context, given| runs.run(context, given)
    });
    let mut job = Job::dynamic(&entry.name, &entry.description, input_schema, program)
        // What the schema cannot say is said to whoever starts it, not to whoever polls it.
        .before_start(move |_, arguments| {
            let checks = Arc::clone(&checks);
            async move {
                let check = move || checks.check(&arguments).map(|()| arguments);
                tokio::task::spawn_blocking(check).await?
            }
        });
    job.annotations = entry.annotations.clone();
    job.options = entry.options.clone();
    Ok(job)
}

/// What of a declaration decides whether a checkpoint still fits: what runs, and what callers may
/// say to it.
fn signature(entry: &JobEntry, command: &Command) -> String {
    let Command {
        program,
        arguments,
        stdin,
        ..
    } = command;
    // What only people and models read may change.
    let parameters = entry.parameters.iter();
    let parameters = parameters.map(|one| (&one.name, &one.kind, &one.presence, &one.flag));
    let parameters: Vec<_> = parameters.collect();
    let program = program.display();
    format!("{program} {arguments:?} {stdin:?} {parameters:?}")
}

struct WrappedJob {
    wrapped: Arc<Wrapped>,
    stages: Vec<String>,
    patterns: Patterns,
    progress: Option<ProgressReader>,
}

impl WrappedJob {
    fn check(&self, arguments: &JsonObject) -> Result<(), Problem> {
        let values = self.wrapped.parameters.read(arguments)?;
        self.wrapped.template.fill(&values).map(drop)
    }

    /// Runs the program once, on the thread of the job.
    fn run(&self, job: &JobContext, given: Value) -> Result<Value, Problem> {
        let (arguments, checkpoint) = taken_apart(given)?;
        let wrapped = &self.wrapped;
        let values = wrapped.parameters.read(&arguments)?;
        let filled = wrapped.template.fill(&values)?;
        let folder = RunFolder::create()?;
        let pipe = EventPipe::create(folder.path())?;
        let environment = self.environment(job, &folder, &pipe, checkpoint)?;
        let mut spec = wrapped.spec(filled, environment, job.work_dir(), None);
        spec.writable.push(folder.path().to_owned());

        let stop = job.cancellation().child_token();
        let (sender, told) = mpsc::channel(BACKLOG);
        let drive = drive(Drive {
            spec,
            input: Value::Object(values.to_json()).to_string().into_bytes(),
            wrapped: Arc::clone(wrapped),
            job: job.clone(),
            pipe,
            stop: stop.clone(),
            told: sender,
        });
        let runtime = Handle::current();
        // Should this thread panic, the program goes with it.
        let driven = AbortOnDropHandle::new(runtime.spawn(drive));
        let progress = self.progress.clone();
        let mut follower =
            Follower::new(job, &self.stages, progress, Value::Object(arguments), stop);
        follower.follow(told);
        let driven = runtime.block_on(driven)??;

        if let Some(problem) = follower.problem {
            return Err(problem);
        }
        let tail = follower.tail.text();
        verdict(driven.ended, &driven.read, &driven.budget, &tail)?;
        let value = match follower.result {
            Some(value) => {
                wrapped.printed.check(&value)?;
                value
            }
            None if matches!(wrapped.printed, Printed::Json(_)) => {
                wrapped.printed.value(&driven.head)?
            }
            None => Value::Null,
        };
        self.patterns
            .publish(job, job.work_dir(), &follower.named)?;
        Ok(value)
    }

    fn environment(
        &self,
        job: &JobContext,
        folder: &RunFolder,
        pipe: &EventPipe,
        checkpoint: Option<Value>,
    ) -> Result<BTreeMap<OsString, OsString>, Problem> {
        let declared = &self.wrapped.command.environment;
        let mut environment = environment(declared, job.work_dir().into(), job.trace());
        environment.insert("FARCALL_WORK_DIR".into(), job.work_dir().into());
        environment.insert("FARCALL_EVENTS".into(), pipe.path().into());
        // Whatever the declaration sets or passes on, a first run has no checkpoint.
        environment.remove(&OsString::from("FARCALL_CHECKPOINT"));
        if let Some(checkpoint) = checkpoint {
            let path = folder.path().join("checkpoint.json");
            fs::write(&path, checkpoint.to_string())?;
            environment.insert("FARCALL_CHECKPOINT".into(), path.into());
        }
        Ok(environment)
    }
}

/// What a step is given: at first its arguments, an object; then both its arguments and its last
/// checkpoint, an array, so that a checkpoint of whatever form is not taken for arguments.
fn taken_apart(given: Value) -> Result<(JsonObject, Option<Value>), Problem> {
    let both = match given {
        Value::Object(arguments) => return Ok((arguments, None)),
        Value::Array(both) => <[Value; 2]>::try_from(both).ok(),
        _ => None,
    };
    match both {
        Some([Value::Object(arguments), checkpoint]) => Ok((arguments, Some(checkpoint))),
        _ => {
            Err(Problem::internal("a job was given neither arguments nor a checkpoint").no_retry())
        }
    }
}

struct Drive {
    spec: ChildSpec,
    input: Vec<u8>,
    wrapped: Arc<Wrapped>,
    job: JobContext,
    pipe: EventPipe,
    stop: CancellationToken,
    told: mpsc::Sender<Told>,
}

struct Driven {
    ended: Ended,
    read: Result<(), Exceeded>,
    budget: Budget,
    head: Head,
}

/// Runs the program, and tells what it says, until it has ended.
async fn drive(drive: Drive) -> Result<Driven, Problem> {
    let Drive {
        spec,
        input,
        wrapped,
        job,
        pipe,
        stop,
        told,
    } = drive;
    let mut child = Child::spawn_leased(spec, job.lease()).await?;
    let (stdout, stderr, stdin) = (child.stdout.take(), child.stderr.take(), child.stdin.take());
    let budget = Budget::new(wrapped.command.limits.output);
    let mut head = Head::default();
    let is_json = matches!(wrapped.printed, Printed::Json(_));
    let over = CancellationToken::new();
    let reading = async {
        let out = async {
            if is_json {
                let kept = wrapped.printed.kept();
                budget.keep_head(stdout, &mut head, kept).await
            } else {
                tell_lines(&budget, stdout, &told, Told::Line).await
            }
        };
        let error = tell_lines(&budget, stderr, &told, Told::ErrorLine);
        let both = async { tokio::try_join!(out, error) };
        let (both, ()) = tokio::join!(both, feed(stdin, input));
        both.map(drop)
    };
    let running = async {
        let ended = tokio::select! {
            ended = until_it_ended(&child, reading, stop.cancelled()) => ended,
            never = child.keep(job.lease()) => match never {},
            () = hurry(&job) => {
                Err(Problem::internal("the program is killed, because nobody can wait for it"))
            }
        };
        // Where nobody can wait for it any more, this kills it.
        drop(child);
        over.cancel();
        ended
    };
    let (ended, ()) = tokio::join!(running, pipe.tell(over.clone(), &told));
    let (ended, read) = ended?;
    Ok(Driven {
        ended,
        read,
        budget,
        head,
    })
}

/// Hands on the lines of one output.
async fn tell_lines(
    budget: &Budget,
    from: Option<Receiver>,
    told: &mpsc::Sender<Told>,
    what: fn(Line) -> Told,
) -> Result<(), Exceeded> {
    let Some(mut from) = from else { return Ok(()) };
    let mut lines = Lines::default();
    let mut bytes = vec![0; PIECE];
    loop {
        let count = budget.read(&mut from, &mut bytes).await?;
        let last = if count == 0 { lines.finish() } else { None };
        for line in lines.push(&bytes[..count]).into_iter().chain(last) {
            // A follower that is gone has failed, and waits for the program to end.
            let _ = told.send(what(line)).await;
        }
        if count == 0 {
            return Ok(());
        }
    }
}

/// Returns when the program has had the time to stop that there is.
pub(crate) async fn hurry(job: &JobContext) {
    job.cancellation().cancelled().await;
    match job.stop_reason() {
        Some(StopReason::Cancelled | StopReason::TimedOut) => std::future::pending().await,
        _ => tokio::time::sleep(HURRY).await,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn arguments_and_checkpoint_are_not_confused() {
        let arguments = || JsonObject::from_iter([("x".to_owned(), json!(1))]);
        let (first, none) = taken_apart(json!({"x": 1})).unwrap();
        assert_eq!((first, none), (arguments(), None));
        for checkpoint in [json!({"x": 2}), json!([1, 2]), json!(null)] {
            let (again, kept) = taken_apart(json!([{"x": 1}, checkpoint])).unwrap();
            assert_eq!((again, kept), (arguments(), Some(checkpoint)));
        }
        for wrong in [json!(1), json!([]), json!([1, 2]), json!([{}, 1, 2])] {
            assert!(taken_apart(wrong).is_err());
        }
    }
}
