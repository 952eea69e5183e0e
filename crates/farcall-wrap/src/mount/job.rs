//! A tool of a mounted server as a durable job.
//!
//! Each run has a server of its own, in the job's folder, that lives as long as the job's lease: to
//! cancel one run harms no other, and nothing of a run that was lost goes on.

use std::sync::Arc;

use farcall_config::file::MountedJob;
use farcall_core::{
    JsonObject,
    content::{Content, ToolOutput},
    job::{Job, JobContext, LeaseRanOut, Program},
    problem::Problem,
    schema::CheckedSchema,
    tool::{DEFAULT_TIME_LIMIT, SchemaOrigin, ToolDeclaration},
    trace::TraceParent,
};
use serde_json::Value;
use tokio::{runtime::Handle, sync::mpsc};
use tokio_util::task::AbortOnDropHandle;

use super::{
    launch::Launch,
    link::{Heard, Link},
    message::Progress,
    tool,
};
use crate::{
    command::{artifacts::Patterns, hurry},
    stages::Stages,
    text,
};

/// How much progress may wait to be followed.
const BACKLOG: usize = 64;

/// How much of what a tool says about its failure is told, in bytes.
const MAX_SENTENCE: usize = 4 << 10;

/// The job that calls the tool `own` of the server that `launch` starts. It has no `_meta` of the tool's,
/// which is about results that the tools of a job do not return.
///
/// # Errors
/// A sentence about what in the declaration could not work.
pub(super) fn job(
    declaration: ToolDeclaration,
    own: &str,
    declared: &MountedJob,
    launch: &Launch,
) -> Result<Job, String> {
    if declaration.time_limit != DEFAULT_TIME_LIMIT {
        return Err(format!(
            "it is a job, and `tools.{own}.timeout` limits calls; set `jobs.{own}.timeout`"
        ));
    }
    let output = declaration.output_schema.as_ref();
    let runs = JobTool {
        own: own.to_owned(),
        launch: launch.clone(),
        stages: declared.stages.clone(),
        patterns: Patterns::new(&declared.artifacts)?,
        output: output.map(CheckedSchema::compile).transpose()?,
    };
    let runs = Arc::new(runs);
    let program = Program::dynamic(declared.stages.clone(), own, move |context, given| {
        runs.run(context, given)
    });
    let description = match declaration.description.trim() {
        "" => format!("Run `{own}`."),
        said => said.to_owned(),
    };
    let mut job = Job::dynamic(
        declaration.name,
        description,
        declaration.input_schema,
        program,
    );
    job.schema_origin = SchemaOrigin::Imported;
    job.title = declaration.title;
    job.annotations = declaration.annotations;
    job.icons = declaration.icons;
    job.options = declared.options.clone();
    Ok(job)
}

/// The tool that a job calls.
struct JobTool {
    own: String,
    launch: Launch,
    stages: Vec<String>,
    patterns: Patterns,
    output: Option<CheckedSchema>,
}

impl JobTool {
    /// Calls the tool once, on the thread of the job.
    fn run(self: &Arc<Self>, job: &JobContext, given: Value) -> Result<Value, Problem> {
        let Value::Object(arguments) = given else {
            return Err(Problem::internal("a job was given no arguments").no_retry());
        };
        let (teller, mut told) = mpsc::channel(BACKLOG);
        let drive = drive(Arc::clone(self), job.clone(), arguments, teller);
        let runtime = Handle::current();
        // Should this thread panic, the server goes with it.
        let driven = AbortOnDropHandle::new(runtime.spawn(drive));
        let mut follower = Follower {
            job,
            stages: Stages::new(job, &self.stages),
            names_stages: false,
        };
        let mut outcome = Ok(());
        while let Some(progress) = told.blocking_recv() {
            outcome = follower.follow(progress);
            if outcome.is_err() {
                // It is told by the end of this channel.
                break;
            }
        }
        drop(told);
        let answer = runtime.block_on(driven)?;
        outcome?;
        let value = self.value(answer?)?;
        self.patterns.publish(job, job.work_dir(), &[])?;
        Ok(value)
    }

    /// What the job's caller gets: the structured value, else the text, else the blocks.
    fn value(&self, answer: JsonObject) -> Result<Value, Problem> {
        let ToolOutput {
            mut content,
            structured,
            is_error,
            ..
        } = tool::output(answer)?;
        if is_error {
            return Err(Problem::user(failure(&content)));
        }
        if let Some(schema) = &self.output {
            let judged = match &structured {
                Some(value) => schema.check(value),
                None => Err("it has no structured content".to_owned()),
            };
            judged.map_err(|violation| {
                let own = &self.own;
                Problem::internal(format!(
                    "the result of `{own}` breaks its output schema: {violation}"
                ))
            })?;
        }
        if let Some(value) = structured {
            return Ok(value);
        }
        if content.len() < 2 {
            let Some(only) = content.pop() else {
                return Ok(Value::Null);
            };
            match only.into_plain_text() {
                Ok(text) => return Ok(text.into()),
                Err(block) => content.push(block),
            }
        }
        Ok(content.into_iter().map(Content::into_value).collect())
    }
}

