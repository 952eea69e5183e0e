//! What callers and operators read.

use std::time::Duration;

use farcall_core::{
    artifact::Artifact,
    clock::Timestamp,
    id::JobId,
    job::state::JobState,
    principal::{Principal, Scope},
    problem::ErrorCode,
};
use serde_json::Value;

use super::WorkerId;

/// Whose records a reader may see. An id out of reach is answered like one that never was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach<'a> {
    /// Those of this owner.
    Owner(&'a str),
    /// Everyone's.
    All,
}

impl<'a> Reach<'a> {
    /// How far `caller` can reach.
    pub fn of(caller: &'a Principal) -> Self {
        if caller.has(Scope::Admin) {
            Self::All
        } else {
            Self::Owner(caller.id())
        }
    }

    /// The owner, where there is only one.
    pub fn owner(self) -> Option<&'a str> {
        match self {
            Self::Owner(owner) => Some(owner),
            Self::All => None,
        }
    }
}

/// How many jobs there are that have not expired, of everybody.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// They wait for a worker.
    pub queued: u64,
    /// They have one.
    pub running: u64,
    /// They are over.
    pub succeeded: u64,
    /// They are over.
    pub failed: u64,
    /// For how long the one that waits longest could have been claimed; of one that waits to be tried again,
    /// its pause does not count. None where none waits.
    pub oldest_queued: Option<Duration>,
}

/// Where a job stands: everything that a poll can ask for.
#[derive(Clone, Debug, PartialEq)]
pub struct JobRecord {
    /// Its identity.
    pub id: JobId,
    /// The id of the principal that it belongs to.
    pub owner: String,
    /// The name of its declaration.
    pub job: String,
    /// Its state.
    pub state: JobState,
    /// The stage it has reached, from 0 to `total_stages`.
    pub stage: u32,
    /// How many stages there are.
    pub total_stages: u32,
    /// One line about the present step.
    pub message: String,
    /// How far the present stage is, from 0 to 1, where its program says so.
    pub progress: Option<f64>,
    /// Why it failed; exactly where `state` is `failed`.
    pub error: Option<JobError>,
    /// How often it has been started; a claim that was released does not count.
    pub attempt: u32,
    /// How often it has lost its worker.
    pub losses: u32,
    /// How often it has lost a worker that it had for itself; these bring it to its end.
    pub counted_losses: u32,
    /// Higher first; a point is worth a minute of waiting.
    pub priority: i8,
    /// Who runs it; exactly where `state` is `running`.
    pub worker: Option<WorkerId>,
    /// Whether it waits for an answer of its caller.
    pub is_asking: bool,
    /// Whether it was cancelled while it ran.
    pub cancel_requested: bool,
    /// How long it is kept after its end.
    pub keep_for: Duration,
    /// When it was accepted.
    pub created_at: Timestamp,
    /// When something about it changed last.
    pub updated_at: Timestamp,
    /// Since when it may be claimed; ahead of `read_at` while it waits to be tried again.
    pub run_at: Timestamp,
    /// When it was claimed for the first time.
    pub started_at: Option<Timestamp>,
    /// When it ended; exactly where `state` is terminal.
    pub finished_at: Option<Timestamp>,
    /// Until when it and its files are kept; exactly where `state` is terminal.
    pub expires_at: Option<Timestamp>,
    /// When this was read, on the store's clock, which all the other times are on.
    pub read_at: Timestamp,
}

/// Why a job failed, as its caller reads it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JobError {
    /// The class.
    pub code: ErrorCode,
    /// One sentence.
    pub message: String,
}

/// A record with what the job left behind; both are empty unless it has succeeded.
#[derive(Clone, Debug, PartialEq)]
pub struct Outcome {
    /// Where the job stands.
    pub record: JobRecord,
    /// Its result, where it has one beside its files.
    pub value: Option<Value>,
    /// Its published artifacts, in the order they were first made.
    pub artifacts: Vec<Artifact>,
}

/// A record with what else its operator looks at when something is wrong.
#[derive(Clone, Debug, PartialEq)]
pub struct Details {
    /// Where the job stands.
    pub record: JobRecord,
    /// How many claims of it there have been, also those that do not count as attempts.
    pub epoch: i64,
    /// How often it began again because its program had changed.
    pub restarts: u32,
    /// How many stages are finished and kept: where the next attempt goes on.
    pub checkpoint: Option<u32>,
    /// The files that are recorded, in the order they were first made: published where it has
    /// succeeded, kept for the next stages where it is not over, none where it has failed.
    pub artifacts: Vec<Artifact>,
    /// The number of the last line of its log; 0 where there is none.
    pub last_line: u64,
}

/// A file that its owner may fetch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublishedArtifact {
    /// The id of the principal that it belongs to.
    pub owner: String,
    /// When it may be removed.
    pub expires_at: Option<Timestamp>,
    /// The file.
    pub artifact: Artifact,
}

/// What became of a cancel.
#[derive(Clone, Debug, PartialEq)]
pub enum Cancelled {
    /// It waited, and has failed as `cancelled`.
    Now(JobRecord),
    /// It runs, and its worker is told.
    Requested(JobRecord),
    /// It was over before, and is what it was.
    WasOver(JobRecord),
}

/// Some of a job's log, oldest line first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LogPage {
    /// The lines.
    pub lines: Vec<LogLine>,
    /// The number to read on from.
    pub next: u64,
    /// Whether the job is over and has no line after these.
    pub is_over: bool,
}

/// One line of a job's log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogLine {
    /// Its number, from 1. The oldest lines go when there are too many, the numbers stay.
    pub number: u64,
    /// When it was kept.
    pub at: Timestamp,
    /// What it says, at most 2 KiB.
    pub text: String,
}

/// Which jobs to list, newest first; `Default` lists none, because its limit is 0.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Listed {
    /// Only those in this state.
    pub state: Option<JobState>,
    /// Only those of this declaration.
    pub job: Option<String>,
    /// Only those of this owner.
    pub owner: Option<String>,
    /// Only those whose id begins with these digits.
    pub id_prefix: Option<String>,
    /// Only those that are older than this one.
    pub before: Option<JobId>,
    /// How many at most.
    pub limit: u32,
}
