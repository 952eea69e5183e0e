//! The signals that a server listens to.

use std::{fs::File, io, sync::Arc};

use tokio::{
    signal::unix::{Signal, SignalKind, signal},
    sync::Notify,
};

use crate::Failure;

/// What a signal tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Told {
    /// SIGTERM or SIGINT: to end in order. SIGHUP, too, where it says that the terminal is gone.
    Stop,
    /// SIGHUP: to read again what is served.
    Reload,
}

/// SIGTERM, SIGINT and SIGHUP, from when this is made on.
pub(super) struct Signals {
    terminate: Signal,
    interrupt: Signal,
    hang_up: Signal,
    /// Whether somebody sits before it, who may go away.
    has_terminal: bool,
    told: Arc<Notify>,
}

impl Signals {
    pub(super) fn new() -> Result<Self, Failure> {
        let listen = |kind| {
            signal(kind)
                .map_err(|error| Failure::failed(format!("signals cannot be received: {error}")))
        };
        Ok(Self {
            terminate: listen(SignalKind::terminate())?,
            interrupt: listen(SignalKind::interrupt())?,
            hang_up: listen(SignalKind::hangup())?,
            has_terminal: terminal().is_ok(),
            told: Arc::default(),
        })
    }

    async fn next(&mut self) -> Told {
        tokio::select! {
            _ = self.terminate.recv() => Told::Stop,
            _ = self.interrupt.recv() => Told::Stop,
            _ = self.hang_up.recv() => {
                // A window that was closed takes its terminal with it.
                if self.has_terminal && terminal().is_err() {
                    Told::Stop
                } else {
                    Told::Reload
                }
            }
        }
    }

    /// Notified when it is time to read again; also of what was told before anybody waited.
    pub(super) fn told(&self) -> Arc<Notify> {
        Arc::clone(&self.told)
    }

    /// Waits to be told to end, and passes on until then when it is time to read again.
    pub(super) async fn stop(&mut self) {
        while self.next().await == Told::Reload {
            self.told.notify_one();
        }
    }

    /// What comes of a start, unless it is told to end before that: then it is given up.
    pub(super) async fn unless_stopped<T>(&mut self, start: impl Future<Output = T>) -> Option<T> {
        tokio::select! {
            started = start => Some(started),
            () = self.stop() => {
                tracing::info!("told to stop before it had started");
                None
            }
        }
    }
}

/// The terminal that controls this process.
fn terminal() -> io::Result<File> {
    File::open("/dev/tty")
}
