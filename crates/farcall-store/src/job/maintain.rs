//! What those see who keep the store in order.

use farcall_core::{id::JobId, job::state::JobState};

/// A job that has lost its worker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lost {
    /// Its identity.
    pub id: JobId,
    /// What it is now: `queued` again, or `failed`.
    pub became: JobState,
    /// Whether the loss brings it nearer to its end, because it had the worker for itself.
    pub counted: bool,
}

/// What a job still needs on disk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Needed {
    /// Its identity.
    pub id: JobId,
    /// Whether it is over, so that it has no use for a work folder.
    pub is_over: bool,
    /// The epoch of its last claim; nobody writes files under an earlier one.
    pub epoch: i64,
    /// Where its artifacts are that are published or still may be. Any other file of it is a
    /// stray: of a stage that was lost, replaced by a later one, or of a job that failed.
    pub locations: Vec<String>,
}

/// Something that may have happened. Nobody relies on hearing of it: whoever waits looks from
/// time to time as well.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hint {
    /// A job can be claimed.
    Queued,
    /// A running job was cancelled.
    CancelRequested(JobId),
    /// A job got answers.
    Answered(JobId),
    /// The record of a job is another one now.
    Changed(JobId),
    /// Anything: hints were missed.
    All,
}
