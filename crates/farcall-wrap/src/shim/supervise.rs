//! The shim: looks after one program until nothing of it is left.

use std::{
    fs::File,
    io::{self, Read},
    os::{
        fd::{AsFd, OwnedFd},
        unix::net::UnixStream,
    },
    process::{Command, Stdio},
    time::Duration,
};

use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    io::Errno,
    process::{Pid, Signal, getpid, kill_process, kill_process_group},
    stdio::{dup2_stderr, dup2_stdout},
};

use super::{EXECUTE, descendants, signals::Signals, this_program};
use crate::{
    child::Ended,
    wire::{
        Confinement, Handover, Moment, Order, Refusal, Report, Specification,
        frame::{Inbox, encode},
        rights,
    },
};

/// What a program leaves behind when it ends has this long between TERM and KILL, or the program's
/// grace where that is shorter.
const BACKGROUND_GRACE: Duration = Duration::from_millis(500);

/// The longest wait while there is a deadline: `poll` does not count the time that the machine sleeps,
/// and a deadline does.
const LOOK: Duration = Duration::from_secs(1);

/// Runs what the server says on standard input.
pub(super) fn main() -> io::Result<()> {
    // What is shown of it; and `killall` by the name of the server does not find it.
    #[cfg(target_os = "linux")]
    let _ = rustix::thread::set_name(c"supervisor");
    let server = UnixStream::from(io::stdin().as_fd().try_clone_to_owned()?);
    let mut inbox = Inbox::default();
    let (specification, stdin) = match rights::receive(&server, &mut inbox) {
        Ok(received) => received,
        // The server died, or changed its mind, and nobody is there to hear of it.
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(()),
        Err(error) => return Err(error),
    };
    let report = Shim::start(&server, inbox, specification, stdin).and_then(Shim::supervise);
    // Whatever happened, nobody is left behind.
    descendants::end();
    let report = match report {
        Ok(Some(report)) => report,
        Ok(None) => return Ok(()),
        Err(error) => Report::Refused(Refusal::Other(format!("the shim failed: {error}"))),
    };
    say(&server, &report)
}

/// Sends a report to the server.
fn say(server: &UnixStream, report: &Report) -> io::Result<()> {
    rights::send_all(server, &encode(report)?, None)
}

struct Shim<'server> {
    server: &'server UnixStream,
    inbox: Inbox,
    signals: Signals,
    /// Closed by the kernel when the program has been executed; else it says why it is not.
    execution: Option<UnixStream>,
    /// The program, which leads its group.
    program: Pid,
    grace: Duration,
    until: Option<Moment>,
    is_in_bubblewrap: bool,
    phase: Phase,
}

#[derive(Clone, Copy)]
enum Phase {
    /// Nothing has happened.
    Running,
    /// It was told to stop, and is killed then.
    Stopping(Moment),
    /// It has ended, and what it left behind is killed then.
    Leaving(Ended, Moment),
}

impl<'server> Shim<'server> {
    /// Starts the process that becomes the program.
    fn start(
        server: &'server UnixStream,
        inbox: Inbox,
        specification: Specification,
        stdin: Option<OwnedFd>,
    ) -> io::Result<Self> {
        descendants::adopt()?;
        let signals = Signals::catch()?;
        let (execution, theirs) = UnixStream::pair()?;
        let process = Command::new(this_program()?)
            .arg(EXECUTE)
            .stdin(Stdio::from(OwnedFd::from(theirs)))
            .spawn()?;
        // Only the program holds these now, so that their reader sees where they end.
        let nothing = File::options().write(true).open("/dev/null")?;
        dup2_stdout(&nothing)?;
        dup2_stderr(&nothing)?;
        let shim = Self {
            server,
            inbox,
            signals,
            execution: Some(execution),
            program: Pid::from_child(&process),
            grace: specification.grace,
            until: specification.until,
            is_in_bubblewrap: matches!(specification.confinement, Confinement::Bubblewrap(_)),
            phase: Phase::Running,
        };
        let handover = Handover {
            shim: getpid().as_raw_pid(),
            specification,
        };
        if let Some(execution) = &shim.execution {
            let stdin = stdin.as_ref().map(AsFd::as_fd);
            rights::send_all(execution, &encode(&handover)?, stdin)?;
        }
        // Else whoever writes to it would not see that the program reads no more.
        drop(stdin);
        Ok(shim)
    }

    /// Waits for one of the ends there are; `None` where nobody wants to hear of it.
    fn supervise(mut self) -> io::Result<Option<Report>> {
        loop {
            self.obey()?;
            let ready = self.wait()?;
            if ready.has_executed
                && let Some(refusal) = self.executed()?
            {
                return Ok(Some(Report::Refused(refusal)));
            }
            if ready.has_heard && !self.hear() {
                return Ok(None);
            }
            if self.signals.take() {
                self.stop();
            }
            // Before its time is over: while this was busy starting the program, it may have been renewed.
            self.obey()?;
            if let Some(report) = self.judge()? {
                return Ok(Some(report));
            }
        }
    }

