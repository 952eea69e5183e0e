//! What can go wrong, told twice: a public sentence for whoever called, and an
//! internal cause for the log.
//!
//! Which type belongs where: user code and every layer above the catalog speak
//! [`Problem`]. Crates below (store, artifacts, configuration) have their own
//! error enums, and turn into a `Problem` where a caller is about to see them.
//! The protocol layer alone decides how a `Problem` looks on the wire.

use std::{error::Error, fmt, io, time::Duration};

use serde::{Deserialize, Serialize};

use crate::{
    JsonObject,
    question::{Asking, Question},
};

/// The class of a [`Problem`], as clients see it in `error_code`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ErrorCode {
    /// The job was cancelled by its caller or its operator.
    Cancelled,
    /// A wrapped program ended with a status other than zero.
    ExitNonzero,
    /// The same idempotency key came with other arguments.
    IdempotencyConflict,
    /// A fault of the server or of the code behind it; the log has the cause.
    Internal,
    /// A program or a stage produced more than it may.
    OutputLimit,
    /// The job waited longer than its `queue_timeout`.
    QueueTimeout,
    /// The server has no room left to keep what the job would produce.
    StorageFull,
    /// The work ran longer than its time limit.
    Timeout,
    /// No such job, or one that belongs to another caller.
    UnknownJob,
    /// The caller or the code that was called says what is wrong.
    UserError,
    /// The worker that ran the job was lost more often than the job allows.
    WorkerLost,
}

impl ErrorCode {
    /// Every code, in alphabetical order.
    pub const ALL: [Self; 11] = [
        Self::Cancelled,
        Self::ExitNonzero,
        Self::IdempotencyConflict,
        Self::Internal,
        Self::OutputLimit,
        Self::QueueTimeout,
        Self::StorageFull,
        Self::Timeout,
        Self::UnknownJob,
        Self::UserError,
        Self::WorkerLost,
    ];

    /// The code as it stands on the wire and in the store, for example `user_error`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Cancelled => "cancelled",
            Self::ExitNonzero => "exit_nonzero",
            Self::IdempotencyConflict => "idempotency_conflict",
            Self::Internal => "internal",
            Self::OutputLimit => "output_limit",
            Self::QueueTimeout => "queue_timeout",
            Self::StorageFull => "storage_full",
            Self::Timeout => "timeout",
            Self::UnknownJob => "unknown_job",
            Self::UserError => "user_error",
            Self::WorkerLost => "worker_lost",
        }
    }

    /// What it means, one sentence, for the reference.
    pub fn meaning(self) -> &'static str {
        match self {
            Self::Cancelled => "The job was cancelled by its caller or its operator.",
            Self::ExitNonzero => "A wrapped program ended with a status other than zero.",
            Self::IdempotencyConflict => "The same idempotency key came with other arguments.",
            Self::Internal => {
                "A fault of the server or of the code behind it; its log has the cause."
            }
            Self::OutputLimit => "A program or a stage produced more than it may.",
            Self::QueueTimeout => "The job waited longer than it may.",
            Self::StorageFull => "The server has no room left to keep what the job would produce.",
            Self::Timeout => "The work ran longer than its time limit.",
            Self::UnknownJob => "There is no such job, or it belongs to another caller.",
            Self::UserError => "The caller, or the code that was called, says what is wrong.",
            Self::WorkerLost => {
                "The worker that ran the job was lost more often than the job allows."
            }
        }
    }

    /// The code whose [`as_str`](Self::as_str) is `text`, if there is one.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|code| code.as_str() == text)
    }
}

impl fmt::Display for ErrorCode {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

/// Why a call or a job did not give what was asked for.
///
/// The sentence made with [`Problem::user`] reaches the caller word for word. An
/// error that arrives through `?` does not: it becomes an
/// [`Internal`](ErrorCode::Internal) problem whose cause goes to the log only, because
/// errors of libraries quote paths, queries and addresses.
///
/// ```
/// use farcall_core::problem::{ErrorCode, Problem};
///
/// fn parse(text: &str) -> Result<i64, Problem> {
///     if text.is_empty() {
///         return Err(Problem::user("`text` is empty").hint("send a number"));
///     }
///     Ok(text.parse()?)
/// }
///
/// assert_eq!(parse("").unwrap_err().code(), ErrorCode::UserError);
/// let masked = parse("x").unwrap_err();
/// assert_eq!(masked.code(), ErrorCode::Internal);
/// assert!(!masked.public_message().contains("digit"));
/// assert!(masked.cause().unwrap().to_string().contains("digit"));
/// ```
pub struct Problem(Box<Contents>);

// Boxed, because it is the error of nearly every function.
struct Contents {
    code: ErrorCode,
    message: String,
    hint: Option<String>,
    details: JsonObject,
    cause: Option<Box<dyn Error + Send + Sync>>,
    demand: Option<Demand>,
    retry_after: Option<Duration>,
    is_final: bool,
}

/// What a call needs of its client before it can go on; the protocol has answers of its own for it.
#[derive(Clone, Debug, PartialEq)]
pub enum Demand {
    /// Answers to these questions, by their keys.
    Answers(Vec<(String, Question)>),
    /// A client that can be asked this way at all.
    Capability(Asking),
}

impl Problem {
    /// A problem that the caller can do something about; `sentence` is shown to it.
    pub fn user(sentence: impl Into<String>) -> Self {
        Self::new(ErrorCode::UserError, sentence)
    }

    /// A fault of this side: `cause` goes to the log, the caller reads that the server failed.
    pub fn internal(cause: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        let mut problem = Self::new(ErrorCode::Internal, "the server failed while doing this")
            .hint("the operator finds the cause in the server's log");
        problem.0.cause = Some(cause.into());
        problem
    }

