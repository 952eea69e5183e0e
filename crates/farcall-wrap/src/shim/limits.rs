//! What a program may use at most (setrlimit(2)).

use std::io;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::wire::Limits;

/// Processes and threads of the program's user where nothing else is said: enough for several programs
/// with a thread for each of many cores, and few enough that a fork bomb leaves the machine usable.
const PROCESSES: u64 = 4096;

/// Open files where nothing else is said; more make programs slow that close all they might have.
const OPEN_FILES: u64 = 65_536;

/// Limits this process, and what it becomes.
///
/// A limit that is already lower stays: nobody may raise it. The kernel counts processes for each user,
/// those of others of the same user too, and does not count those of root at all; memory, processor time
/// and files it counts for each process.
pub(super) fn apply(limits: &Limits) -> io::Result<()> {
    // An image of a process may hold every secret that it was given.
    limit(Resource::Core, 0, 0)?;
    limit(Resource::Nofile, limits.open_files.unwrap_or(OPEN_FILES), 0)?;
    limit(Resource::Nproc, limits.processes.unwrap_or(PROCESSES), 0)?;
    if let Some(bytes) = limits.file_size {
        limit(Resource::Fsize, bytes, 0)?;
    }
    if let Some(seconds) = limits.cpu {
        // XCPU first, so that it can be told from a kill; KILL a second later, whoever ignores it.
        limit(Resource::Cpu, seconds.max(1), 1)?;
    }
    if let Some(bytes) = limits.memory {
        limit(Resource::As, bytes, 0)?;
    }
    Ok(())
}

fn limit(resource: Resource, value: u64, more: u64) -> io::Result<()> {
    let highest = getrlimit(resource).maximum.unwrap_or(u64::MAX);
    let maximum = value.saturating_add(more).min(highest);
    let wanted = Rlimit {
        current: Some(value.min(maximum)),
        maximum: Some(maximum),
    };
    Ok(setrlimit(resource, wanted)?)
}
