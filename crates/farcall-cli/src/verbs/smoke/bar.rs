//! A bar on the terminal, for a job that takes longer than a second.

use std::{
    sync::OnceLock,
    time::{Duration, Instant},
};

use farcall_core::job::state::JobState;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::client::jobs::Status;

/// How long a job may take without a bar.
const PATIENCE: Duration = Duration::from_secs(1);

/// Parts of a stage that the bar tells apart.
const PARTS: u64 = 100;

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
        let bar = self
            .bar
            .get_or_init(|| started(status.total_stages, self.since.elapsed()));
        bar.set_position(position(status));
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

fn started(stages: u64, since: Duration) -> ProgressBar {
    let bar =
        ProgressBar::with_draw_target(Some(stages.max(1) * PARTS), ProgressDrawTarget::stderr());
    let bar = bar.with_elapsed(since);
    // Without colours, so that nothing depends on them.
    match ProgressStyle::with_template("{bar:24} {elapsed} {wide_msg}") {
        Ok(style) => bar.with_style(style.progress_chars("=> ")),
        Err(_) => bar,
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    reason = "a fraction of a hundred parts"
)]
fn position(status: &Status) -> u64 {
    if status.state == JobState::Succeeded {
        return status.total_stages * PARTS;
    }
    let within = status.progress.unwrap_or_default() * PARTS as f64;
    status.stage.saturating_sub(1) * PARTS + within as u64
}
