//! Calls of tools.

use std::{sync::Arc, time::Instant};

use crate::{
    families::{TOOL_CALL_SECONDS, TOOL_CALLS},
    number::{Counter, Histogram},
    text::Text,
};

/// What a call came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CallOutcome {
    /// Nobody waits for it any more.
    Abandoned,
    /// The tool says that it failed, or was called wrongly.
    Failed,
    /// Its caller is asked something first.
    InputRequired,
    /// It failed by a fault that is not its caller's.
    Internal,
    /// It is answered.
    Ok,
    /// It did not begin.
    Refused,
    /// It took too long.
    Timeout,
}

impl CallOutcome {
    /// As the label says it.
    pub fn as_str(self) -> &'static str {
        OUTCOMES[self as usize]
    }
}

/// In the order of [`CallOutcome`].
const OUTCOMES: [&str; 7] = [
    "abandoned",
    "failed",
    "input_required",
    "internal",
    "ok",
    "refused",
    "timeout",
];

/// In seconds.
const BOUNDS: &[f64] = &[0.001, 0.005, 0.025, 0.1, 0.5, 1.0, 2.5, 10.0, 25.0, 90.0];

/// What is counted of one tool.
#[derive(Debug)]
pub struct ToolSeries {
    over: [Counter; OUTCOMES.len()],
    seconds: Histogram,
}

impl Default for ToolSeries {
    fn default() -> Self {
        Self {
            over: [const { Counter::new() }; OUTCOMES.len()],
            seconds: Histogram::new(BOUNDS),
        }
    }
}

impl ToolSeries {
    /// A call that begins; it is counted when it ends.
    pub fn begin(self: &Arc<Self>) -> Call {
        Call {
            series: Arc::clone(self),
            begun: Instant::now(),
            outcome: CallOutcome::Abandoned,
        }
    }

    /// Counts a call that did not begin.
    pub fn refuse(&self) {
        self.over[CallOutcome::Refused as usize].add(1);
    }

    pub(crate) fn write_calls(&self, name: &str, text: &mut Text) {
        for (outcome, counter) in OUTCOMES.iter().zip(&self.over) {
            text.value(&TOOL_CALLS, &[name, outcome], counter.get());
        }
    }

    pub(crate) fn write_seconds(&self, name: &str, text: &mut Text) {
        text.histogram(&TOOL_CALL_SECONDS, &[name], &self.seconds);
    }
}

/// A call that is under way; dropped without an end, it was abandoned.
#[derive(Debug)]
pub struct Call {
    series: Arc<ToolSeries>,
    begun: Instant,
    outcome: CallOutcome,
}

impl Call {
    /// Notes what it comes to, unless something else is noted later.
    pub fn note(&mut self, outcome: CallOutcome) {
        self.outcome = outcome;
    }

    /// What it comes to, as far as is known.
    pub fn outcome(&self) -> CallOutcome {
        self.outcome
    }

    /// It came to this.
    pub fn end(mut self, outcome: CallOutcome) {
        self.note(outcome);
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        self.series.over[self.outcome as usize].add(1);
        self.series.seconds.observe(self.begun.elapsed());
    }
}
