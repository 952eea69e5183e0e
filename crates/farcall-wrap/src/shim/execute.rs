//! The process that becomes the program: limits itself, and executes it.

use std::{
    env,
    fs::File,
    io::{self, Write},
    os::{
        fd::{AsFd, OwnedFd},
        unix::{net::UnixStream, process::CommandExt},
    },
    process::{Command, Stdio},
};

use rustix::{
    fs::Mode,
    process::{setsid, umask},
};

use super::limits;
use crate::{
    sandbox,
    wire::{
        Confinement, Handover, Refusal, Specification,
        frame::{Inbox, encode},
        rights,
    },
};

/// Becomes what the shim says on standard input; returns only where that cannot be done, and has told
/// the shim why.
pub(super) fn main() -> io::Result<()> {
    // Closed by the kernel at the moment of execution, which tells the shim of it.
    let shim = UnixStream::from(io::stdin().as_fd().try_clone_to_owned()?);
    #[cfg(target_os = "linux")]
    rustix::process::set_parent_process_death_signal(Some(rustix::process::Signal::KILL))?;
    let (handover, stdin): (Handover, _) = rights::receive(&shim, &mut Inbox::default())?;
    // Where the shim died before the line above, nobody would send the signal.
    let parent = rustix::process::getppid().map(rustix::process::Pid::as_raw_pid);
    if parent != Some(handover.shim) {
        return Err(io::Error::other("the shim is gone"));
    }
    let refusal = execute(&handover.specification, stdin);
    (&shim).write_all(&encode(&refusal)?)
}

/// Returns only where it fails.
fn execute(specification: &Specification, stdin: Option<OwnedFd>) -> Refusal {
    match prepare(specification, stdin) {
        Ok(mut command) => {
            let error = command.exec();
            if error.kind() == io::ErrorKind::ArgumentListTooLong {
                return Refusal::TooLong;
            }
            Refusal::Other(unexecuted(specification, &error))
        }
        Err(sentence) => Refusal::Other(sentence),
    }
}

/// Applies to this process all that holds for the program.
fn prepare(specification: &Specification, stdin: Option<OwnedFd>) -> Result<Command, String> {
    // A terminal's signals do not reach it, and it has no terminal to write to.
    setsid().map_err(|error| format!("no session of its own can be made: {error}"))?;
    let folder = specification.working_dir.as_path();
    env::set_current_dir(folder).map_err(|error| {
        format!(
            "the working folder `{}` cannot be entered: {error}",
            folder.display()
        )
    })?;
    umask(Mode::RWXG | Mode::RWXO);
    prefer_for_oom();
    let mut command = match &specification.confinement {
        Confinement::Bubblewrap(bubblewrap) => {
            sandbox::bubblewrap::command(bubblewrap.as_path(), specification)
        }
        Confinement::Kernel { is_required } => {
            confine(specification, *is_required)?;
            plain(specification)
        }
        Confinement::None => plain(specification),
    };
    let environment = specification.environment.iter();
    command
        .env_clear()
        .envs(environment.map(|(name, value)| (name.as_os_str(), value.as_os_str())));
    command.stdin(match stdin {
        Some(stdin) => Stdio::from(stdin),
        None if specification.has_stdin => return Err("its standard input was lost".to_owned()),
        None => Stdio::null(),
    });
    limits::apply(&specification.limits)
        .map_err(|error| format!("a limit cannot be set: {error}"))?;
    Ok(command)
}

fn plain(specification: &Specification) -> Command {
    let mut command = Command::new(specification.program.as_os_str());
    command.args(specification.arguments.iter().map(|text| text.as_os_str()));
    command
}

/// Gives up, for good, what set-user-ID programs would give, and all files but some.
fn confine(specification: &Specification, is_required: bool) -> Result<(), String> {
    #[cfg(target_os = "linux")]
    {
        rustix::thread::set_no_new_privs(true)
            .map_err(|error| format!("privileges cannot be given up: {error}"))?;
        sandbox::landlock::restrict(specification, is_required)
            .map_err(|error| format!("landlock cannot be applied: {error}"))
    }
    #[cfg(not(target_os = "linux"))]
    {
        let _ = specification;
        if is_required {
            return Err("this system has no landlock".to_owned());
        }
        Ok(())
    }
}

/// Where memory runs out, the kernel should end a program, and neither the server nor a shim.
fn prefer_for_oom() {
    #[cfg(target_os = "linux")]
    if let Ok(mut score) = File::options().write(true).open("/proc/self/oom_score_adj") {
        // A hint only.
        let _ = score.write_all(b"500");
    }
}

fn unexecuted(specification: &Specification, error: &io::Error) -> String {
    let program = specification.program.as_path();
    let shown = program.display();
    if error.kind() == io::ErrorKind::NotFound && program.exists() {
        return format!(
            "`{shown}` cannot be executed: what its first line or its format asks for is missing"
        );
    }
    format!("`{shown}` cannot be executed: {error}")
}
