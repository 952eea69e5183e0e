//! Jobs: work that outlives the call that started it.
//!
//! A [`Job`] is declared once. Its record goes through the states of [`state`]; its code is a
//! [`Pipeline`] of stages that run with a [`JobContext`].

mod context;
mod options;
mod pipeline;
pub mod state;

use schemars::JsonSchema;

pub use self::{
    context::{JobContext, JobHost, StopReason},
    options::{
        DEFAULT_KEEP_FOR, DEFAULT_RETRY_DELAY, Expose, JobOptions, MAX_PRIORITY, MAX_RETRIES,
        OnLost, is_slot_name,
    },
    pipeline::{Pipeline, Program, StageValue, Step, StepBody},
};
use crate::{JsonObject, schema, tool::Annotations};

/// The largest value of a stage that is checkpointed, in bytes of JSON (1 MiB).
pub const MAX_STAGE_VALUE: usize = 1 << 20;

/// The parameter that every tool which starts a job has beside the job's own: the key by which a
/// caller repeats a start without getting a second job.
pub const IDEMPOTENCY_KEY: &str = "idempotency_key";

/// What is declared about a job, and the program behind it.
#[derive(Clone, Debug)]
pub struct Job {
    /// Unique within the server; its tools are `start_<name>`, `get_<name>_status` and so on.
    pub name: String,
    /// What an agent reads to decide when to start it; not empty.
    pub description: String,
    /// JSON Schema 2020-12 of its parameters, an object.
    pub input_schema: JsonObject,
    /// Hints for clients, for the tool that starts it.
    pub annotations: Annotations,
    /// How it is kept, limited and shown.
    pub options: JobOptions,
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
            options: JobOptions::default(),
            program: pipeline.into_program(),
        }
    }

    /// The same job with other options.
    ///
    /// ```
    /// # use farcall_core::job::{Job, Pipeline};
    /// # let pipeline = Pipeline::<u8, u8>::new().stage("adding", |_, n| Ok(n));
    /// let job = Job::new("total", "Add many numbers.", pipeline)
    ///     .with(|options| options.concurrency = Some(1));
    /// assert_eq!(job.options.concurrency, Some(1));
    /// ```
    #[must_use]
    pub fn with(mut self, change: impl FnOnce(&mut JobOptions)) -> Self {
        change(&mut self.options);
        self
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
