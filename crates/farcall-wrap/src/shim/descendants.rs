//! All processes that a program left behind, and their end.

use std::{io, time::Duration};

use rustix::{
    event::{Timespec, poll},
    io::Errno,
    process::{Pid, Signal, WaitOptions, WaitStatus, wait},
};

#[cfg(target_os = "linux")]
use super::tree;

/// Makes orphaned descendants children of this process, instead of init's.
pub(super) fn adopt() -> io::Result<()> {
    #[cfg(target_os = "linux")]
    rustix::process::set_child_subreaper(Some(rustix::process::getpid()))?;
    Ok(())
}

/// Takes in all children that have ended, each with its status; returns whether no descendant is left.
pub(super) fn reap(mut found: impl FnMut(Pid, WaitStatus)) -> bool {
    loop {
        match wait(WaitOptions::NOHANG) {
            Ok(Some((id, status))) => found(id, status),
            Ok(None) => return false,
            Err(Errno::INTR) => {}
            Err(_) => return true,
        }
    }
}

/// Sends a signal to all descendants but one.
pub(super) fn signal(signal: Signal, except: Option<Pid>) {
    #[cfg(target_os = "linux")]
    for process in tree::below() {
        if Some(process.id) != except {
            process.signal(signal);
        }
    }
    #[cfg(not(target_os = "linux"))]
    let _ = (signal, except);
}

/// Kills all descendants, and returns when none is left.
///
/// A process that the kernel cannot end, because it waits for a device, is waited for: as long as it is
/// there, it holds what it holds.
pub(super) fn end() {
    while !reap(|_, _| {}) {
        kill();
        // Nearly all are gone at once. Whoever is not was new, and the next look finds it.
        for pause in [1, 2, 4, 8, 16, 32, 64] {
            if reap(|_, _| {}) {
                return;
            }
            nap(Duration::from_millis(pause));
        }
    }
}

#[cfg(target_os = "linux")]
fn kill() {
    tree::kill(tree::below);
}

/// Nothing is found where orphans do not come here; the program's group was killed when it ended.
#[cfg(not(target_os = "linux"))]
fn kill() {}

fn nap(pause: Duration) {
    let pause = Timespec::try_from(pause).ok();
    // A signal makes it shorter, which does no harm.
    let _ = poll(&mut [], pause.as_ref());
}
