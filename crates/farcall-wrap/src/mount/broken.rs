//! What can go wrong between a mounted server and whoever asks it for something.

use std::fmt;

use farcall_core::problem::{ErrorCode, Problem};

use super::message::Refusal;
use crate::text;

/// How much of a server's sentence is told, in characters.
const MAX_SENTENCE: usize = 1_000;

/// Why there is no result.
#[derive(Debug)]
pub(super) enum Broken {
    /// It has too much to do.
    Busy,
    /// It ended before it answered.
    Ended,
    /// It was away before it could be asked, so nothing has happened.
    Gone,
    /// It answered with an error.
    Refused(Refusal),
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
            Broken::Gone | Broken::WornOut => {
                unavailable("the server behind this ended too often and rests for a while")
                    .hint("call again in a minute; the operator finds the cause in the server's log")
            }
            Broken::Refused(refusal) => {
                Self::user(sentence(&refusal.message)).with("code", refusal.code)
            }
            Broken::Unstartable(reason) => unavailable("the server behind this cannot be started")
                .hint("the operator finds the cause in the server's log")
                .because(reason),
            Broken::Unreadable(reason) => Self::internal(reason),
        }
    }
}

/// What a server says about an error, as a caller may read it.
fn sentence(text: &str) -> String {
    let cleaned = text::clean(text);
    match cleaned.char_indices().nth(MAX_SENTENCE) {
        Some((end, _)) => format!("{}…", &cleaned[..end]),
        None => cleaned,
    }
}
