//! Jobs: work that outlives the call that started it.
//!
//! A [`Job`] is declared once. Its record goes through the states of [`state`]; its code is a
//! [`Pipeline`] of stages that run with a [`JobContext`].

mod before;
mod context;
mod options;
mod pipeline;
pub mod state;

use schemars::JsonSchema;
use serde_json::Value;

pub use self::{
    before::BeforeStart,
    context::{JobContext, JobHost, LeaseRanOut, StopReason},
    options::{
        DEFAULT_KEEP_FOR, DEFAULT_RETRY_DELAY, Expose, Isolation, JobOptions, MAX_PRIORITY,
        MAX_RETRIES, OnLost, is_slot_name,
    },
    pipeline::{Pipeline, Program, StageValue, Step, StepBody},
};
use crate::{
    JsonObject,
    context::CallContext,
    problem::Problem,
    schema,
    tool::{Annotations, SchemaOrigin},
};

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
    /// A name for people, for the tool that starts it.
    pub title: Option<String>,
    /// What an agent reads to decide when to start it; not empty.
    pub description: String,
    /// JSON Schema 2020-12 of its parameters, an object.
    pub input_schema: JsonObject,
    /// Who wrote the schema.
    pub schema_origin: SchemaOrigin,
    /// Hints for clients, for the tool that starts it.
    pub annotations: Annotations,
    /// Icons as MCP writes them, for the tool that starts it; empty for none.
    pub icons: Vec<Value>,
    /// How it is kept, limited and shown.
    pub options: JobOptions,
    /// What happens in the call that starts it, before there is a job.
    pub before_start: Option<BeforeStart>,
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
        let schema = schema::of::<I>(schema::Direction::Input);
        Self::dynamic(name, description, schema, pipeline.into_program())
    }

    /// A job whose parameters and program are known only when the program runs.
    ///
    /// ```
    /// use farcall_core::{job::{Job, Program}, schema};
    ///
    /// let program = Program::dynamic(["echoing"], "1", |_, arguments| Ok(arguments));
    /// let job = Job::dynamic("echo", "Say it again.", schema::empty_object(), program);
    /// assert_eq!(job.program.total_stages(), 1);
    /// ```
    pub fn dynamic(
        name: impl Into<String>,
        description: impl Into<String>,
        input_schema: JsonObject,
        program: Program,
    ) -> Self {
        Self {
            name: name.into(),
            title: None,
            description: description.into(),
            input_schema,
            schema_origin: SchemaOrigin::default(),
            annotations: Annotations::default(),
            icons: Vec::new(),
            options: JobOptions::default(),
            before_start: None,
            program,
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

    /// The same job, whose start runs `check` first, within the call: it may ask the caller,
    /// complete the arguments, or refuse them. What it returns are the arguments of the job.
    ///
    /// ```
    /// # use farcall_core::{job::{Job, Pipeline}, problem::Problem, question::Question};
    /// # let pipeline = Pipeline::<u8, u8>::new().stage("adding", |_, n| Ok(n));
    /// let job = Job::new("total", "Add many numbers.", pipeline)
    ///     .before_start(|ctx, arguments| async move {
    ///         let sure = Question::form("This costs 2 euro. Go on?");
    ///         if ctx.ask("sure", sure).await?.is_accepted() {
    ///             Ok(arguments)
    ///         } else {
    ///             Err(Problem::user("it was not wanted after all"))
    ///         }
    ///     });
    /// assert!(job.before_start.is_some());
    /// ```
    #[must_use]
    pub fn before_start<F, A>(mut self, check: F) -> Self
    where
        F: Fn(CallContext, JsonObject) -> A + Send + Sync + 'static,
        A: Future<Output = Result<JsonObject, Problem>> + Send + 'static,
    {
        self.before_start = Some(BeforeStart::new(check));
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
