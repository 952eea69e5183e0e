//! What the server and its shim say to each other.
//!
//! Frames over a socket that only the two have: a length, then JSON ([`frame`]). The first one goes to the
//! shim and may have a descriptor beside it ([`rights`]); the shim hands both on to the process that
//! becomes the program.

pub(crate) mod frame;
mod moment;
pub(crate) mod rights;
mod text;

use std::time::Duration;

use serde::{Deserialize, Serialize};

pub(crate) use self::{moment::Moment, text::Text};
use crate::child::Ended;

/// What to run, and how; a [`ChildSpec`](crate::child::ChildSpec) in which every choice is made.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Specification {
    pub(crate) program: Text,
    pub(crate) arguments: Vec<Text>,
    pub(crate) environment: Vec<(Text, Text)>,
    pub(crate) working_dir: Text,
    pub(crate) readable: Vec<Text>,
    pub(crate) writable: Vec<Text>,
    pub(crate) withheld: Vec<Text>,
    /// Whether a descriptor travels beside this.
    pub(crate) has_stdin: bool,
    pub(crate) limits: Limits,
    pub(crate) confinement: Confinement,
    pub(crate) grace: Duration,
    pub(crate) until: Option<Moment>,
}

/// What a program may use at most, where there is a limit.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Limits {
    /// Bytes of address space.
    pub(crate) memory: Option<u64>,
    /// Whole seconds of processor time.
    pub(crate) cpu: Option<u64>,
    /// Bytes.
    pub(crate) file_size: Option<u64>,
    pub(crate) processes: Option<u64>,
    pub(crate) open_files: Option<u64>,
}

/// What keeps a program in its place.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) enum Confinement {
    /// Bubblewrap, which is this program.
    Bubblewrap(Text),
    /// The kernel: where it can, or else the program is not run.
    Kernel { is_required: bool },
    /// Nothing.
    None,
}

/// What the shim hands on to the process that becomes the program.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Handover {
    /// The shim's process.
    pub(crate) shim: i32,
    pub(crate) specification: Specification,
}

/// What the server says after the specification.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) enum Order {
    /// It may live until then.
    Renew(Moment),
    /// TERM, and KILL after the grace.
    Stop,
}

/// What the shim says.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum Report {
    /// No descendant is left.
    Ended(Ended),
    /// It cannot be run.
    Refused(Refusal),
    /// It has been executed, and leads the session of this number.
    Started { session: i32 },
}

/// Why a program is not run.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum Refusal {
    /// The system does not take as many bytes of arguments and environment, or as long an argument.
    TooLong,
    /// A sentence for the log.
    Other(String),
}
