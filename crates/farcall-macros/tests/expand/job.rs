//! `#[job]`.

use std::{collections::BTreeMap, time::Duration};

use farcall_core::{
    artifact::Artifact,
    job::{Expose, Job, JobContext, JobFunction, JobOptions, OnLost, Pipeline},
    problem::Problem,
    tool::Annotations,
};
use farcall_macros::{data, job};
use serde_json::{Value, json};

/// What to render.
#[data]
struct RenderSpec {
    /// Frames to render.
    #[min = 1]
    #[max = 240]
    #[default = 24]
    frames: u32,
    /// What to call it.
    title: Option<String>,
}

fn prepare(_: &JobContext, spec: RenderSpec) -> Result<RenderSpec, Problem> {
    match spec.title.as_deref() {
        Some("") => Err(Problem::user("the title is empty")),
        _ => Ok(spec),
    }
}

#[expect(clippy::needless_pass_by_value, reason = "stages take values")]
fn encode(context: &JobContext, spec: RenderSpec) -> Result<Artifact, Problem> {
    context.write_artifact("out.gif", &spec.frames.to_be_bytes())
}

/// Render a scene to a video file.
#[job]
fn render() -> Pipeline<RenderSpec, Artifact> {
    Pipeline::new()
        .stage("preparing assets", prepare)
        .stage("encoding output", encode)
}

/// Render it again.
#[job(name = "re-render", title = "Again", idempotent, keep_for = "2d")]
fn again() -> Pipeline<RenderSpec, Artifact> {
    render()
}

/// Render it with everything that can be said.
#[job(
    retries = 3,
    retry_delay = "5s",
    timeout = "2h",
    queue_timeout = "10m",
    on_lost = "fail",
    priority = -2,
    concurrency = 2,
    slots(gpu = 1, ram_gb = 16),
    unique_for = "15s",
    cancel = false,
    log,
    wait,
    inline_text = true,
    expose("contract", "task")
)]
fn limited() -> Pipeline<RenderSpec, Artifact> {
    render()
}

fn declared<F: JobFunction>() -> Job {
    F::job()
}

#[test]
fn a_job_declares_what_stands_in_the_source() {
    let job = declared::<render>();
    assert_eq!(job.name, "render");
    assert_eq!(job.description, "Render a scene to a video file.");
    assert_eq!(job.program.total_stages(), 2);
    assert_eq!(job.annotations, Annotations::default());
    assert_eq!(job.options, JobOptions::default());
    assert_eq!(
        Value::Object(job.input_schema),
        json!({
            "description": "What to render.",
            "type": "object",
            "properties": {
                "frames": {
                    "description": "Frames to render.",
                    "type": "integer",
                    "default": 24, "minimum": 1, "maximum": 240,
                },
                "title": {"description": "What to call it.", "type": ["string", "null"]},
            },
        })
    );
}

#[test]
fn arguments_of_the_attribute_are_declared() {
    let job = declared::<again>();
    assert_eq!(job.name, "re-render");
    assert_eq!(job.annotations.title.as_deref(), Some("Again"));
    assert_eq!(job.annotations.idempotent_hint, Some(true));
    assert_eq!(job.options.keep_for, Duration::from_hours(48));
}

#[test]
fn every_option_is_declared_as_it_stands_in_the_attribute() {
    let options = declared::<limited>().options;
    let mut expected = JobOptions::default();
    expected.retries = 3;
    expected.retry_delay = Duration::from_secs(5);
    expected.timeout = Some(Duration::from_hours(2));
    expected.queue_timeout = Some(Duration::from_mins(10));
    expected.on_lost = OnLost::Fail;
    expected.priority = -2;
    expected.concurrency = Some(2);
    expected.slots = BTreeMap::from([("gpu".to_owned(), 1), ("ram_gb".to_owned(), 16)]);
    expected.unique_for = Some(Duration::from_secs(15));
    expected.cancel = false;
    expected.log = true;
    expected.wait = true;
    expected.inline_text = true;
    expected.expose = Expose::ContractAndTask;
    assert_eq!(options, expected);
}

#[test]
fn an_annotated_function_stays_callable() {
    assert_eq!(
        render().stages().collect::<Vec<_>>(),
        ["preparing assets", "encoding output"]
    );
}
