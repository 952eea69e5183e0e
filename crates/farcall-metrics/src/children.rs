//! Programs of others. They belong to the process and not to one of its servers, so they are counted for it.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::{
    families::{CHILDREN_ENDED, CHILDREN_RUNNING, CHILDREN_STARTED},
    number::Counter,
    text::Text,
};

/// How a program ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// With status 0.
    Exited,
    /// Nobody renewed it in time.
    Expired,
    /// With another status, or by a signal that nobody here sent.
    Failed,
    /// It was told to stop, did not, and was killed.
    Killed,
    /// It was told to stop, and did.
    Stopped,
    /// Its shim is gone, or nobody waited for its end.
    Unknown,
}

/// In the order of [`End`].
const ENDS: [&str; 6] = [
    "exited", "expired", "failed", "killed", "stopped", "unknown",
];

static RUNNING: AtomicU64 = AtomicU64::new(0);
static STARTED: Counter = Counter::new();
static NOT_STARTED: Counter = Counter::new();
static ENDED: [Counter; ENDS.len()] = [const { Counter::new() }; ENDS.len()];

/// A program that runs; dropped without an end, nobody knows how it ended.
#[derive(Debug)]
pub struct Running {
    end: std::sync::OnceLock<End>,
}

impl Running {
    /// Counts a program that was started.
    pub fn begin() -> Self {
        STARTED.add(1);
        RUNNING.fetch_add(1, Ordering::Relaxed);
        Self {
            end: std::sync::OnceLock::new(),
        }
    }

    /// Counts how it ended, once.
    pub fn end(&self, end: End) {
        if self.end.set(end).is_ok() {
            RUNNING.fetch_sub(1, Ordering::Relaxed);
            ENDED[end as usize].add(1);
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.end(End::Unknown);
    }
}

/// Counts a program that could not be started.
pub fn failed_to_start() {
    NOT_STARTED.add(1);
}

pub(crate) fn write(text: &mut Text) {
    text.only(&CHILDREN_RUNNING, RUNNING.load(Ordering::Relaxed));
    text.family(&CHILDREN_STARTED);
    text.value(&CHILDREN_STARTED, &["started"], STARTED.get());
    text.value(&CHILDREN_STARTED, &["failed"], NOT_STARTED.get());
    text.family(&CHILDREN_ENDED);
    for (how, counter) in ENDS.iter().zip(&ENDED) {
        text.value(&CHILDREN_ENDED, &[how], counter.get());
    }
}
