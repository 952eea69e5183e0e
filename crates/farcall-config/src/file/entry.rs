//! Tools and jobs that are declared one by one.

use std::time::Duration;

use farcall_core::{JsonObject, job::JobOptions, tool::Annotations};

use super::{Command, Parameter, Request};

/// A tool or a job.
#[derive(Clone, Debug)]
pub enum Entry {
    /// A tool, which answers at once.
    Tool(Box<ToolEntry>),
    /// A job, which is started and polled.
    Job(Box<JobEntry>),
}

/// A tool, which answers at once.
#[derive(Clone, Debug)]
pub struct ToolEntry {
    /// Its name.
    pub name: String,
    /// What an agent reads to decide when to call it.
    pub description: String,
    /// What callers say to it, in the order of the file.
    pub parameters: Vec<Parameter>,
    /// What runs.
    pub body: Body,
    /// What becomes of its output.
    pub output: Output,
    /// How long a call may take.
    pub timeout: Duration,
    /// Hints for clients.
    pub annotations: Annotations,
}

/// A job, which is started and polled.
#[derive(Clone, Debug)]
pub struct JobEntry {
    /// Its name.
    pub name: String,
    /// What an agent reads to decide when to start it.
    pub description: String,
    /// What callers say to it, in the order of the file.
    pub parameters: Vec<Parameter>,
    /// What runs.
    pub body: Body,
    /// What becomes of its output.
    pub output: Output,
    /// The names of its stages, at least one.
    pub stages: Vec<String>,
    /// The files that it leaves for its caller: patterns of paths from its folder, as shells write
    /// them.
    pub artifacts: Vec<String>,
    /// How its output tells how far it is, where it does not tell by itself.
    pub progress: Option<ProgressPattern>,
    /// Hints for clients.
    pub annotations: Annotations,
    /// How it is kept, limited and shown.
    pub options: JobOptions,
}

/// What runs behind a tool or a job.
#[derive(Clone, Debug)]
pub enum Body {
    /// A program.
    Command(Command),
    /// A request to an HTTP service.
    Request(Request),
}

/// What becomes of what a program prints, or a service answers.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Output {
    /// It is text for the caller. What a service answers is JSON unless the file says this.
    #[default]
    Text,
    /// It is JSON for the caller, which must follow the schema where there is one.
    Json(Option<JsonObject>),
    /// It is nothing for the caller, who learns only how it ended.
    Status,
}

/// How lines of output tell how far a program is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ProgressPattern {
    /// As a known program writes it.
    Preset(Preset),
    /// A regular expression with the named groups `fraction`, `percent`, `done` and `total`,
    /// `stage`, or `message`.
    Custom(String),
}

/// How known programs write their progress.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Preset {
    /// ffmpeg's `time=` against its `Duration:`.
    Ffmpeg,
    /// `17/60`.
    Fraction,
    /// `28 %`.
    Percent,
    /// tqdm's bar.
    Tqdm,
}
