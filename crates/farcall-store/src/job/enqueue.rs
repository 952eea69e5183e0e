//! What callers bring.

use std::time::Duration;

use farcall_core::{JsonObject, id::JobId, question::Askable, trace::TraceParent};

use super::JobRecord;

/// A job as it is accepted. Its times are the store's.
#[derive(Clone, Debug, PartialEq)]
pub struct NewJob {
    /// Its identity; a second job with the same one is refused.
    pub id: JobId,
    /// The id of the principal that it belongs to.
    pub owner: String,
    /// The name of its declaration.
    pub job: String,
    /// The arguments, checked already.
    pub arguments: JsonObject,
    /// How many stages its program has, at least 1.
    pub total_stages: u32,
    /// The fingerprint of its program.
    pub fingerprint: String,
    /// What holds for it whoever ends it.
    pub terms: Terms,
    /// The key by which its caller knows a repetition of this start, 1 to 255 bytes.
    pub key: Option<String>,
    /// SHA-256 of the arguments in one form, so that equal ones are known without reading them.
    pub args_hash: [u8; 32],
    /// How old a job of the same caller with the same arguments may be to be returned in the
    /// place of a new one. A start with a key is told from others by its key alone.
    pub unique_for: Option<Duration>,
    /// How its caller can be asked while it runs.
    pub can_ask: Askable,
    /// How many jobs of the same owner may wait or run, this one among them.
    pub max_open: Option<u32>,
    /// Where the start stands in a trace; what the job does goes on from there.
    pub trace: Option<TraceParent>,
}

/// What holds for a job whoever ends it, also one that does not know its declaration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Terms {
    /// From -10 to 10, higher first; a point is worth a minute of waiting.
    pub priority: i8,
    /// How long it is kept after its end.
    pub keep_for: Duration,
    /// How long it may wait for its first start.
    pub queue_timeout: Option<Duration>,
    /// The loss of a worker that it had for itself at which it has failed; 0 where it fails at
    /// the first loss of all.
    pub max_losses: u16,
}

/// What became of a start.
#[derive(Clone, Debug, PartialEq)]
pub struct Enqueued {
    /// The job that the caller has now.
    pub record: JobRecord,
    /// Why it is an earlier one; `None` where this start made it.
    pub was_there: Option<Same>,
}

/// What two starts have in common.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Same {
    /// Their key.
    Key,
    /// Their arguments, within `unique_for`.
    Arguments,
}
