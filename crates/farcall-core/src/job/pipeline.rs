//! The code of a job: stages in a row, each taking what the one before it returned.

use std::{any::TypeId, fmt, marker::PhantomData, sync::Arc};

use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::JobContext;
use crate::{
    BoxFuture, JsonObject,
    artifact::{self, Artifact},
    problem::Problem,
};

/// What may pass from stage to stage: it is written to the store between them.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot pass from one stage to the next",
    label = "a stage's value is kept on disk, so that the job can go on after a crash",
    note = "put `#[farcall::data]` on the type; write what is large to a file in `ctx.work_dir()`"
)]
pub trait StageValue: Serialize + DeserializeOwned + Send + 'static {}

impl<T: Serialize + DeserializeOwned + Send + 'static> StageValue for T {}

/// Stages that turn an `I` into an `O`.
///
/// The value of each finished stage is kept, at most 1 MiB as JSON. A job that loses its
/// worker goes on after its last finished stage: a stage runs **at least once**, so it must
/// stand being run again from its start.
///
/// ```
/// use farcall_core::{job::{JobContext, Pipeline}, problem::Problem};
///
/// fn double(_: &JobContext, n: u32) -> Result<u32, Problem> { Ok(2 * n) }
/// fn print(_: &JobContext, n: u32) -> Result<String, Problem> { Ok(n.to_string()) }
///
/// let pipeline: Pipeline<u32, String> = Pipeline::new()
///     .stage("doubling", double)
///     .stage("printing", print);
/// assert_eq!(pipeline.stages().collect::<Vec<_>>(), ["doubling", "printing"]);
/// ```
pub struct Pipeline<I, O> {
    steps: Vec<Step>,
    types: PhantomData<fn(I) -> O>,
}

impl<I: StageValue> Pipeline<I, I> {
    /// A pipeline without stages; it returns what it gets.
    #[expect(
        clippy::new_without_default,
        reason = "an empty pipeline is no sensible default"
    )]
    pub fn new() -> Self {
        Self {
            steps: Vec::new(),
            types: PhantomData,
        }
    }
}

impl<I: StageValue, T: StageValue> Pipeline<I, T> {
    /// Adds a stage that runs on a thread of its own, and may block it.
    #[must_use]
    pub fn stage<U, F>(self, name: impl Into<String>, run: F) -> Pipeline<I, U>
    where
        U: StageValue,
        F: Fn(&JobContext, T) -> Result<U, Problem> + Send + Sync + 'static,
    {
        self.step(
            vec![name.into()],
            StepBody::Blocking(Arc::new(move |context, value| {
                Ok(serde_json::to_value(run(
                    context,
                    serde_json::from_value(value)?,
                )?)?)
            })),
        )
    }

    /// Adds a stage that is a future.
    #[must_use]
    pub fn stage_async<U, F, A>(self, name: impl Into<String>, run: F) -> Pipeline<I, U>
    where
        U: StageValue,
        F: Fn(JobContext, T) -> A + Send + Sync + 'static,
        A: Future<Output = Result<U, Problem>> + Send + 'static,
    {
        let run = Arc::new(run);
        self.step(
            vec![name.into()],
            StepBody::Async(Arc::new(move |context, value| {
                let run = Arc::clone(&run);
                Box::pin(async move {
                    let value = serde_json::from_value(value)?;
                    Ok(serde_json::to_value(run(context, value).await?)?)
                })
            })),
        )
    }

    /// Adds one function that goes through several stages by itself, with
    /// [`JobContext::stage`]. Nothing is kept between them: after a crash it starts over.
    #[must_use]
    pub fn stages_in_one<U, F>(
        self,
        names: impl IntoIterator<Item = impl Into<String>>,
        run: F,
    ) -> Pipeline<I, U>
    where
        U: StageValue,
        F: Fn(&JobContext, T) -> Result<U, Problem> + Send + Sync + 'static,
    {
        self.step(
            names.into_iter().map(Into::into).collect(),
            StepBody::Blocking(Arc::new(move |context, value| {
                Ok(serde_json::to_value(run(
                    context,
                    serde_json::from_value(value)?,
                )?)?)
            })),
        )
    }

