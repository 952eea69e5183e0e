//! Who called what, one JSON line for each call, in a file that only grows.
//!
//! A call hands its line over and goes on; a thread of its own writes, so that a slow or full disk
//! holds up nobody. Lines that wait have a limit. One that finds no room is counted, and told as soon as
//! there is something to tell it to.

mod line;
mod sink;
mod writer;

use std::{
    io,
    path::PathBuf,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering},
        mpsc,
    },
    thread::JoinHandle,
    time::Duration,
};

use farcall_core::clock::{Clock, Timestamp};

pub(crate) use self::line::{Call, Outcome, Who, fetched};
use self::writer::Writer;

/// How many bytes of lines may wait to be written (16 MiB).
const MAX_WAITING: usize = 16 << 20;

/// How long a server that stops waits for them.
const FAREWELL: Duration = Duration::from_secs(5);

/// Where the lines go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AuditPlace {
    /// To the end of this file, which is made where it is missing, for its user alone (0600).
    File(PathBuf),
    /// To standard output.
    Stdout,
}

/// The audit log of a server; cheap to clone.
#[derive(Clone)]
pub struct Audit(Arc<Inner>);

struct Inner {
    shared: Arc<Shared>,
    lines: Mutex<Option<mpsc::Sender<Box<[u8]>>>>,
    writer: Mutex<Option<JoinHandle<()>>>,
    has_values: bool,
    clock: Arc<dyn Clock>,
}

/// What calls and the writer both look at.
#[derive(Default)]
struct Shared {
    /// Bytes that wait.
    waiting: AtomicUsize,
    /// Lines that found no room since the last that were told of.
    lost: AtomicU64,
    /// Whether the file is to be opened again.
    is_moved: AtomicBool,
    /// Whether nobody waits any longer for what is not written.
    is_over: AtomicBool,
}

impl Audit {
    /// Opens the log; with `has_values` lines say what calls were made with, and not only its hash.
    ///
    /// # Errors
    /// What the system says where the file cannot be opened, or no thread started.
    pub fn open(place: AuditPlace, has_values: bool, clock: Arc<dyn Clock>) -> io::Result<Self> {
        let shared = Arc::new(Shared::default());
        let (sender, lines) = mpsc::channel();
        let writer = Writer::open(place, Arc::clone(&shared), Arc::clone(&clock))?;
        let thread = std::thread::Builder::new().name("audit".to_owned());
        let thread = thread.spawn(move || writer.run(&lines))?;
        Ok(Self(Arc::new(Inner {
            shared,
            lines: Mutex::new(Some(sender)),
            writer: Mutex::new(Some(thread)),
            has_values,
            clock,
        })))
    }

    /// Whether lines say what calls were made with.
    pub(crate) fn has_values(&self) -> bool {
        self.0.has_values
    }

    fn now(&self) -> Timestamp {
        self.0.clock.now()
    }

    /// Hands a line over.
    pub(crate) fn write(&self, line: Vec<u8>) {
        let shared = &self.0.shared;
        let length = line.len();
        let before = shared.waiting.fetch_add(length, Ordering::Relaxed);
        let has_room = before + length <= MAX_WAITING;
        let lines = self.0.lines.lock().unwrap_or_else(PoisonError::into_inner);
        let sent = lines
            .as_ref()
            .filter(|_| has_room)
            .is_some_and(|lines| lines.send(line.into()).is_ok());
        if !sent {
            shared.waiting.fetch_sub(length, Ordering::Relaxed);
            if shared.lost.fetch_add(1, Ordering::Relaxed) == 0 {
                tracing::error!(
                    "a line of the audit log is lost, because those before it cannot be written"
                );
            }
        }
    }

    /// Opens the file again, because somebody has moved it away.
    pub fn reopen(&self) {
        self.0.shared.is_moved.store(true, Ordering::Release);
        self.wake();
    }

    /// Waits until what was handed over is written, for five seconds at most; lines after this are lost.
    pub async fn close(&self) {
        let sender = self
            .0
            .lines
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        drop(sender);
        let thread = self
            .0
            .writer
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        let Some(thread) = thread else { return };
        let writer = thread.thread().clone();
        let ended = tokio::task::spawn_blocking(move || thread.join());
        if tokio::time::timeout(FAREWELL, ended).await.is_err() {
            tracing::error!("the last lines of the audit log cannot be written");
            self.0.shared.is_over.store(true, Ordering::Release);
            writer.unpark();
        }
    }

    fn wake(&self) {
        let writer = self.0.writer.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(writer) = &*writer {
            writer.thread().unpark();
        }
    }
}
