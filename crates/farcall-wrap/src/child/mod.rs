//! A program that runs under the shim, and cannot outlive whoever wants it.

use std::{collections::BTreeMap, ffi::OsString, path::PathBuf, time::Duration};

use farcall_config::file::{Limits, Sandbox};
use farcall_core::problem::Problem;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    time::Instant,
};

/// What to run, and how.
#[derive(Clone, Debug)]
pub struct ChildSpec {
    /// The program's absolute path.
    pub program: PathBuf,
    /// Its arguments.
    pub arguments: Vec<OsString>,
    /// All that its environment holds.
    pub environment: BTreeMap<OsString, OsString>,
    /// The absolute folder it runs in.
    pub working_dir: PathBuf,
    /// Folders that it may write to besides, where it is kept in its place.
    pub writable: Vec<PathBuf>,
    /// Whether it reads what is written to [`Child::stdin`]; else it reads nothing.
    pub has_stdin: bool,
    /// What it may use.
    pub limits: Limits,
    /// What keeps it in its place.
    pub sandbox: Sandbox,
    /// How long it has between being told to stop and being killed.
    pub grace: Duration,
    /// When it is killed at the latest, unless it is renewed.
    pub until: Option<Instant>,
}

/// How a program ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// By itself, with this status.
    Exited(i32),
    /// By a signal that nobody here sent.
    Signalled(i32),
    /// It was told to stop, and did.
    Stopped,
    /// It was told to stop, did not in its grace, and was killed.
    Killed,
    /// Nobody renewed it in time.
    Expired,
}

/// A running program with all its descendants. Dropped, they are killed.
pub struct Child {
    /// What it prints.
    pub stdout: Box<dyn AsyncRead + Send + Unpin>,
    /// What it prints as an error.
    pub stderr: Box<dyn AsyncRead + Send + Unpin>,
    /// What it reads, where it reads at all; close it by dropping it.
    pub stdin: Option<Box<dyn AsyncWrite + Send + Unpin>>,
}

impl Child {
    /// Starts a program; returns when it has been executed.
    ///
    /// # Errors
    /// A problem for the caller, whose cause says what was in the way.
    pub async fn spawn(spec: ChildSpec) -> Result<Self, Problem> {
        let _ = spec;
        Err(Problem::internal("there is no shim yet"))
    }

    /// Lets it live until then.
    pub fn renew(&self, until: Instant) {
        let _ = until;
    }

    /// Tells it to stop: TERM, then KILL after its grace, both to the whole group.
    pub fn stop(&self) {}

    /// Waits until it and all its descendants have ended.
    ///
    /// # Errors
    /// A problem where the shim is gone without a word.
    pub async fn ended(&mut self) -> Result<Ended, Problem> {
        Err(Problem::internal("there is no shim yet"))
    }
}
