//! Follows what a program says while it runs, on the thread of its job: into the job's log, its
//! stages, its checkpoint.

use farcall_core::{
    job::JobContext,
    problem::{ErrorCode, Problem},
};
use serde_json::{Value, json};
use tokio::sync::mpsc::Receiver;
use tokio_util::sync::CancellationToken;

use crate::{
    events::Event,
    lines::Line,
    output::Tail,
    progress::{ProgressReader, Reading},
    stages::Stages,
};

/// How many files a program may name; it is told when it names more.
const MAX_NAMED: usize = 1_000;

/// What is heard of a program.
#[derive(Debug)]
pub(super) enum Told {
    /// A line of its output.
    Line(Line),
    /// A line that it printed as an error.
    ErrorLine(Line),
    /// A line of its event pipe.
    Event(Result<Event, String>),
}

/// What is known of a program from what it said.
pub(super) struct Follower<'a> {
    job: &'a JobContext,
    stages: Stages<'a>,
    progress: Option<ProgressReader>,
    arguments: Value,
    /// Tells it to stop, because what it said cannot be kept.
    stop: CancellationToken,
    has_complained: bool,
    /// Files that it named.
    pub(super) named: Vec<String>,
    /// The value that it told last.
    pub(super) result: Option<Value>,
    /// The last lines of its errors.
    pub(super) tail: Tail,
    /// What is in the way of following it any further.
    pub(super) problem: Option<Problem>,
}

impl<'a> Follower<'a> {
    pub(super) fn new(
        job: &'a JobContext,
        stages: &'a [String],
        progress: Option<ProgressReader>,
        arguments: Value,
        stop: CancellationToken,
    ) -> Self {
        Self {
            job,
            stages: Stages::new(job, stages),
            progress,
            arguments,
            stop,
            has_complained: false,
            named: Vec::new(),
            result: None,
            tail: Tail::default(),
            problem: None,
        }
    }

    /// Follows until nothing more is said.
    pub(super) fn follow(&mut self, mut told: Receiver<Told>) {
        while let Some(told) = told.blocking_recv() {
            let heard = match told {
                Told::Line(line) => self.line(line),
                Told::ErrorLine(line) => {
                    self.tail.keep(line.text.clone());
                    self.line(line)
                }
                Told::Event(Ok(event)) => self.event(event),
                Told::Event(Err(fault)) => {
                    self.complain(&fault);
                    Ok(())
                }
            };
            if let Err(problem) = heard {
                self.stop.cancel();
                self.problem.get_or_insert(problem);
            }
        }
    }

    fn line(&mut self, line: Line) -> Result<(), Problem> {
        let reading = self
            .progress
            .as_mut()
            .and_then(|progress| progress.read(&line.text));
        // A bar of progress would fill the log with its own past.
        if !(line.is_overwritten && reading.is_some()) {
            self.job.log(line.text);
        }
        let Some(Reading {
            stage,
            fraction,
            message,
        }) = reading
        else {
            return Ok(());
        };
        if let Some(stage) = stage {
            let named = self.stages.number(|known| *known == stage);
            let number = named.or_else(|| stage.parse().ok());
            self.stages.enter(number.unwrap_or(0))?;
        }
        self.report(fraction, message);
        Ok(())
    }

    fn event(&mut self, event: Event) -> Result<(), Problem> {
        match event {
            Event::Stage { number, message } => {
                let number = usize::try_from(number).unwrap_or(usize::MAX);
                let total = self.stages.count();
                if !(1..=total).contains(&number) {
                    self.complain(&format!(
                        "there is no stage {number}, they are numbered from 1 to {total}"
                    ));
                    return Ok(());
                }
                if self.stages.enter(number)? {
                    self.report(None, message);
                }
            }
            Event::Progress { fraction, message } => self.report(fraction, message),
            Event::Artifact(path) if self.named.len() < MAX_NAMED => {
                if !self.named.contains(&path) {
                    self.named.push(path);
                }
            }
            Event::Artifact(_) => self.complain(&format!("more than {MAX_NAMED} files are named")),
            Event::Result(value) => self.result = Some(value),
            Event::Checkpoint(value) => self.keep(&value)?,
        }
        Ok(())
    }

    fn report(&self, fraction: Option<f64>, message: Option<String>) {
        if let Some(fraction) = fraction {
            self.job.progress(fraction);
        }
        if let Some(message) = message {
            self.job.message(crate::text::clean(&message));
        }
    }

    /// Keeps what a run that begins again is given. The arguments go with it, as that is all a
    /// step is given then.
    fn keep(&mut self, value: &Value) -> Result<(), Problem> {
        if self.job.is_cancelled() {
            return Ok(());
        }
        match self.job.checkpoint(&json!([self.arguments, value])) {
            Err(problem) if problem.code() == ErrorCode::OutputLimit => {
                self.complain(&problem.public_message());
                Ok(())
            }
            kept => kept,
        }
    }

    /// Tells once what is wrong with what the program says; who makes a mistake makes it often.
    fn complain(&mut self, fault: &str) {
        if !std::mem::replace(&mut self.has_complained, true) {
            self.job.log(format!(
                "a line in $FARCALL_EVENTS is ignored, and so is every other like it: {fault}"
            ));
        }
    }
}
