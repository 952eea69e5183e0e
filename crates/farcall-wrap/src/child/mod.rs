//! A program that runs under the shim, and cannot outlive whoever wants it.
//!
//! [`Child::spawn`] starts the shim ([`crate::shim`]) and hands it a [`ChildSpec`] over a socket
//! that only the two of them have. While the socket is open and `until` has not passed, the program
//! may live; when one of the two ends, for whatever reason, it is killed with all that descends from
//! it. So nothing here has to be called for that: the death of the server, even by `kill -9`, closes
//! the socket, and a server that is stopped renews nothing.

mod control;
mod start;

use std::{
    collections::BTreeMap, convert::Infallible, ffi::OsString, future::pending, path::PathBuf,
    time::Duration,
};

use farcall_config::file::{Limits, Sandbox};
use farcall_core::problem::Problem;
use farcall_metrics::children::{End, Running};
use serde::{Deserialize, Serialize};
use tokio::{
    net::unix::pipe::{Receiver, Sender},
    sync::{OnceCell, watch},
    task::spawn_blocking,
    time::Instant,
};

use self::control::Control;
use crate::{
    shim::orphans::Session,
    wire::{Order, Report},
};

/// What to run, and how.
#[derive(Clone, Debug)]
pub struct ChildSpec {
    /// The program's absolute path.
    pub program: PathBuf,
    /// Its arguments, without its own name.
    pub arguments: Vec<OsString>,
    /// All that its environment holds.
    pub environment: BTreeMap<OsString, OsString>,
    /// The absolute folder it runs in; it may write there, unless something withheld is in it.
    pub working_dir: PathBuf,
    /// Files and folders that it may read besides, where it is kept in its place; what is missing
    /// is passed over. The system's own folders, and those beside the program, it may read anyway.
    pub readable: Vec<PathBuf>,
    /// Files and folders that it may write to besides, where it is kept in its place.
    pub writable: Vec<PathBuf>,
    /// Files and folders that are the server's own. Of a folder above that holds one of them, a program
    /// that is kept in its place reads what is there when it starts and is not hidden, and writes
    /// nothing. A folder above that is *in* one of them is given as it is: the work folder of a job is.
    pub withheld: Vec<PathBuf>,
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
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Ended {
    /// By itself, with this status.
    Exited(i32),
    /// By a signal that nobody here sent. Of a program in bubblewrap, which tells only statuses, it is one
    /// of 128 and the signal's number.
    Signalled(i32),
    /// It was told to stop, and did.
    Stopped,
    /// It was told to stop, did not in its grace, and was killed.
    Killed,
    /// Nobody renewed it in time, and it was killed.
    Expired,
}

/// A running program with all its descendants. Dropped, they are killed.
///
/// All of it works from several tasks at once.
pub struct Child {
    /// What it prints; take it to read it. It ends when all who hold it have ended, and at the
    /// latest when [`ended`](Self::ended) returns, unless the program gave it to somebody who is no
    /// descendant.
    pub stdout: Option<Receiver>,
    /// What it prints as an error; take it to read it.
    pub stderr: Option<Receiver>,
    /// What it reads, where it reads at all; take it, and close it by dropping it.
    pub stdin: Option<Sender>,
    control: Control,
    /// Reaped by the runtime, now or once it is dropped.
    _shim: tokio::process::Child,
    /// The program's, where it did not end at once.
    session: Option<Session>,
    /// From when it was executed.
    counted: Option<Running>,
    ended: OnceCell<Ended>,
}

impl Child {
    /// Starts a program; returns when it has been executed. Dropped before that, it ends what it began.
    ///
    /// # Errors
    /// A problem for the caller, whose cause says what was in the way.
    pub async fn spawn(spec: ChildSpec) -> Result<Self, Problem> {
        start::start(spec, None).await
    }

    /// The same for one that lives as long as `lease` says, in the place of its `until`. While it starts, which
    /// takes its time on a busy machine, the lease may be renewed; once it has, it is [kept](Self::keep).
    ///
    /// # Errors
    /// As [`spawn`](Self::spawn).
    pub async fn spawn_leased(
        spec: ChildSpec,
        mut lease: watch::Receiver<Instant>,
    ) -> Result<Self, Problem> {
        let until = Some(*lease.borrow_and_update());
        start::start(ChildSpec { until, ..spec }, Some(lease)).await
    }

    /// Renews it whenever `lease` is renewed; never returns.
    pub async fn keep(&self, mut lease: watch::Receiver<Instant>) -> Infallible {
        while lease.changed().await.is_ok() {
            let until = *lease.borrow_and_update();
            self.renew(until);
        }
        // It is not renewed any more, and the program ends when it does.
        pending().await
    }

    /// Lets it live until then; returns at once.
    pub fn renew(&self, until: Instant) {
        self.control.order(Order::Renew(until.into()));
    }

    /// Tells it to stop: TERM, then KILL after its grace, both to the whole group; returns at once.
    pub fn stop(&self) {
        self.control.order(Order::Stop);
    }

    /// Waits until it and all its descendants have ended; says the same again when it is asked again.
    ///
    /// It may be dropped and called again, and says nothing about what was printed: what is still in
    /// the pipes can be read afterwards.
    ///
    /// # Errors
    /// A problem where the shim is gone without a word: somebody killed it. What is found of the program
    /// then is killed, but nobody knows how it ended.
    pub async fn ended(&self) -> Result<Ended, Problem> {
        let end = async || match self.control.report().await {
            Ok(Report::Ended(ended)) => {
                self.count(ended.into());
                Ok(ended)
            }
            Ok(other) => Err(Problem::internal(format!(
                "the shim of a program said `{other:?}` for an end"
            ))),
            Err(error) => {
                self.count(End::Unknown);
                if let Some(session) = self.session {
                    // It reads through all processes.
                    let _ = spawn_blocking(move || session.end()).await;
                }
                Err(Problem::internal(format!(
                    "the shim of a program ended without a word: {error}"
                )))
            }
        };
        self.ended.get_or_try_init(end).await.copied()
    }

    fn count(&self, end: End) {
        if let Some(counted) = &self.counted {
            counted.end(end);
        }
    }
}

impl From<Ended> for End {
    fn from(ended: Ended) -> Self {
        match ended {
            Ended::Exited(0) => Self::Exited,
            Ended::Exited(_) | Ended::Signalled(_) => Self::Failed,
            Ended::Expired => Self::Expired,
            Ended::Killed => Self::Killed,
            Ended::Stopped => Self::Stopped,
        }
    }
}