    /// A problem with a code of your choice; `sentence` is shown to the caller.
    pub fn new(code: ErrorCode, sentence: impl Into<String>) -> Self {
        Self(Box::new(Contents {
            code,
            message: sentence.into(),
            hint: None,
            details: JsonObject::new(),
            cause: None,
            demand: None,
            retry_after: None,
            is_final: false,
        }))
    }

    /// Adds what the reader can do about it, one sentence without a full stop.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.0.hint = Some(hint.into());
        self
    }

    /// Adds the cause for the log; the caller never sees it.
    #[must_use]
    pub fn because(mut self, cause: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        self.0.cause = Some(cause.into());
        self
    }

    /// Adds a fact that the caller sees beside the sentence.
    #[must_use]
    pub fn with(mut self, name: impl Into<String>, value: impl Into<serde_json::Value>) -> Self {
        self.0.details.insert(name.into(), value.into());
        self
    }

    /// Says that it passes by itself: the same call may work after `pause`.
    #[must_use]
    pub fn try_again_after(mut self, pause: Duration) -> Self {
        self.0.retry_after = Some(pause);
        self
    }

    /// Says that trying again is of no use: a job that has `retries` ends with this one.
    #[must_use]
    pub fn no_retry(mut self) -> Self {
        self.0.is_final = true;
        self
    }

    /// The class of this problem.
    pub fn code(&self) -> ErrorCode {
        self.0.code
    }

    /// What the caller reads: the sentence, and the hint where there is one.
    pub fn public_message(&self) -> String {
        match &self.0.hint {
            Some(hint) => format!("{}; {hint}", self.0.message),
            None => self.0.message.clone(),
        }
    }

    /// What the log gets beside the public message.
    pub fn cause(&self) -> Option<&(dyn Error + Send + Sync + 'static)> {
        self.0.cause.as_deref()
    }

    /// Facts beside the sentence, such as `job_id`.
    pub fn details(&self) -> &JsonObject {
        &self.0.details
    }

    /// When the same call may work, where the problem passes by itself.
    pub fn retry_after(&self) -> Option<Duration> {
        self.0.retry_after
    }

    /// Whether [`no_retry`](Self::no_retry) was said.
    pub fn is_final(&self) -> bool {
        self.0.is_final
    }

    /// What the client must give before the call can go on.
    ///
    /// There is none for every problem but the ones that [`CallContext::ask`] returns; a
    /// tool hands those up with `?`, and the server turns them into what the protocol
    /// has for it.
    ///
    /// [`CallContext::ask`]: crate::context::CallContext::ask
    pub fn demand(&self) -> Option<&Demand> {
        self.0.demand.as_ref()
    }

    pub(crate) fn demanding(demand: Demand) -> Self {
        let mut problem = match &demand {
            Demand::Answers(_) => Self::user("this call needs answers from its caller first")
                .hint("the tool must hand this problem up with `?`"),
            Demand::Capability(asking) => {
                let method = asking.method();
                Self::user(format!(
                    "this call has to ask its client with `{method}`, which it does not offer"
                ))
                .hint("call from a client that declares this capability")
            }
        };
        problem.0.demand = Some(demand);
        problem
    }
}

impl fmt::Debug for Problem {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Problem")
            .field("code", &self.0.code)
            .field("message", &self.public_message())
            .field("cause", &self.0.cause)
            .finish_non_exhaustive()
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.public_message())
    }
}

// `Problem` is not an `Error`, so that every error can turn into one with `?`.
impl<E: Error + Send + Sync + 'static> From<E> for Problem {
    fn from(error: E) -> Self {
        // The one library error that a caller can understand, and that passes by itself.
        if is_of_a_full_disk(&error) {
            return Self::new(
                ErrorCode::StorageFull,
                "the server has no room left for this",
            )
            .hint("try again later, or ask the operator to free space")
            .because(error);
        }
        Self::internal(error)
    }
}

/// Whether `error` is, or comes from, what the system says where a disk or a quota is full. Libraries
/// that write files wrap it.
fn is_of_a_full_disk(error: &(dyn Error + 'static)) -> bool {
    let mut next = Some(error);
    while let Some(error) = next {
        let io = error.downcast_ref::<io::Error>();
        if io.is_some_and(|io| {
            matches!(
                io.kind(),
                io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded
            )
        }) {
            return true;
        }
        // What was made into an `io::Error` is not its source, but in its place.
        next = match io.and_then(io::Error::get_ref) {
            Some(inner) => Some(inner),
            None => error.source(),
        };
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As libraries that write files say it.
    #[derive(Debug)]
    struct Unencodable(io::Error);

    impl fmt::Display for Unencodable {
        fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
            formatter.write_str("the picture cannot be encoded")
        }
    }

    impl Error for Unencodable {
        fn source(&self) -> Option<&(dyn Error + 'static)> {
            Some(&self.0)
        }
    }

    #[test]
    fn a_full_disk_is_told_however_it_is_wrapped() {
        let full = || io::Error::from(io::ErrorKind::StorageFull);
        for problem in [
            Problem::from(full()),
            Problem::from(io::Error::other(full())),
            Problem::from(Unencodable(full())),
            Problem::from(io::Error::other(Unencodable(full()))),
        ] {
            assert_eq!(problem.code(), ErrorCode::StorageFull, "{problem:?}");
        }
        let other = Unencodable(io::ErrorKind::BrokenPipe.into());
        assert_eq!(Problem::from(other).code(), ErrorCode::Internal);
    }
}
