//! What can go wrong between a job and its record.

use std::{io, path::PathBuf, time::Duration};

use farcall_core::problem::{ErrorCode, Problem};
use sqlx::migrate::MigrateError;

/// Why a store did not do what it was asked to; nothing was written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// The address of a PostgreSQL server is none. It may hold a password, so it is not repeated.
    #[error("the address of the job store cannot be read: {0}")]
    Address(#[source] sqlx::Error),
    /// The store has been closed.
    #[error("the job store is closed")]
    Closed,
    /// A row does not say what a row can say; somebody else wrote it.
    #[error("the job store holds something that it cannot read: {what}")]
    Corrupt {
        /// Which value, and of which row.
        what: String,
    },
    /// Anything else that the database says.
    #[error("the job store failed: {0}")]
    Database(#[source] sqlx::Error),
    /// The folder cannot be made, opened or locked.
    #[error("the data folder `{}` cannot be used: {source}", folder.display())]
    Folder {
        /// The folder.
        folder: PathBuf,
        /// What the operating system says.
        #[source]
        source: io::Error,
    },
    /// There is no room for what should be written.
    #[error("the disk of the job store is full: {0}")]
    Full(#[source] sqlx::Error),
    /// The key of a start came with other arguments before.
    #[error("there is a job of this key with other arguments")]
    KeyConflict,
    /// Another process has the folder open.
    #[error("the data folder `{}` is in use by another farcall", folder.display())]
    Locked {
        /// The folder.
        folder: PathBuf,
    },
    /// The schema could not be brought up to date.
    #[error("the schema of the job store cannot be brought up to date: {0}")]
    Migration(#[source] MigrateError),
    /// The folder is on a file system on which SQLite can lose data.
    #[error(
        "the data folder `{}` is on `{kind}`, a file system on which locks and shared memory cannot be relied on",
        folder.display()
    )]
    NetworkFileSystem {
        /// The folder.
        folder: PathBuf,
        /// The kind of file system, as people call it.
        kind: &'static str,
    },
    /// Nobody has made a store there yet, and whoever only looks does not make one.
    #[error("there is no job store in {place}")]
    NoStore {
        /// The folder or the database.
        place: String,
    },
    /// A later version of farcall has written to this store.
    #[error("the job store has schema version `{version}`, which this farcall does not know")]
    NewerSchema {
        /// The version that is not known here.
        version: i64,
    },
    /// An earlier version of farcall has the store, and none has brought it up to date.
    #[error("the job store still has schema version `{version}`, of an earlier farcall")]
    OlderSchema {
        /// The version that it has.
        version: i64,
    },
    /// The SQLite that this binary was linked with can corrupt its files.
    #[error("SQLite `{version}` can corrupt a store that several connections use")]
    OldSqlite {
        /// The version that is linked.
        version: String,
    },
    /// What should be written breaks a rule of the record.
    #[error("the job store refused to write that: {rule}")]
    Refused {
        /// The rule, as the database says it.
        rule: String,
    },
    /// The job is over or gone, or another claim has it.
    #[error("the claim is stale: the job is over, or it was handed on")]
    StaleClaim,
    /// The owner of a start has as many jobs that are not over as it may have.
    #[error("there are {limit} jobs of this owner that are not over, and it may have no more")]
    TooManyOpen {
        /// How many it may have.
        limit: u32,
    },
    /// The PostgreSQL server cannot hold the record as it has to be.
    #[error("this PostgreSQL server cannot be the job store: {what}")]
    UnfitServer {
        /// What is wrong with it.
        what: String,
        /// What can be done about it.
        hint: &'static str,
    },
    /// The store cannot be reached at the moment; asked again, it may answer. A write may have
    /// been done all the same, where the connection was lost before its answer came.
    #[error("the job store cannot be reached: {0}")]
    Unavailable(#[source] sqlx::Error),
}

impl StoreError {
    /// What the reader can do about it, one sentence without a full stop.
    pub fn hint(&self) -> Option<&'static str> {
        Some(match self {
            Self::Address(_) => {
                "set `FARCALL_DATABASE_URL` to `postgres://USER:PASSWORD@HOST:PORT/DATABASE`"
            }
            Self::Closed | Self::Corrupt { .. } | Self::Database(_) | Self::Refused { .. } => {
                return None;
            }
            Self::Folder { .. } => "set `FARCALL_DATA_DIR` to a folder that this user may write to",
            Self::Full(_) => "free some space, then try again",
            Self::KeyConflict => "send another key, or the arguments that came with it first",
            Self::Locked { .. } => {
                "stop the other one, or set `FARCALL_DATA_DIR` to a folder of its own"
            }
            Self::Migration(_) => "restore the data folder from a backup, or use another one",
            Self::NetworkFileSystem { .. } => {
                "set `FARCALL_DATA_DIR` to a folder on a local disk; several machines share PostgreSQL"
            }
            Self::NewerSchema { .. } => {
                "run the farcall version that wrote it, or a later one; going back is not possible"
            }
            Self::NoStore { .. } => {
                "set `FARCALL_DATA_DIR` or `FARCALL_DATABASE_URL` to what the server has"
            }
            Self::OlderSchema { .. } => {
                "start the server with this farcall first: that brings it up to date"
            }
            Self::OldSqlite { .. } => {
                "build with the SQLite that comes with farcall, 3.51.3 or later"
            }
            Self::StaleClaim => "stop working on the job",
            Self::TooManyOpen { .. } => "wait until one of them is over, or cancel one",
            Self::Unavailable(_) => "try again in a few seconds",
            Self::UnfitServer { hint, .. } => hint,
        })
    }

    /// What a caller may see of it; the error itself becomes the cause for the log.
    ///
    /// `?` would make any of these an internal problem; this knows which of them a caller can do
    /// something about, and which pass by themselves.
    pub fn problem(self) -> Problem {
        match self {
            Self::Full(_) => Problem::new(
                ErrorCode::StorageFull,
                "the server has no room left to keep this",
            )
            .hint("try again later; its operator has to free some space")
            .because(self),
            Self::KeyConflict => Problem::new(
                ErrorCode::IdempotencyConflict,
                "this `idempotency_key` came with other arguments before",
            )
            .hint("send a key of its own for each job that you want"),
            Self::TooManyOpen { limit } => Problem::user(format!(
                "you already have {limit} unfinished jobs, which is your limit"
            ))
            .hint("wait until one of them is over, or cancel one")
            .try_again_after(PAUSE),
            Self::Unavailable(_) => Problem::new(
                ErrorCode::Internal,
                "the job store does not answer at the moment",
            )
            .hint(format!("try again in {} seconds", PAUSE.as_secs()))
            .try_again_after(PAUSE)
            .because(self),
            other => Problem::internal(other),
        }
    }
}

/// When to ask again a store that did not answer.
const PAUSE: Duration = Duration::from_secs(5);

/// Primary result codes of SQLite, which are the low byte of the extended ones.
mod sqlite_code {
    pub(super) const BUSY: i32 = 5;
    pub(super) const FULL: i32 = 13;
    pub(super) const CONSTRAINT: i32 = 19;
    /// Extended: there is no room for the index of the write-ahead log.
    pub(super) const IOERR_SHMSIZE: i32 = 4874;
}

impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> Self {
        let database = match &error {
            sqlx::Error::PoolClosed => return Self::Closed,
            sqlx::Error::Io(_) | sqlx::Error::PoolTimedOut => return Self::Unavailable(error),
            sqlx::Error::Database(database) => database,
            sqlx::Error::ColumnDecode { index, source } => {
                return Self::Corrupt {
                    what: format!("column {index}: {source}"),
                };
            }
            _ => return Self::Database(error),
        };
        #[cfg(feature = "postgres")]
        if let Some(postgres) = database.try_downcast_ref::<sqlx::postgres::PgDatabaseError>() {
            use crate::postgres::{Meaning, meaning};

            return match meaning(postgres) {
                Meaning::Full => Self::Full(error),
                Meaning::Refused(rule) => Self::Refused { rule },
                Meaning::Unavailable => Self::Unavailable(error),
                Meaning::Other => Self::Database(error),
            };
        }
        let code = database.code().and_then(|code| code.parse::<i32>().ok());
        match code.map(|code| (code, code & 0xff)) {
            Some((sqlite_code::IOERR_SHMSIZE, _) | (_, sqlite_code::FULL)) => Self::Full(error),
            // Another process has held the lock for longer than anybody should.
            Some((_, sqlite_code::BUSY)) => Self::Unavailable(error),
            Some((_, sqlite_code::CONSTRAINT)) => {
                let text = database.message();
                let rule = text
                    .strip_prefix("CHECK constraint failed: ")
                    .unwrap_or(text);
                Self::Refused {
                    rule: rule.to_owned(),
                }
            }
            _ => Self::Database(error),
        }
    }
}
