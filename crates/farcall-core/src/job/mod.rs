//! Jobs: work that outlives the call that started it.
//!
//! A [`Job`] is declared once. Its record goes through the states of [`state`]; its code is a
//! [`Pipeline`] of stages that run with a [`JobContext`].

mod context;
mod pipeline;
pub mod state;

use std::time::Duration;

use schemars::JsonSchema;

pub use self::{
    context::{JobContext, JobHost},
    pipeline::{Pipeline, Program, StageValue, Step, StepBody},
};
use crate::{JsonObject, schema, tool::Annotations};

/// How long a finished job and its files are kept where the job says nothing: seven days.
pub const DEFAULT_KEEP_FOR: Duration = Duration::from_hours(7 * 24);

/// The largest value of a stage that is checkpointed, in bytes of JSON (1 MiB).
pub const MAX_STAGE_VALUE: usize = 1 << 20;

/// What is declared about a job, and the program behind it.
#[derive(Clone, Debug)]
pub struct Job {
    /// Unique within the server; its tools are `start_<name>`, `get_<name>_status`, `get_<name>_result`.
    pub name: String,
    /// What an agent reads to decide when to start it; not empty.
    pub description: String,
    /// JSON Schema 2020-12 of its parameters, an object.
    pub input_schema: JsonObject,
    /// Hints for clients, for the tool that starts it.
    pub annotations: Annotations,
    /// How long a finished job and its files are kept.
    pub keep_for: Duration,
    /// The code, stage by stage.
    pub program: Program,
}

impl Job {
    /// A job whose parameters are the fields of `I`.
    ///
    /// ```
    /// use farcall_core::{job::{Job, JobContext, Pipeline}, problem::Problem};
    /// use serde::{Deserialize, Serialize};
    ///
    /// #[derive(Serialize, Deserialize, schemars::JsonSchema)]
    /// struct Spec {
    ///     /// Numbers to add.
    ///     numbers: Vec<i64>,
    /// }
    ///
    /// fn sum(_: &JobContext, spec: Spec) -> Result<i64, Problem> {
    ///     Ok(spec.numbers.iter().sum())
    /// }
    ///
    /// let job = Job::new("total", "Add many numbers.", Pipeline::new().stage("adding", sum));
    /// assert_eq!(job.program.total_stages(), 1);
    /// ```
    pub fn new<I, O>(
        name: impl Into<String>,
        description: impl Into<String>,
        pipeline: Pipeline<I, O>,
    ) -> Self
    where
        I: StageValue + JsonSchema,
        O: StageValue,
    {
        Self {
            name: name.into(),
            description: description.into(),
            input_schema: schema::of::<I>(schema::Direction::Input),
            annotations: Annotations::default(),
            keep_for: DEFAULT_KEEP_FOR,
            program: pipeline.into_program(),
        }
    }
}

/// What `#[job]` makes of a function: a type of the same name that knows the job.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a job",
    label = "this is not the name of a function with `#[job]`",
    note = "put `#[farcall::job]` on a function that returns a `Pipeline`, and pass its name: `.job::<render>()`"
)]
pub trait JobFunction {
    /// The job that the function declares.
    fn job() -> Job;
}