    /// The names of the stages, in order.
    pub fn stages(&self) -> impl Iterator<Item = &str> {
        self.steps
            .iter()
            .flat_map(|step| step.stages.iter().map(String::as_str))
    }

    /// The same code without its types, as the runner takes it.
    pub fn into_program(self) -> Program {
        let returns_artifact = TypeId::of::<T>() == TypeId::of::<Artifact>();
        let returns_nothing = TypeId::of::<T>() == TypeId::of::<()>();
        Program {
            steps: self.steps,
            value: if returns_artifact || returns_nothing {
                LastValue::Nothing
            } else {
                LastValue::Result
            },
            read_input: |arguments| serde_json::from_value::<I>(arguments).map(drop),
        }
    }

    fn step<U: StageValue>(mut self, stages: Vec<String>, body: StepBody) -> Pipeline<I, U> {
        self.steps.push(Step {
            stages,
            signature: format!(
                "{} -> {}",
                std::any::type_name::<T>(),
                std::any::type_name::<U>()
            ),
            body,
        });
        Pipeline {
            steps: self.steps,
            types: PhantomData,
        }
    }
}

type BlockingStep = dyn Fn(&JobContext, Value) -> Result<Value, Problem> + Send + Sync;
type AsyncStep = dyn Fn(JobContext, Value) -> BoxFuture<Result<Value, Problem>> + Send + Sync;

/// The code of one [`Step`].
#[derive(Clone)]
pub enum StepBody {
    /// May block its thread.
    Blocking(Arc<BlockingStep>),
    /// Must not.
    Async(Arc<AsyncStep>),
}

/// Code between two checkpoints; nearly always one stage.
#[derive(Clone)]
pub struct Step {
    /// The stages it goes through; at least one.
    pub stages: Vec<String>,
    /// What it takes and returns, as Rust writes the types.
    pub signature: String,
    /// What runs.
    pub body: StepBody,
}

impl fmt::Debug for Step {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{:?}: {}", self.stages, self.signature)
    }
}

/// What the value of the last stage is to the caller.
#[derive(Clone, Copy, Debug)]
enum LastValue {
    Nothing,
    Result,
    /// The result, unless it is null.
    Perhaps,
}

/// A pipeline without its types: JSON in, JSON out.
#[derive(Clone, Debug)]
pub struct Program {
    steps: Vec<Step>,
    value: LastValue,
    read_input: fn(Value) -> Result<(), serde_json::Error>,
}

impl Program {
    /// One function that goes through several stages by itself, as
    /// [`stages_in_one`](Pipeline::stages_in_one), whose types are known only when the program runs.
    ///
    /// It is given the job's arguments, an object, or what it last handed to
    /// [`JobContext::checkpoint`]; what it returns is the job's result, unless it is null.
    /// `signature` stands for the types: a checkpoint is only used by a program whose signature and
    /// stages are the same.
    pub fn dynamic<F>(
        stages: impl IntoIterator<Item = impl Into<String>>,
        signature: impl Into<String>,
        run: F,
    ) -> Self
    where
        F: Fn(&JobContext, Value) -> Result<Value, Problem> + Send + Sync + 'static,
    {
        let step = Step {
            stages: stages.into_iter().map(Into::into).collect(),
            signature: signature.into(),
            body: StepBody::Blocking(Arc::new(run)),
        };
        Self {
            steps: vec![step],
            value: LastValue::Perhaps,
            read_input: |_| Ok(()),
        }
    }

    /// The same program, in which something else runs for each step: `body` is given its number, from 0.
    ///
    /// Stages, types and so the [`fingerprint`](Self::fingerprint) stay.
    #[must_use]
    pub fn with_bodies(mut self, body: impl Fn(usize) -> StepBody) -> Self {
        for (number, step) in self.steps.iter_mut().enumerate() {
            step.body = body(number);
        }
        self
    }

