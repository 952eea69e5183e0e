//! What the code of a job knows and can say while it runs.

use std::{path::Path, sync::Arc};

use tokio_util::sync::CancellationToken;

use crate::{
    artifact::{Artifact, ArtifactSink, media_type_of},
    id::JobId,
    name::file_name_fault,
    problem::{ErrorCode, Problem},
};

/// What stands behind a [`JobContext`]; the runner implements it.
pub trait JobHost: Send + Sync {
    /// The job's identity.
    fn job_id(&self) -> JobId;

    /// How often the job has been started, from 1.
    fn attempt(&self) -> u32;

    /// A folder of the job's own, kept until the job is over, also across a restart.
    fn work_dir(&self) -> &Path;

    /// Cancelled when the work should stop.
    fn cancellation(&self) -> &CancellationToken;

    /// Enters the stage called `name`.
    ///
    /// # Errors
    /// A problem where the present step has no such stage, or it was left already.
    fn enter_stage(&self, name: &str) -> Result<(), Problem>;

    /// Tells how far the present stage is; never blocks.
    fn report(&self, fraction: Option<f64>, message: Option<String>);

    /// Opens a new artifact.
    ///
    /// # Errors
    /// A problem where it cannot be kept.
    fn create_artifact(
        &self,
        name: &str,
        media_type: &str,
    ) -> Result<Box<dyn ArtifactSink>, Problem>;
}

/// The job that a stage is working on; cheap to clone.
#[derive(Clone)]
pub struct JobContext(Arc<dyn JobHost>);

impl JobContext {
    /// The context that `host` stands behind.
    pub fn new(host: Arc<dyn JobHost>) -> Self {
        Self(host)
    }

    /// The job's identity.
    pub fn job_id(&self) -> JobId {
        self.0.job_id()
    }

    /// How often the job has been started, from 1; above 1 it has lost a worker before.
    pub fn attempt(&self) -> u32 {
        self.0.attempt()
    }

    /// A folder of the job's own for what is too large to pass from stage to stage.
    ///
    /// It is there again after a restart, with whatever an interrupted stage left in it,
    /// and is removed when the job is over.
    pub fn work_dir(&self) -> &Path {
        self.0.work_dir()
    }

    /// Tells how far the present stage is, from 0 to 1; callers see it as `progress`.
    ///
    /// It costs next to nothing: the newest report is written at most twice a second.
    pub fn progress(&self, fraction: f64) {
        self.0.report(Some(fraction.clamp(0.0, 1.0)), None);
    }

    /// Says what is being done within the present stage, one line; callers see it as `message`,
    /// in the place of the stage's name.
    pub fn message(&self, message: impl Into<String>) {
        self.0.report(None, Some(message.into()));
    }

    /// Enters the next stage, within [`stages_in_one`](super::Pipeline::stages_in_one).
    ///
    /// # Errors
    /// A problem where there is no stage called `name`, or it was left already.
    pub fn stage(&self, name: &str) -> Result<(), Problem> {
        self.check()?;
        self.0.enter_stage(name)
    }

    /// Whether the work should stop: the job was cancelled, or the server stops.
    pub fn is_cancelled(&self) -> bool {
        self.0.cancellation().is_cancelled()
    }

    /// Cancelled when the work should stop, for code that waits.
    pub fn cancellation(&self) -> &CancellationToken {
        self.0.cancellation()
    }

    /// Stops the stage with `?` where the work should stop; call it in long loops.
    ///
    /// # Errors
    /// A problem with the code `cancelled`.
    pub fn check(&self) -> Result<(), Problem> {
        if self.is_cancelled() {
            return Err(Problem::new(ErrorCode::Cancelled, "the job was stopped"));
        }
        Ok(())
    }

    /// Opens an artifact called `name`; its media type follows from the extension.
    ///
    /// Write the bytes, then call `finish`. Callers can fetch it once the job has succeeded.
    ///
    /// # Errors
    /// A problem where `name` is no plain file name, or the bytes cannot be kept.
    pub fn create_artifact(&self, name: &str) -> Result<Box<dyn ArtifactSink>, Problem> {
        if let Some(fault) = file_name_fault(name) {
            return Err(Problem::user(format!(
                "an artifact cannot be called `{}`: {fault}",
                name.escape_debug()
            )));
        }
        self.0.create_artifact(name, media_type_of(name))
    }

    /// Writes a whole artifact at once.
    ///
    /// # Errors
    /// As [`create_artifact`](Self::create_artifact).
    pub fn write_artifact(&self, name: &str, bytes: &[u8]) -> Result<Artifact, Problem> {
        let mut sink = self.create_artifact(name)?;
        sink.write_all(bytes)?;
        sink.finish()
    }
}
