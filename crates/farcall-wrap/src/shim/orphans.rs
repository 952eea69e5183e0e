//! What is left of a program whose shim was killed.
//!
//! The kernel kills the program then. Its children it does not, and they have gone to init; but they are
//! still members of the session that the program led, unless they left it.

#[cfg(target_os = "linux")]
use super::tree::{self, Process};

/// The session of a program.
#[derive(Clone, Copy)]
pub(crate) struct Session {
    #[cfg(target_os = "linux")]
    leader: Process,
    #[cfg(not(target_os = "linux"))]
    leader: rustix::process::Pid,
}

impl Session {
    /// The session that this process leads; `None` where it is gone already.
    pub(crate) fn led_by(id: i32) -> Option<Self> {
        let leader = rustix::process::Pid::from_raw(id)?;
        #[cfg(target_os = "linux")]
        let leader = Process::with_id(leader)?;
        Some(Self { leader })
    }

    /// Kills its members and their descendants.
    pub(crate) fn end(self) {
        #[cfg(target_os = "linux")]
        tree::kill(|| tree::in_session_of(self.leader));
        #[cfg(not(target_os = "linux"))]
        let _ = rustix::process::kill_process_group(self.leader, rustix::process::Signal::KILL);
    }
}
