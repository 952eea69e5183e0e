//! How a mounted server is started: for all its callers, or for one job.

use std::{
    ffi::OsString,
    path::{Path, PathBuf},
    time::Duration,
};

use farcall_config::file::{Command, Mount, Piece};
use farcall_core::{job::JobContext, trace::TraceParent};

use super::{broken::Broken, hearing::Hearing, link::Link, tending::Terms};
use crate::{
    child::{Child, ChildSpec},
    command::{RunFolder, Surroundings, environment::environment},
};

/// The longest message of a server whose declaration says nothing, in bytes.
const LONGEST: u64 = 16 << 20;

/// A server that can be started.
#[derive(Clone)]
pub(super) struct Launch {
    /// Its name in the file.
    pub(super) name: String,
    command: Command,
    /// The project's folder.
    folder: PathBuf,
    /// What is this server's own.
    withheld: Vec<PathBuf>,
}

impl Launch {
    pub(super) fn new(mount: &Mount, surroundings: Surroundings<'_>) -> Self {
        Self {
            name: mount.name.clone(),
            command: mount.command.clone(),
            folder: surroundings.folder.to_owned(),
            withheld: surroundings.withheld.to_vec(),
        }
    }

    /// Starts it for all callers: in the project's folder, unless its declaration names another one.
    /// It is still to be greeted.
    ///
    /// # Errors
    /// [`Broken::Unstartable`].
    pub(super) async fn shared(&self, idle: Option<Duration>) -> Result<Link, Broken> {
        let folder = run_folder().await?;
        // Many callers share it, and each call brings its own place in a trace.
        let mut spec = self.spec(folder.path(), None);
        spec.working_dir = self.working_dir(&self.folder);
        let name = self.name.clone();
        let hearing = Hearing::new(move |line| tracing::info!(mount = name, "{line}"));
        Link::spawn(Child::spawn(spec), self.terms(hearing, idle, folder)).await
    }

    /// Starts it for one job, in the job's folder, unless its declaration names another one. It lives until
    /// the end of the job's lease, which whoever greets it has to renew from then on.
    ///
    /// # Errors
    /// [`Broken::Unstartable`].
    pub(super) async fn of_job(&self, job: &JobContext) -> Result<Link, Broken> {
        let folder = run_folder().await?;
        let work_dir = job.work_dir();
        let mut spec = self.spec(work_dir, job.trace());
        spec.working_dir = self.working_dir(work_dir);
        spec.environment
            .insert("FARCALL_WORK_DIR".into(), work_dir.into());
        spec.writable.push(folder.path().to_owned());
        let log = job.clone();
        let hearing = Hearing::new(move |line| log.log(line));
        let child = Child::spawn_leased(spec, job.lease());
        Link::spawn(child, self.terms(hearing, None, folder)).await
    }

    fn working_dir(&self, default: &Path) -> PathBuf {
        let declared = self.command.working_dir.as_deref();
        declared.unwrap_or(default).to_owned()
    }

    /// What the shim is told of a server that writes to `temporary`.
    fn spec(&self, temporary: &Path, trace: Option<TraceParent>) -> ChildSpec {
        let command = &self.command;
        let mut readable = vec![self.folder.clone()];
        readable.extend(command.readable.iter().cloned());
        let mut writable = vec![temporary.to_owned()];
        writable.extend(command.writable.iter().cloned());
        ChildSpec {
            program: command.program.clone(),
            arguments: command
                .arguments
                .iter()
                .map(|element| text(&element.pieces))
                .collect(),
            environment: environment(&command.environment, temporary.into(), trace),
            working_dir: self.folder.clone(),
            readable,
            writable,
            withheld: self.withheld.clone(),
            has_stdin: true,
            limits: command.limits.clone(),
            sandbox: command.sandbox,
            grace: command.grace,
            until: None,
        }
    }

    fn terms(&self, hearing: Hearing, idle: Option<Duration>, folder: RunFolder) -> Terms {
        let longest = self.command.limits.output.unwrap_or(LONGEST);
        Terms {
            name: self.name.clone(),
            longest: usize::try_from(longest).unwrap_or(usize::MAX - 1),
            idle,
            hearing,
            kept: Box::new(folder),
        }
    }
}

async fn run_folder() -> Result<RunFolder, Broken> {
    let folder = tokio::task::spawn_blocking(RunFolder::create).await;
    let unstartable = |reason: String| {
        Broken::Unstartable(format!(
            "there is no folder for its temporary files: {reason}"
        ))
    };
    folder
        .map_err(|error| unstartable(error.to_string()))?
        .map_err(|problem| {
            let cause = problem.cause().map(ToString::to_string);
            unstartable(cause.unwrap_or_else(|| problem.public_message()))
        })
}

/// An argument; callers have no part in those of a server.
fn text(pieces: &[Piece]) -> OsString {
    let texts = pieces.iter().map(|piece| match piece {
        Piece::Parameter(text) | Piece::Text(text) => text.as_str(),
    });
    texts.collect::<String>().into()
}