/// What a tool says about its failure.
fn failure(content: &[Content]) -> String {
    let texts: Vec<_> = content.iter().filter_map(Content::as_text).collect();
    let said = texts.join("\n");
    let said = said.trim();
    if said.is_empty() {
        return "the tool failed and does not say why".to_owned();
    }
    text::beginning(said, MAX_SENTENCE).into_owned()
}

/// Starts a server, calls the tool, and sees the server to its end, however that goes: what this job
/// holds, the next one may have as soon as this returns.
async fn drive(
    tool: Arc<JobTool>,
    job: JobContext,
    arguments: JsonObject,
    teller: mpsc::Sender<Progress>,
) -> Result<JsonObject, Problem> {
    let mut link = tokio::select! {
        link = tool.launch.of_job(&job) => link?,
        () = hurry(&job) => return Err(stopped(&job)),
    };
    let child = link.child();
    let called = async {
        link.greet().await?;
        call(&link, (&tool.own, arguments), job.trace(), &teller).await
    };
    let called = tokio::select! {
        biased;
        answer = called => Some(answer),
        () = job.cancellation().cancelled() => None,
        () = teller.closed() => None,
        never = child.keep(job.lease()) => match never {},
    };
    if called.is_some() {
        link.close();
    } else {
        link.stop();
    }
    let end = tokio::select! {
        // What it writes last belongs to the job's files.
        end = link.end() => Some(end),
        never = child.keep(job.lease()) => match never {},
        // What is left of it is killed at the end of the lease, or with this process.
        () = hurry(&job) => None,
    };
    let called = called.unwrap_or_else(|| Err(stopped(&job)));
    let has_expired = end.is_some_and(|end| end.has_expired);
    called.map_err(|problem| {
        if has_expired {
            problem.because(LeaseRanOut)
        } else {
            problem
        }
    })
}

async fn call(
    link: &Link,
    (own, arguments): (&str, JsonObject),
    trace: Option<TraceParent>,
    teller: &mpsc::Sender<Progress>,
) -> Result<JsonObject, Problem> {
    let mut params = tool::params(own, arguments, &JsonObject::new(), trace);
    let mut flight = link.begin("tools/call", &mut params, true).await?;
    loop {
        match flight.next().await? {
            Heard::Answer(answer) => return Ok(answer),
            Heard::Progress(progress) => {
                // Whoever follows it no longer has a reason of its own.
                let _ = teller.send(progress).await;
            }
        }
    }
}

fn stopped(job: &JobContext) -> Problem {
    let reason = job.check().err();
    reason.unwrap_or_else(|| Problem::internal("the server of a job was stopped"))
}

/// Makes stages of progress, on the thread of the job.
///
/// A message that is the name of a stage enters it, and progress is within that stage from then on. Of a
/// server that never names one, progress is spread over the stages.
struct Follower<'a> {
    job: &'a JobContext,
    stages: Stages<'a>,
    names_stages: bool,
}

impl Follower<'_> {
    fn follow(&mut self, progress: Progress) -> Result<(), Problem> {
        let message = progress.message;
        let named = message.as_ref().and_then(|message| {
            let is_it = |stage: &String| stage.trim().eq_ignore_ascii_case(message.trim());
            self.stages.number(is_it)
        });
        let share = progress.total.and_then(|total| share(progress.done, total));
        if let Some(number) = named {
            self.names_stages = true;
            self.stages.enter(number)?;
        }
        if let Some(share) = share {
            let (stage, within) = if self.names_stages {
                (self.stages.present(), share)
            } else {
                spread(share, self.stages.count())
            };
            if self.stages.enter(stage)? {
                self.job.progress(within);
            }
        }
        if let Some(message) = message.filter(|_| named.is_none()) {
            self.job.message(message);
        }
        Ok(())
    }
}

/// What is more than all or less than nothing was no progress.
fn share(done: f64, total: f64) -> Option<f64> {
    let share = done / total;
    (total > 0.0 && (0.0..=1.0).contains(&share)).then_some(share)
}

/// The stage, from 1, and the share within it, of a share of the whole.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    reason = "shares are between 0 and 1, and stages are few"
)]
fn spread(share: f64, stages: usize) -> (usize, f64) {
    let position = share * stages as f64;
    let before = (position.floor() as usize).min(stages.saturating_sub(1));
    (before + 1, position - before as f64)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn progress_is_spread_over_the_stages() {
        for (share, expected) in [
            (0.0, (1, 0.0)),
            (0.25, (2, 0.0)),
            (0.375, (2, 0.5)),
            (1.0, (4, 1.0)),
        ] {
            assert_eq!(spread(share, 4), expected);
        }
        assert_eq!(spread(0.5, 1), (1, 0.5));
        for (done, total) in [(2.0, 1.0), (1.0, 0.0), (-1.0, 1.0), (f64::NAN, 1.0)] {
            assert_eq!(share(done, total), None);
        }
    }

    #[test]
    fn a_failure_is_told_in_the_words_of_the_tool_and_is_short() {
        let blocks = [Content::text("no such"), Content::text("scene")];
        assert_eq!(failure(&blocks), "no such\nscene");
        assert!(failure(&[]).contains("does not say why"));
        let long = failure(&[Content::text("ä".repeat(100_000))]);
        assert!(long.len() <= MAX_SENTENCE + '…'.len_utf8());
        let image = Content::image(b"x", "image/gif");
        assert_eq!(image.into_value()["data"], json!("eA=="));
    }
}
