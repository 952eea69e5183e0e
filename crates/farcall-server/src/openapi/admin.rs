//! `/admin/jobs`.

use farcall_core::job::state::JobState;
use serde_json::{Value, json};

use super::{
    answer::{self, Form},
    operation::{Operation, in_path, optional},
    schemas::JOB_ID,
};
use crate::admin::{MOST, MOST_LINES};

/// What every one of these routes may answer beside what it is for.
const REFUSALS: [u16; 5] = [401, 403, 429, 431, 503];

pub(super) fn jobs() -> Value {
    let get = operation("list_jobs", "Everybody's jobs, the newest first.")
        .about("Parameters with other names are refused.")
        .answers(200, answer::json("Those that were asked for.", "Jobs"))
        .refuses(&[400]);
    with_parameters(get.and_head(), wanted())
}

pub(super) fn job() -> Value {
    let most = format!(
        "How many lines of its log, 10 by default; above {MOST_LINES} counts as {MOST_LINES}."
    );
    let get = operation("show_job", "One job from close by.")
        .about("Parameters with other names are refused.")
        .answers(
            200,
            answer::json("What `farcall jobs show --json` says.", "JobSheet"),
        )
        .refuses(&[400, 404]);
    with_parameters(
        get.and_head(),
        vec![id(), optional("query", "log", number(), &most)],
    )
}

pub(super) fn cancel() -> Value {
    let post = operation("cancel_job", "Ends a job.")
        .answers(
            200,
            answer::json(
                "As it is now; one that was over stays as it was.",
                "CancelledJob",
            ),
        )
        .refuses(&[404]);
    with_parameters(json!({"post": post.done()}), vec![id()])
}

pub(super) fn retry() -> Value {
    let post = operation("retry_job", "Starts a failed job again, as a new one.")
        .answers(200, answer::json("The new job.", "RetriedJob"))
        .refuses(&[404, 409]);
    with_parameters(json!({"post": post.done()}), vec![id()])
}

fn operation(id: &str, summary: &str) -> Operation {
    Operation::new(id, "admin", summary, Form::Plain)
        .gated()
        .refuses(&REFUSALS)
}

fn with_parameters(mut item: Value, parameters: Vec<Value>) -> Value {
    item["parameters"] = parameters.into();
    item
}

fn id() -> Value {
    in_path(
        "job_id",
        json!({"type": "string", "pattern": JOB_ID}),
        "The job.",
    )
}

/// A number as the queries take it.
fn number() -> Value {
    json!({"type": "integer", "minimum": 0, "maximum": u32::MAX})
}

fn wanted() -> Vec<Value> {
    let text = || json!({"type": "string"});
    let one_id = json!({"type": "string", "pattern": JOB_ID});
    let ids = json!({"type": "string", "pattern": "^[0-9a-f]{32}(,[0-9a-f]{32})*$"});
    let states = json!({"type": "string", "enum": JobState::ALL.map(JobState::as_str)});
    let most = format!("How many at most, 50 by default; 0 counts as 1, above {MOST} as {MOST}.");
    let these = format!(
        "These jobs, separated by commas, instead of all others; {MOST} at most are looked at."
    );
    vec![
        optional("query", "state", states, "Only those in this state."),
        optional("query", "job", text(), "Only those of this declaration."),
        optional("query", "owner", text(), "Only those of this caller."),
        optional(
            "query",
            "id",
            text(),
            "Only those whose id begins like this.",
        ),
        optional(
            "query",
            "before",
            one_id,
            "Only those that were made before this one.",
        ),
        optional("query", "limit", number(), &most),
        optional("query", "ids", ids, &these),
    ]
}
