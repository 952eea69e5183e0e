//! Signals as something to wait for.

use std::{
    io::{self, Read},
    os::unix::net::UnixStream,
};

use rustix::event::{PollFd, PollFlags};
use signal_hook::{
    consts::{SIGCHLD, SIGHUP, SIGINT, SIGTERM},
    low_level::pipe,
};

/// Signals that would end the shim, which must not end before its descendants: `killall` and service
/// managers send them to all processes they find.
const STOPPING: [i32; 3] = [SIGHUP, SIGINT, SIGTERM];

/// The signals that a shim listens to.
pub(super) struct Signals {
    /// A descendant ended.
    descendant: UnixStream,
    /// Somebody wants this to be over.
    stop: UnixStream,
}

impl Signals {
    pub(super) fn catch() -> io::Result<Self> {
        let (descendant, sender) = UnixStream::pair()?;
        descendant.set_nonblocking(true)?;
        pipe::register(SIGCHLD, sender)?;
        let (stop, sender) = UnixStream::pair()?;
        stop.set_nonblocking(true)?;
        for signal in STOPPING {
            pipe::register(signal, sender.try_clone()?)?;
        }
        Ok(Self { descendant, stop })
    }

    pub(super) fn to_poll(&self) -> [PollFd<'_>; 2] {
        [
            PollFd::new(&self.descendant, PollFlags::IN),
            PollFd::new(&self.stop, PollFlags::IN),
        ]
    }

    /// Takes in what came; whether this should be over.
    pub(super) fn take(&self) -> bool {
        has_come(&self.descendant);
        has_come(&self.stop)
    }
}

fn has_come(mut stream: &UnixStream) -> bool {
    let mut bytes = [0; 256];
    let mut has_come = false;
    while stream.read(&mut bytes).is_ok_and(|count| count > 0) {
        has_come = true;
    }
    has_come
}
