//! What workers are, and what they take.

use std::{collections::BTreeMap, fmt, time::Duration};

use farcall_core::{
    JsonObject, clock::Timestamp, id::JobId, question::Askable, trace::TraceParent,
};
use serde_json::Value;

/// The identity of a process that runs jobs: 128 random bits, new with each start.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct WorkerId(u128);

impl WorkerId {
    /// An id of these bits, which must be random.
    pub fn from_random(bits: [u8; 16]) -> Self {
        Self(u128::from_be_bytes(bits))
    }

    /// Reads the 32 lower-case hexadecimal digits that [`Display`](fmt::Display) writes.
    pub fn parse(text: &str) -> Option<Self> {
        let id = Self(u128::from_str_radix(text, 16).ok()?);
        (id.to_string() == text).then_some(id)
    }
}

impl fmt::Display for WorkerId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{:032x}", self.0)
    }
}

impl fmt::Debug for WorkerId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, formatter)
    }
}

/// A process that runs jobs, as it makes itself known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewWorker {
    /// Its identity.
    pub id: WorkerId,
    /// The name of its machine, for people.
    pub host: String,
    /// What tells its process from every other one, so that a later one on the same machine can
    /// see that it is dead; empty where the system does not say.
    pub identity: String,
    /// The names of the jobs that it can run, with the fingerprints of their programs; without
    /// those that need more than it supplies.
    pub programs: BTreeMap<String, String>,
    /// What it supplies, by name.
    pub slots: BTreeMap<String, u32>,
}

/// A worker that is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Worker {
    /// What it said of itself.
    pub worker: NewWorker,
    /// When it made itself known.
    pub started_at: Timestamp,
    /// Whether its lease holds, so that it may claim.
    pub is_live: bool,
    /// When it was declared lost.
    pub gone_at: Option<Timestamp>,
}

/// Which claims a worker wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wanted<'a> {
    /// Who asks.
    pub worker: WorkerId,
    /// What it can take at this moment.
    pub programs: &'a [WantedJob],
    /// Of which kind.
    pub which: Which,
    /// How many at most; one where `which` is [`Suspect`](Which::Suspect).
    pub limit: u32,
    /// How long a job of another version of its program has to have waited, for a worker that has
    /// that version and is only just being started again.
    pub adopt_after: Duration,
}

/// A declaration that a worker can take jobs of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WantedJob {
    /// Its name.
    pub name: String,
    /// The fingerprint of its program.
    pub fingerprint: String,
    /// How many may run at once over all workers.
    pub concurrency: Option<u32>,
}

/// A kind of queued job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Which {
    /// Those that have not just lost their worker.
    Others,
    /// One that has, and may be what ended it: the worker promises to run nothing beside it.
    Suspect,
}

/// The right to write to a job that one claim gave; every write of a worker carries it.
///
/// Each claim of a job has a higher epoch than the one before, so that a worker that was
/// believed dead cannot write any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Fence {
    /// The job.
    pub id: JobId,
    /// How many claims there have been, this one included.
    pub epoch: i64,
}

/// A job in the hands of a worker.
#[derive(Clone, Debug, PartialEq)]
pub struct Claim {
    /// What every write about it has to carry.
    pub fence: Fence,
    /// The id of the principal that it belongs to.
    pub owner: String,
    /// The name of its declaration.
    pub job: String,
    /// Its arguments.
    pub arguments: JsonObject,
    /// How often it has been started, this time included.
    pub attempt: u32,
    /// How often it has lost its worker.
    pub losses: u32,
    /// Whether nothing may run beside it.
    pub alone: bool,
    /// How many stages its program had when it was accepted or last restarted.
    pub total_stages: u32,
    /// The fingerprint of that program.
    pub fingerprint: String,
    /// Where to go on, where it does not begin at its start.
    pub checkpoint: Option<Checkpoint>,
    /// How its caller can be asked.
    pub can_ask: Askable,
    /// Where its start stood in a trace.
    pub trace: Option<TraceParent>,
}

/// Where a job goes on.
#[derive(Clone, Debug, PartialEq)]
pub struct Checkpoint {
    /// How many stages are finished.
    pub stage: u32,
    /// What the next step is given: what the last finished one returned, or what it put aside
    /// itself.
    pub value: Value,
    /// The place of the work folder that they have left something in; none where it is empty.
    pub work: Option<String>,
}

/// What a worker learns when it renews its lease.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Beat {
    /// All of its jobs, as the record has them, in the order in which they were started by their
    /// callers.
    ///
    /// A claim is in the record before its answer is out, and the answer can be lost on the way.
    /// What a worker finds here in two beats in a row and does not know, it has to
    /// [release](super::JobStore::release): nobody else will, as long as its lease holds.
    pub running: Vec<Fence>,
    /// Which of them should stop, because they were cancelled.
    pub cancelled: Vec<Fence>,
    /// How long the oldest [suspect](Which::Suspect) of a name that it knows has waited.
    pub suspect_waits: Option<Duration>,
    /// How many live workers that know this name have a lower id, so that not all of them make room
    /// for one job.
    pub before: u32,
}
