//! How bars look, and where in one a job is.

use farcall_core::job::state::JobState;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// Parts of a stage that a bar tells apart.
const PARTS: u64 = 100;

/// A bar on standard error, for a terminal; nothing elsewhere.
pub(crate) fn bar(length: u64, template: &str) -> ProgressBar {
    let bar = ProgressBar::with_draw_target(Some(length), ProgressDrawTarget::stderr());
    // Without colours, so that nothing depends on them.
    match ProgressStyle::with_template(template) {
        Ok(style) => bar.with_style(style.progress_chars("=> ")),
        Err(_) => bar,
    }
}

/// How long the bar of a job is that has so many stages.
pub(crate) fn length(stages: u64) -> u64 {
    stages.max(1) * PARTS
}

/// Where in its bar a job is.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    reason = "a fraction of a hundred parts"
)]
pub(crate) fn position(state: JobState, at: u64, stages: u64, progress: Option<f64>) -> u64 {
    if state == JobState::Succeeded {
        return length(stages);
    }
    let within = progress.unwrap_or_default() * PARTS as f64;
    at.saturating_sub(1) * PARTS + within as u64
}
