//! What can go wrong, told twice: a public sentence for whoever called, and an
//! internal cause for the log.
//!
//! Which type belongs where: user code and every layer above the catalog speak
//! [`Problem`]. Crates below (store, artifacts, configuration) have their own
//! error enums, and turn into a `Problem` where a caller is about to see them.
//! The protocol layer alone decides how a `Problem` looks on the wire.

use std::{error::Error, fmt};

use serde::{Deserialize, Serialize};

use crate::question::Question;

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
pub struct Problem {
    code: ErrorCode,
    message: String,
    hint: Option<String>,
    cause: Option<Box<dyn Error + Send + Sync>>,
    pub(crate) questions: Vec<(String, Question)>,
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
        problem.cause = Some(cause.into());
        problem
    }

    /// A problem with a code of your choice; `sentence` is shown to the caller.
    pub fn new(code: ErrorCode, sentence: impl Into<String>) -> Self {
        Self {
            code,
            message: sentence.into(),
            hint: None,
            cause: None,
            questions: Vec::new(),
        }
    }

    /// Adds what the reader can do about it, one sentence without a full stop.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Adds the cause for the log; the caller never sees it.
    #[must_use]
    pub fn because(mut self, cause: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        self.cause = Some(cause.into());
        self
    }

    /// The class of this problem.
    pub fn code(&self) -> ErrorCode {
        self.code
    }

    /// What the caller reads: the sentence, and the hint where there is one.
    pub fn public_message(&self) -> String {
        match &self.hint {
            Some(hint) => format!("{}; {hint}", self.message),
            None => self.message.clone(),
        }
    }

    /// What the log gets beside the public message.
    pub fn cause(&self) -> Option<&(dyn Error + Send + Sync + 'static)> {
        self.cause.as_deref()
    }

    /// The questions that must be answered before the call can go on.
    ///
    /// Empty for every problem but the one that [`CallContext::ask`] returns; a tool
    /// hands that one up with `?`, and the server turns it into the protocol's
    /// request for input.
    ///
    /// [`CallContext::ask`]: crate::context::CallContext::ask
    pub fn questions(&self) -> &[(String, Question)] {
        &self.questions
    }

    /// The same as [`questions`](Self::questions), by value.
    pub fn into_questions(self) -> Vec<(String, Question)> {
        self.questions
    }

    pub(crate) fn unanswered(questions: Vec<(String, Question)>) -> Self {
        let mut problem = Self::user("this call needs answers from its caller first")
            .hint("the tool must hand this problem up with `?`");
        problem.questions = questions;
        problem
    }
}

impl fmt::Debug for Problem {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Problem")
            .field("code", &self.code)
            .field("message", &self.public_message())
            .field("cause", &self.cause)
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
        Self::internal(error)
    }
}
