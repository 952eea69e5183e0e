//! What is sent, and what comes back.

use std::time::Duration;

use farcall_core::{
    problem::Problem,
    trace::{TRACEPARENT, TraceParent},
};
use reqwest::{
    Method, StatusCode,
    header::{HeaderMap, HeaderValue},
};
use url::Url;

/// A request, ready to be sent.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Outgoing {
    pub(super) method: Method,
    pub(crate) url: Url,
    /// Beside those of the service, which go first.
    pub(super) headers: HeaderMap,
    /// JSON.
    pub(super) body: Option<Vec<u8>>,
}

impl Outgoing {
    /// A request that only asks for what is at `url`.
    pub(super) fn get(url: Url) -> Self {
        Self {
            method: Method::GET,
            url,
            headers: HeaderMap::new(),
            body: None,
        }
    }

    /// The same, which says where it stands in a trace.
    pub(super) fn traced(mut self, trace: Option<TraceParent>) -> Self {
        let trace = trace.and_then(|trace| HeaderValue::try_from(trace.to_string()).ok());
        if let Some(trace) = trace {
            self.headers.insert(TRACEPARENT, trace);
        }
        self
    }
}

/// What a service answered, and all is well.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: StatusCode,
    /// The media type in small letters, without parameters; empty where there is none.
    pub(super) media_type: String,
    pub(super) body: Vec<u8>,
    /// Whether `body` is only the beginning, because it is longer than it may be.
    pub(super) is_cut: bool,
    /// How long the service asks to wait before it is asked again.
    pub(super) retry_after: Option<Duration>,
}

/// Why there is no such answer.
#[derive(Debug)]
pub(super) struct Failure {
    pub(super) problem: Problem,
    /// Whether it may pass by itself.
    pub(super) is_passing: bool,
    /// How long the service asks to wait before it is asked again.
    pub(super) retry_after: Option<Duration>,
}

impl Failure {
    /// A problem that does not pass.
    pub(super) fn lasting(problem: Problem) -> Self {
        Self {
            problem,
            is_passing: false,
            retry_after: None,
        }
    }
}

impl From<Failure> for Problem {
    fn from(failure: Failure) -> Self {
        match (failure.is_passing, failure.retry_after) {
            (true, Some(pause)) => failure.problem.try_again_after(pause),
            (true, None) => failure.problem,
            (false, _) => failure.problem.no_retry(),
        }
    }
}
