//! Who descends from this process, as `/proc` says.

use std::{collections::HashMap, fs};

use rustix::{
    io::Errno,
    process::{
        Pid, PidfdFlags, Signal, getpid, kill_process, pidfd_open, pidfd_send_signal,
    },
};

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
        if read(self.id).is_some_and(|(process, _)| process == self) {
            // What is gone meanwhile needs no signal, and what may not be signalled cannot be.
            let sent = pidfd_send_signal(&handle, signal);
            if sent == Err(Errno::NOSYS) {
                let _ = kill_process(self.id, signal);
            }
        }
    }
}

/// All descendants of this process that were there all the while that it takes to look.
pub(super) fn below() -> Vec<Process> {
    let mut children: HashMap<Pid, Vec<Process>> = HashMap::new();
    for entry in fs::read_dir("/proc").into_iter().flatten().flatten() {
        let id = entry.file_name().to_str().and_then(|name| name.parse().ok());
        if let Some((process, parent)) = id.and_then(Pid::from_raw).and_then(read) {
            children.entry(parent).or_default().push(process);
        }
    }
    let mut found = children.remove(&getpid()).unwrap_or_default();
    let mut next = 0;
    while let Some(process) = found.get(next) {
        let theirs = children.remove(&process.id).unwrap_or_default();
        found.extend(theirs);
        next += 1;
    }
    found
}

/// A process and its parent.
fn read(id: Pid) -> Option<(Process, Pid)> {
    let stat = fs::read(format!("/proc/{}/stat", id.as_raw_pid())).ok()?;
    let (parent, born) = parse(&stat)?;
    Some((Process { id, born }, Pid::from_raw(parent)?))
}

/// The parent and the begin in a line of proc_pid_stat(5), whose second field is a name that may hold
/// anything.
fn parse(stat: &[u8]) -> Option<(i32, u64)> {
    let end = stat.iter().rposition(|byte| *byte == b')')?;
    let mut fields = str::from_utf8(&stat[end + 1..]).ok()?.split_ascii_whitespace();
    let parent = fields.nth(1)?.parse().ok()?;
    let born = fields.nth(17)?.parse().ok()?;
    Some((parent, born))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_blanks_and_brackets_hides_nothing() {
        let stat = b"7 (a) R 1 (b c) S 3 7 7 0 -1 4194304 1 2 3 4 5 6 7 8 20 0 1 0 4711 9 10\n";
        assert_eq!(parse(stat), Some((3, 4711)));
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