    /// The steps, in order.
    pub fn steps(&self) -> &[Step] {
        &self.steps
    }

    /// The names of the stages, in order.
    pub fn stages(&self) -> impl Iterator<Item = &str> {
        self.steps
            .iter()
            .flat_map(|step| step.stages.iter().map(String::as_str))
    }

    /// How many stages there are; it cannot be written by hand, so it cannot be wrong.
    pub fn total_stages(&self) -> u32 {
        u32::try_from(self.stages().count()).unwrap_or(u32::MAX)
    }

    /// Whether `value`, the last one, is a result for the caller; it is not where it only names a
    /// file.
    pub fn is_result(&self, value: &Value) -> bool {
        match self.value {
            LastValue::Nothing => false,
            LastValue::Result => true,
            LastValue::Perhaps => !value.is_null(),
        }
    }

    /// Whether the first stage can read `arguments`: a type may ask for more than its schema says.
    ///
    /// # Errors
    /// A problem for the caller that names what does not fit.
    pub fn check_input(&self, arguments: &JsonObject) -> Result<(), Problem> {
        (self.read_input)(Value::Object(arguments.clone())).map_err(|fault| {
            Problem::user(format!("the arguments do not fit: {fault}"))
                .hint("`tools/list` has the schema")
        })
    }

    /// Tells two versions of a program apart: SHA-256 over the names and types of its stages.
    ///
    /// A checkpoint is only used by a program with the same fingerprint.
    pub fn fingerprint(&self) -> String {
        let mut hash = Sha256::new();
        for step in &self.steps {
            for stage in &step.stages {
                hash.update(stage);
                hash.update([0]);
            }
            hash.update(&step.signature);
            hash.update([1]);
        }
        artifact::hexadecimal(&hash.finalize())
    }
}

#[cfg(test)]
#[expect(clippy::unnecessary_wraps, reason = "stages return results")]
mod tests {
    use super::*;

    fn keep(_: &JobContext, n: u32) -> Result<u32, Problem> {
        Ok(n)
    }

    fn widen(_: &JobContext, n: u32) -> Result<u64, Problem> {
        Ok(n.into())
    }

    fn fingerprint<O: StageValue>(pipeline: Pipeline<u32, O>) -> String {
        pipeline.into_program().fingerprint()
    }

    #[test]
    fn a_fingerprint_changes_with_names_order_and_types() {
        let original = fingerprint(Pipeline::new().stage("a", keep).stage("b", keep));
        assert_eq!(
            original,
            fingerprint(Pipeline::new().stage("a", keep).stage("b", keep))
        );
        for changed in [
            fingerprint(Pipeline::new().stage("b", keep).stage("a", keep)),
            fingerprint(Pipeline::new().stage("a", keep)),
            fingerprint(Pipeline::new().stage("ab", keep)),
            fingerprint(Pipeline::new().stage("a", keep).stage("b", widen)),
        ] {
            assert_ne!(original, changed);
        }
    }

    #[test]
    fn a_program_that_is_known_late_is_told_apart_by_what_it_says_of_itself() {
        let program = |stages: &[&str], signature: &str| {
            let run = |_: &JobContext, value: Value| Ok(value);
            Program::dynamic(stages.iter().copied(), signature, run)
        };
        let original = program(&["a", "b"], "one");
        assert_eq!(original.total_stages(), 2);
        assert_eq!(
            original.fingerprint(),
            program(&["a", "b"], "one").fingerprint()
        );
        for changed in [program(&["a"], "one"), program(&["a", "b"], "two")] {
            assert_ne!(original.fingerprint(), changed.fingerprint());
        }
        assert!(original.is_result(&Value::Bool(false)) && !original.is_result(&Value::Null));
    }

    #[test]
    fn the_total_counts_every_stage() {
        let pipeline = Pipeline::<u32, u32>::new()
            .stage("a", keep)
            .stages_in_one(["b", "c"], keep);
        assert_eq!(pipeline.into_program().total_stages(), 3);
    }
}
