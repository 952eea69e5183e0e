//! The thread that writes.

use std::{
    io,
    sync::{
        Arc,
        atomic::Ordering,
        mpsc::{Receiver, RecvTimeoutError},
    },
    thread,
    time::Duration,
};

use farcall_core::clock::Clock;

use super::{
    AuditPlace, Shared, line,
    sink::{self, Sink},
};

/// How long it waits before it tries again where nothing can be written; also how soon it sees that
/// the file was moved.
const PAUSE: Duration = Duration::from_secs(1);

/// Writes lines, one after the other, each as a whole.
pub(super) struct Writer {
    place: AuditPlace,
    sink: Sink,
    shared: Arc<Shared>,
    clock: Arc<dyn Clock>,
    /// Whether the last line could not be written, and the log was told.
    is_failing: bool,
}

impl Writer {
    pub(super) fn open(
        place: AuditPlace,
        shared: Arc<Shared>,
        clock: Arc<dyn Clock>,
    ) -> io::Result<Self> {
        Ok(Self {
            sink: sink::open(&place)?,
            place,
            shared,
            clock,
            is_failing: false,
        })
    }

    /// Writes until nobody hands over any more.
    pub(super) fn run(mut self, lines: &Receiver<Box<[u8]>>) {
        loop {
            match lines.recv_timeout(PAUSE) {
                Ok(line) => {
                    // What is handed over after the file was moved belongs in the new one.
                    self.follow();
                    self.write(&line);
                    self.shared.waiting.fetch_sub(line.len(), Ordering::Relaxed);
                    self.confess();
                }
                Err(RecvTimeoutError::Timeout) => {
                    self.follow();
                    self.confess();
                }
                Err(RecvTimeoutError::Disconnected) => return,
            }
        }
    }

    /// Tells of lines that found no room, now that there is some.
    fn confess(&mut self) {
        let lost = self.shared.lost.swap(0, Ordering::Relaxed);
        if lost > 0 {
            tracing::error!(lost, "lines of the audit log are lost");
            self.write(&line::lost(lost, self.clock.now()));
        }
    }

    /// Writes `line`, however long that takes. What is written of it is written on where it was, unless the
    /// file is another one by then.
    fn write(&mut self, line: &[u8]) {
        let mut rest = line;
        while !rest.is_empty() && !self.shared.is_over.load(Ordering::Acquire) {
            match self.sink.write(rest) {
                Ok(0) => self.rest_from(&io::ErrorKind::WriteZero.into()),
                Ok(count) => {
                    rest = &rest[count..];
                    continue;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => self.rest_from(&error),
            }
            if self.follow() {
                rest = line;
            }
        }
        if rest.is_empty() && self.is_failing {
            self.is_failing = false;
            tracing::info!("the audit log is written again");
        }
    }

    fn rest_from(&mut self, error: &io::Error) {
        if !self.is_failing {
            self.is_failing = true;
            tracing::error!(%error, "the audit log cannot be written, trying again every second");
        }
        thread::park_timeout(PAUSE);
    }

    /// Opens the file again where it was moved; says whether it is another one now.
    fn follow(&mut self) -> bool {
        if !self.shared.is_moved.swap(false, Ordering::Acquire) {
            return false;
        }
        match sink::open(&self.place) {
            Ok(sink) => {
                self.sink = sink;
                true
            }
            Err(error) => {
                tracing::error!(%error, "the audit log cannot be opened again, and goes on where it was");
                false
            }
        }
    }
}
