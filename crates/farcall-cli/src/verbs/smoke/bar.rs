//! A bar on the terminal, for a job that takes longer than a second.

use std::{
    sync::OnceLock,
    time::{Duration, Instant},
};

use indicatif::ProgressBar;

use crate::{
    bar::{bar, length, position},
    client::jobs::Status,
};

/// How long a job may take without a bar.
const PATIENCE: Duration = Duration::from_secs(1);

/// A bar that is not there yet; it shows nothing where standard error is no terminal.
pub(super) struct Bar {
    since: Instant,
    bar: OnceLock<ProgressBar>,
}

impl Default for Bar {
    fn default() -> Self {
        Self {
            since: Instant::now(),
            bar: OnceLock::new(),
        }
    }
}

impl Bar {
    pub(super) fn show(&self, status: &Status) {
        if self.since.elapsed() < PATIENCE {
            return;
        }
        let stages = status.total_stages;
        let bar = self.bar.get_or_init(|| {
            let bar = bar(length(stages), "{bar:24} {elapsed} {wide_msg}");
            bar.with_elapsed(self.since.elapsed())
        });
        let at = position(status.state, status.stage, stages, status.progress);
        bar.set_position(at);
        bar.set_message(status.message.clone());
        bar.tick();
    }

    /// Runs `print` with the bar out of the way.
    pub(super) fn aside(&self, print: impl FnOnce()) {
        match self.bar.get() {
            Some(bar) => bar.suspend(print),
            None => print(),
        }
    }

    pub(super) fn clear(&self) {
        if let Some(bar) = self.bar.get() {
            bar.finish_and_clear();
        }
    }
}
