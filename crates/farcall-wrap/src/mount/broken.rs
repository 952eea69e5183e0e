//! What can go wrong between a mounted server and whoever asks it for something.

use std::fmt;

use farcall_core::problem::{ErrorCode, Problem};

use super::message::Refusal;
use crate::text;

/// How much of a server's sentence is told, in bytes.
const MAX_SENTENCE: usize = 1_000;

/// Why there is no result.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Broken {
    /// It has too much to do.
    Busy,
    /// It ended before it answered.
    Ended,
    /// It was away before it could be asked, so nothing has happened.
    Gone,
    /// It answered with an error.
    Refused(Refusal),
    /// It is not started any more, because this server stops.
    Stopping,
    /// Its answer is longer than this many bytes, and was not read.
    TooLong(usize),
    /// It cannot be started; why is for the log.
    Unstartable(String),
    /// It ended too often.
    WornOut,
    /// What it was to be asked, or what it answered, cannot be written or read.
    Unreadable(String),
}

impl fmt::Display for Broken {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Busy => formatter.write_str("it has too many requests to answer"),
            Self::Ended => formatter.write_str("it ended before it answered"),
            Self::Gone => formatter.write_str("it is not there"),
            Self::Refused(refusal) => write!(
                formatter,
                "it answered with the error {}: {}",
                refusal.code,
                sentence(&refusal.message)
            ),
            Self::Stopping => formatter.write_str("it is not started any more"),
            Self::TooLong(limit) => write!(formatter, "its answer is longer than {limit} bytes"),
            Self::Unstartable(reason) | Self::Unreadable(reason) => formatter.write_str(reason),
            Self::WornOut => formatter.write_str("it ended too often within a minute"),
        }
    }
}

impl From<Broken> for Problem {
    fn from(broken: Broken) -> Self {
        let unavailable = |sentence: &str| Self::new(ErrorCode::Internal, sentence);
        match broken {
            Broken::Busy => Self::user("the server behind this has too much to do")
                .hint("call again in a moment"),
            Broken::Ended => unavailable("the server behind this ended before it answered")
                .hint("it is started anew with the next call; what this one has done by then is not known"),
            Broken::Gone => unavailable("the server behind this ended before it was asked")
                .hint("call again; it is started anew"),
            Broken::Refused(refusal) => {
                let problem = Self::user(sentence(&refusal.message)).with("code", refusal.code);
                match refusal.data {
                    Some(data) => problem.with("data", text::clean_value(data)),
                    None => problem,
                }
            }
            Broken::Stopping => unavailable("this server stops, and so does the one behind this")
                .hint("call again in a moment"),
            Broken::TooLong(limit) => {
                let sentence =
                    format!("the server behind this answered with more than {limit} bytes");
                Self::new(ErrorCode::OutputLimit, sentence).hint("ask for less")
            }
            Broken::Unstartable(reason) => unavailable("the server behind this cannot be started")
                .hint("the operator finds the cause in the server's log")
                // No line of its last words may look like one of the log.
                .because(reason.replace('\n', "\n    ")),
            Broken::Unreadable(reason) => Self::internal(reason),
            Broken::WornOut => {
                unavailable("the server behind this ended too often and rests for a while")
                    .hint("call again in a minute; the operator finds the cause in the server's log")
            }
        }
    }
}

/// What a server says about an error, as a caller may read it.
fn sentence(text: &str) -> String {
    text::beginning(&text::clean(text), MAX_SENTENCE).into_owned()
}
