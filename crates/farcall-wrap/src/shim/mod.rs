//! The process between the server and a program: `farcall __run`.
//!
//! A plain child outlives a server that is killed, and so does its own child; a parent death signal ends
//! only the child, and ends it too early where a thread of the server started it. So the server starts
//! its own executable again, as a small process without threads that does nothing but look after one
//! program (`supervise.rs`):
//!
//! ```text
//! server ── socket, stdout, stderr ──> __run ──> __exec, becomes the program ──> whatever it starts
//! ```
//!
//! `__exec` (`execute.rs`) applies to itself what limits a program, and then becomes it. Each process does
//! to itself what has to be done to it, so nothing here needs `unsafe`.
//!
//! On Linux all descendants are found, wherever they went, because orphans come to the shim. Elsewhere
//! there is no such thing, and no landlock: there the process group is killed, and what left it is not
//! found.

mod descendants;
mod execute;
mod limits;
pub(crate) mod orphans;
mod signals;
mod supervise;
#[cfg(target_os = "linux")]
mod tree;

use std::{env, io, path::PathBuf, sync::OnceLock};

/// What a shim is called with.
const RUN: &str = "__run";

/// What the process that becomes the program is called with.
const EXECUTE: &str = "__exec";

static PROGRAM: OnceLock<PathBuf> = OnceLock::new();

/// Is the shim where this process was started as one, and returns when it is over; `None` in every other
/// process.
///
/// A program that runs children calls it before anything else: [`App::run`] does. Whatever comes
/// before it is done in each shim, too.
///
/// [`App::run`]: https://docs.rs/farcall
///
/// # Errors
/// In a shim, where it was started by something else than a server, or the system fails it.
pub fn main_if_asked() -> Option<io::Result<()>> {
    let word = env::args_os().nth(1)?;
    if word == RUN {
        Some(supervise::main())
    } else if word == EXECUTE {
        Some(execute::main())
    } else {
        None
    }
}

/// Names the executable that answers as a shim, where it is not that of this process: one that is no
/// program of ours, such as an interpreter or a harness of tests. Only the first call counts.
pub fn use_program(path: PathBuf) {
    // Whoever came first has named it already.
    let _ = PROGRAM.set(path);
}

/// Whether this process is a shim that nobody answered for: it would start shims without end.
pub(crate) fn was_not_answered() -> bool {
    env::args_os()
        .nth(1)
        .is_some_and(|word| word == RUN || word == EXECUTE)
}

/// The command that starts a shim.
pub(crate) fn command() -> io::Result<tokio::process::Command> {
    let program = match PROGRAM.get() {
        Some(program) => program.clone(),
        None => this_program()?,
    };
    let mut command = tokio::process::Command::new(program);
    command.arg0("farcall").arg(RUN).env_clear();
    // Without it an executable that needs it could not be started again.
    if let Some(path) = env::var_os("LD_LIBRARY_PATH") {
        command.env("LD_LIBRARY_PATH", path);
    }
    Ok(command)
}

/// The executable of this process, even where another one has taken its place on the disk.
fn this_program() -> io::Result<PathBuf> {
    if cfg!(target_os = "linux") {
        Ok(PathBuf::from("/proc/self/exe"))
    } else {
        env::current_exe()
    }
}
