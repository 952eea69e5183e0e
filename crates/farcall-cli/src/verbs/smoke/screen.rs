//! What of a run is shown, and where.

use super::bar::Bar;
use crate::{
    client::jobs::Status,
    terminal::{print, talk},
};

/// Where results and talk go.
pub(super) struct Screen {
    /// Whether the guide's lines are printed.
    has_lines: bool,
    /// Whether this is the first time that everything is gone through.
    is_first: bool,
    bar: Bar,
}

impl Screen {
    pub(super) fn new(json: bool) -> Self {
        Self {
            has_lines: !json,
            is_first: true,
            bar: Bar::default(),
        }
    }

    /// The same for one run; only the first one prints what it sees.
    pub(super) fn of_run(&self, is_first: bool) -> Self {
        Self {
            has_lines: self.has_lines && is_first,
            is_first,
            bar: Bar::default(),
        }
    }

    /// A result.
    pub(super) fn line(&self, line: &str) {
        if self.has_lines {
            self.bar.aside(|| {
                print(line);
            });
        }
    }

    /// Something that whoever typed the command should know, once.
    pub(super) fn note(&self, sentence: &str) {
        if self.is_first {
            talk(&format!("note: {sentence}"));
        }
    }

    /// How far a job is.
    pub(super) fn progress(&self, status: &Status) {
        self.bar.show(status);
    }

    /// The job is over.
    pub(super) fn clear(&self) {
        self.bar.clear();
    }
}
