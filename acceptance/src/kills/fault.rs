//! What a harness that kills may find.

use std::fmt;

/// Which promise is broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// What was acknowledged is not there.
    Lost,
    /// Something happened twice: two jobs for one start, two workers at once, two results.
    Double,
    /// Something is there in part: a file, a result, a chain of stages.
    Torn,
    /// A job does not come to its end, or runs without a worker.
    Stuck,
    /// The server did not do what a server does: come up, stop, answer.
    Broken,
}

/// One thing that must not be.
#[derive(Clone, Debug)]
pub struct Fault {
    /// Which promise is broken.
    pub kind: Kind,
    /// What was seen.
    pub what: String,
}

impl Fault {
    pub(crate) fn new(kind: Kind, what: impl Into<String>) -> Self {
        Self {
            kind,
            what: what.into(),
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Lost => "lost",
            Self::Double => "double",
            Self::Torn => "torn",
            Self::Stuck => "stuck",
            Self::Broken => "broken",
        })
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}: {}", self.kind, self.what)
    }
}
