//! The durable record of jobs, and of who may call.
//!
//! [`JobStore`] and [`CallerStore`] are what the layers above see; [`SqliteStore`] is the embedded backend, and
//! `PostgresStore`, with the feature `postgres`, the one that several machines share. With the
//! feature `memory` there is also `MemoryStore`, which keeps nothing and says what the others do.
//! What a store acknowledges is on disk, what it reports is read from the record, and its
//! database refuses by itself what the state machine of [`farcall_core::job::state`] does
//! not allow: rows are guarded by constraints and triggers, not by good behaviour.
//!
//! Of the errors, [`StoreError`] belongs to this crate and to the runner;
//! [`StoreError::problem`] makes of it what a caller may see.

mod caller;
mod error;
mod hints;
mod job;
mod limits;
#[cfg(feature = "memory")]
mod memory;
mod moment;
#[cfg(feature = "postgres")]
mod postgres;
mod schema;
mod secret;
mod sqlite;
mod text;

#[cfg(feature = "conformance")]
#[doc(hidden)]
pub mod conformance;

#[cfg(feature = "memory")]
pub use crate::memory::MemoryStore;
#[cfg(feature = "postgres")]
#[doc(hidden)]
pub use crate::postgres::LifeStatements;
#[cfg(feature = "postgres")]
pub use crate::postgres::PostgresStore;
pub use crate::{
    caller::{
        Caller, CallerName, CallerStore, Callers, Edition, MAX_TOKENS, NameFault, NewToken,
        Revoked, Rights, SECRET, Token, TokenId,
    },
    error::StoreError,
    job::{
        Beat, Cancelled, Checkpoint, Claim, Details, Enqueued, Fence, Hint, JobError, JobRecord,
        JobStore, Listed, LogLine, LogPage, Lost, Needed, NewJob, NewWorker, Outcome,
        PublishedArtifact, Reach, Report, Same, Success, Tally, Terms, Wanted, WantedJob, Which,
        Worker, WorkerId, message,
    },
    secret::{Rotation, Secret, Secrets},
    sqlite::{SqliteStore, StoreCopy, Volume},
};

/// Every crash point of this crate, for [`farcall_core::crash_point!`].
///
/// `begun` is inside the transaction, after its writes: a process that ends there has changed
/// nothing; `store.migrate` has a transaction for each version, and its points are around all. `committed` is after the transaction: what was written is there, and nobody was told.
pub const CRASH_POINTS: &[&str] = &[
    "store.migrate.begun",
    "store.migrate.committed",
    "store.enqueue.begun",
    "store.enqueue.committed",
    "store.register.begun",
    "store.register.committed",
    "store.learn.begun",
    "store.learn.committed",
    "store.beat.begun",
    "store.beat.committed",
    "store.unregister.begun",
    "store.unregister.committed",
    "store.claim.begun",
    "store.claim.committed",
    "store.report.begun",
    "store.report.committed",
    "store.checkpoint.begun",
    "store.checkpoint.committed",
    "store.restart.begun",
    "store.restart.committed",
    "store.succeed.begun",
    "store.succeed.committed",
    "store.fail.begun",
    "store.fail.committed",
    "store.retry.begun",
    "store.retry.committed",
    "store.release.begun",
    "store.release.committed",
    "store.ask.begun",
    "store.ask.committed",
    "store.answer.begun",
    "store.answer.committed",
    "store.cancel.begun",
    "store.cancel.committed",
    "store.rescue.begun",
    "store.rescue.committed",
    "store.give_up.begun",
    "store.give_up.committed",
    "store.delete.begun",
    "store.delete.committed",
    "store.make_secret.begun",
    "store.make_secret.committed",
    "store.rotate_secrets.begun",
    "store.rotate_secrets.committed",
    "store.admit.begun",
    "store.admit.committed",
    "store.rotate.begun",
    "store.rotate.committed",
    "store.revoke.begun",
    "store.revoke.committed",
    "store.use.begun",
    "store.use.committed",
];
