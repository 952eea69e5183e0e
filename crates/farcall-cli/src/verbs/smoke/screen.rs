//! What goes to standard output, which is data, and to standard error, which is talk.

use std::io::{self, Write};

use serde::Serialize;

use super::bar::Bar;
use crate::client::jobs::Status;

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
            self.bar.aside(|| print(line));
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

/// The one result of `--json`.
pub(super) fn print_json(value: &impl Serialize) {
    if let Ok(text) = serde_json::to_string(value) {
        print(&text);
    }
}

/// Something that whoever typed the command may like to know.
pub(super) fn talk(sentence: &str) {
    // Nothing can be done about a terminal that is gone.
    let _ = writeln!(io::stderr(), "{sentence}");
}

fn print(line: &str) {
    // A reader that has seen enough, such as `head`, is no failure of the server.
    let _ = writeln!(io::stdout(), "{line}");
}
