//! The durable record of jobs.
//!
//! [`JobStore`] is what the layers above see; [`SqliteStore`] is the embedded backend.
//! What a store acknowledges is on disk, what it reports is read from the record, and its
//! database refuses by itself what the state machine of [`farcall_core::job::state`] does
//! not allow: rows are guarded by constraints and triggers, not by good behaviour.
//!
//! Of the errors, [`StoreError`] belongs to this crate and to the runner;
//! [`StoreError::problem`] makes of it what a caller may see.

mod error;
mod job;
mod sqlite;

#[cfg(feature = "conformance")]
#[doc(hidden)]
pub mod conformance;

pub use crate::{
    error::StoreError,
    job::{
        Checkpoint, Claim, Failure, Fence, JobError, JobRecord, JobStore, NewJob, Outcome,
        PublishedArtifact, Recovered, Report, Success, message,
    },
    sqlite::SqliteStore,
};

/// Every crash point of this crate, for [`farcall_core::crash_point!`].
///
/// `begun` is inside the transaction, after its writes: a process that ends there has changed
/// nothing. `committed` is after the transaction: what was written is there, and nobody was told.
pub const CRASH_POINTS: &[&str] = &[
    "store.enqueue.begun",
    "store.enqueue.committed",
    "store.claim.begun",
    "store.claim.committed",
    "store.checkpoint.begun",
    "store.checkpoint.committed",
    "store.succeed.begun",
    "store.succeed.committed",
    "store.fail.begun",
    "store.fail.committed",
];
