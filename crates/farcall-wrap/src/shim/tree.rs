//! Who descends from whom, as `/proc` says.

use std::{
    collections::{HashMap, HashSet},
    fs,
};

use rustix::{
    io::Errno,
    process::{Pid, PidfdFlags, Signal, getpid, kill_process, pidfd_open, pidfd_send_signal},
};

/// How often new processes are looked for while all are being stopped. Each look finds the whole of what
/// was there before, and a stopped process has no more children: more looks than a few are needed only
/// where somebody wins against the limit of processes.
const LOOKS: usize = 64;

/// A process, and not another one that got its number later.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Process {
    pub(super) id: Pid,
    /// When it began, in ticks of the kernel.
    born: u64,
}

impl Process {
    /// Sends a signal to it; nothing where it is gone.
    pub(super) fn signal(self, signal: Signal) {
        let Ok(handle) = pidfd_open(self.id, PidfdFlags::empty()) else {
            return;
        };
        // The handle stays with one process; so it is looked at again once it is held.
        if Self::with_id(self.id) == Some(self) {
            // What is gone meanwhile needs no signal, and what may not be signalled cannot be.
            let sent = pidfd_send_signal(&handle, signal);
            if sent == Err(Errno::NOSYS) {
                let _ = kill_process(self.id, signal);
            }
        }
    }
}

/// Stops all before it kills any: of processes that only ever start others, every one that is killed makes
/// room below their limit for a new one, and every one that is stopped takes it.
pub(super) fn kill(look: impl Fn() -> Vec<Process>) {
    let mut stopped = HashSet::new();
    for _ in 0..LOOKS {
        let before = stopped.len();
        for process in look() {
            if stopped.insert(process) {
                process.signal(Signal::STOP);
            }
        }
        if stopped.len() == before {
            break;
        }
    }
    for process in stopped {
        process.signal(Signal::KILL);
    }
}

/// Where a process stands.
struct Place {
    process: Process,
    parent: Pid,
    session: i32,
}

impl Process {
    /// The process with this number now.
    pub(super) fn with_id(id: Pid) -> Option<Self> {
        read(id).map(|place| place.process)
    }
}

/// All descendants of this process that were there all the while that it takes to look.
pub(super) fn below() -> Vec<Process> {
    let mut children = Children::default();
    for place in all() {
        children
            .entry(place.parent)
            .or_default()
            .push(place.process);
    }
    let roots = children.remove(&getpid()).unwrap_or_default();
    descent(roots, children)
}

/// All processes of the session that this one led, and their descendants.
pub(super) fn in_session_of(leader: Process) -> Vec<Process> {
    let mut children = Children::default();
    let mut members = Vec::new();
    for place in all() {
        if place.process.id == leader.id && place.process != leader {
            // The number is another's now, which can only be where no member was left.
            return Vec::new();
        }
        if place.session == leader.id.as_raw_pid() {
            members.push(place.process);
        } else {
            children
                .entry(place.parent)
                .or_default()
                .push(place.process);
        }
    }
    descent(members, children)
}

type Children = HashMap<Pid, Vec<Process>>;

fn descent(mut found: Vec<Process>, mut children: Children) -> Vec<Process> {
    let mut next = 0;
    while let Some(process) = found.get(next) {
        found.extend(children.remove(&process.id).unwrap_or_default());
        next += 1;
    }
    found
}

fn all() -> impl Iterator<Item = Place> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    entries.filter_map(|entry| {
        let id = entry.file_name().to_str()?.parse().ok()?;
        read(Pid::from_raw(id)?)
    })
}

fn read(id: Pid) -> Option<Place> {
    let stat = fs::read(format!("/proc/{}/stat", id.as_raw_pid())).ok()?;
    let (parent, session, born) = parse(&stat)?;
    Some(Place {
        process: Process { id, born },
        parent: Pid::from_raw(parent)?,
        session,
    })
}

/// The parent, the session and the begin in a line of proc_pid_stat(5), whose second field is a name that
/// may hold anything.
fn parse(stat: &[u8]) -> Option<(i32, i32, u64)> {
    let end = stat.iter().rposition(|byte| *byte == b')')?;
    let fields = str::from_utf8(&stat[end + 1..]).ok()?;
    let mut fields = fields.split_ascii_whitespace();
    let parent = fields.nth(1)?.parse().ok()?;
    let session = fields.nth(1)?.parse().ok()?;
    let born = fields.nth(15)?.parse().ok()?;
    Some((parent, session, born))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_blanks_and_brackets_hides_nothing() {
        let stat = b"7 (a) R 1 (b c) S 3 8 9 0 -1 4194304 1 2 3 4 5 6 7 8 20 0 1 0 4711 9 10\n";
        assert_eq!(parse(stat), Some((3, 9, 4711)));
        assert_eq!(parse(b""), None);
        assert_eq!(parse(b"7 (a) S"), None);
    }

    #[test]
    fn a_child_is_found_below_and_this_process_is_not() {
        let mut child = std::process::Command::new("cat")
            .stdin(std::process::Stdio::piped())
            .spawn()
            .unwrap();
        let ids: Vec<_> = below().into_iter().map(|process| process.id).collect();
        assert!(ids.contains(&Pid::from_child(&child)));
        assert!(!ids.contains(&getpid()));
        drop(child.stdin.take());
        child.wait().unwrap();
    }
}