    /// Does what the server has said.
    fn obey(&mut self) -> io::Result<()> {
        while let Some(order) = self.inbox.next()? {
            match order {
                Order::Renew(until) => self.until = Some(until),
                Order::Stop => self.stop(),
            }
        }
        Ok(())
    }

    /// Waits until something happens, or the next moment comes; not at all where that has passed.
    fn wait(&self) -> io::Result<Ready> {
        let phase = match self.phase {
            Phase::Running => None,
            Phase::Stopping(until) | Phase::Leaving(_, until) => Some(until.remaining()),
        };
        let lease = self.until.map(|until| until.remaining().min(LOOK));
        let timeout = phase.into_iter().chain(lease).min();
        let timeout = timeout.and_then(|timeout| Timespec::try_from(timeout).ok());
        let mut waited = vec![PollFd::new(self.server, PollFlags::IN)];
        waited.extend(self.signals.to_poll());
        waited.extend(
            self.execution
                .iter()
                .map(|fd| PollFd::new(fd, PollFlags::IN)),
        );
        match poll(&mut waited, timeout.as_ref()) {
            Ok(_) | Err(Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
        let is_ready = |place: usize| waited.get(place).is_some_and(|fd| !fd.revents().is_empty());
        Ok(Ready {
            has_heard: is_ready(0),
            has_executed: is_ready(3),
        })
    }

    /// Reads what the server says; whether it is still there.
    fn hear(&mut self) -> bool {
        let mut chunk = [0; 4096];
        let mut server = self.server;
        match server.read(&mut chunk) {
            Ok(0) => false,
            Ok(count) => {
                self.inbox.push(&chunk[..count]);
                true
            }
            Err(error) => error.kind() == io::ErrorKind::Interrupted,
        }
    }

    /// Tells the server that the program has been executed; why not, where it has not.
    fn executed(&mut self) -> io::Result<Option<Refusal>> {
        let Some(mut execution) = self.execution.take() else {
            return Ok(None);
        };
        let mut words = Vec::new();
        execution.read_to_end(&mut words)?;
        let mut inbox = Inbox::default();
        inbox.push(&words);
        let refusal = inbox.next()?;
        if refusal.is_none() {
            let session = self.program.as_raw_pid();
            say(self.server, &Report::Started { session })?;
        }
        Ok(refusal)
    }

    /// Sends TERM, once.
    fn stop(&mut self) {
        if !matches!(self.phase, Phase::Running) {
            return;
        }
        self.phase = Phase::Stopping(Moment::now().after(self.grace));
        if self.is_in_bubblewrap {
            // It would die of it, and all in it with it, without their grace.
            descendants::signal(Signal::TERM, Some(self.program));
        } else if kill_process_group(self.program, Signal::TERM).is_err() {
            // It leads no group yet.
            let _ = kill_process(self.program, Signal::TERM);
        }
    }

    /// Takes in who has ended, looks at the clock, and says how it ended once it has.
    fn judge(&mut self) -> io::Result<Option<Report>> {
        let mut status = None;
        let is_alone = descendants::reap(|id, its| {
            if id == self.program {
                status = Some(its);
            }
        });
        if let Some(status) = status {
            // It may have been quicker than the look at this.
            if let Some(refusal) = self.executed()? {
                return Ok(Some(Report::Refused(refusal)));
            }
            let background = Moment::now().after(self.grace.min(BACKGROUND_GRACE));
            let (ended, until) = match self.phase {
                // The rest of its group was told, too, and has the same grace.
                Phase::Stopping(until) => (Ended::Stopped, until.max(background)),
                _ => match status.terminating_signal() {
                    Some(signal) => (Ended::Signalled(signal), background),
                    None => (
                        Ended::Exited(status.exit_status().unwrap_or_default()),
                        background,
                    ),
                },
            };
            self.phase = Phase::Leaving(ended, until);
            #[cfg(not(target_os = "linux"))]
            let _ = kill_process_group(self.program, Signal::KILL);
            if !is_alone {
                descendants::signal(Signal::TERM, None);
            }
        }
        let is_over = self.until.is_some_and(Moment::has_passed);
        let ended = match self.phase {
            Phase::Running => is_over.then_some(Ended::Expired),
            Phase::Stopping(until) => (is_over || until.has_passed()).then_some(Ended::Killed),
            Phase::Leaving(ended, until) => {
                (is_alone || is_over || until.has_passed()).then_some(ended)
            }
        };
        Ok(ended.map(Report::Ended))
    }
}

/// What there is to read.
struct Ready {
    has_heard: bool,
    has_executed: bool,
}
