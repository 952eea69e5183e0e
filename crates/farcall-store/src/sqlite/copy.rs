//! A copy of the whole store, made while another process works in it.
//!
//! `VACUUM INTO` reads one moment and keeps no writer waiting. What comes out is then put into the
//! state in which a server can begin with it, also much later and without the work folders: what
//! has expired is gone, no worker is known, and what is not over begins again, from zero. Work
//! folders are written to at any time, so that no copy of one is of the moment of the record.

use std::{fs::File, path::Path};

use farcall_core::{clock::Timestamp, problem::ErrorCode};
use sqlx::{
    ConnectOptions, Connection, Row, SqliteConnection, SqliteExecutor,
    sqlite::{SqliteJournalMode, SqliteSynchronous},
};

use super::{SqliteStore, folder, open, row};
use crate::{PublishedArtifact, StoreError, message};

/// How many files are read from the copy at once.
const BATCH: u32 = 500;

/// How many steps of SQLite's machine are between two questions whether a copy is wanted: far less
/// than a millisecond of work.
const STEPS_BETWEEN_QUESTIONS: i32 = 100;

/// `SQLITE_INTERRUPT`, <https://sqlite.org/rescode.html#interrupt>.
const INTERRUPTED: &str = "9";

/// How much there is in a store.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Volume {
    /// How many jobs have not expired.
    pub jobs: u64,
    /// How many of these are not over.
    pub unfinished: u64,
    /// How many files they have published.
    pub files: u64,
    /// How long these are together, in bytes.
    pub file_bytes: u64,
    /// How long the database is, in bytes.
    pub record_bytes: u64,
}

/// A copy of a store that no server has begun with.
#[derive(Debug)]
pub struct StoreCopy {
    connection: SqliteConnection,
    now: Timestamp,
    /// The sequence and the position of the last file that was asked for.
    last: (i64, i64),
}

impl SqliteStore {
    /// How much a copy of it would hold, about.
    ///
    /// # Errors
    /// What the database says.
    pub async fn volume(&self) -> Result<Volume, StoreError> {
        volume(&self.readers, self.now()).await
    }

    /// Makes a copy of this moment in `folder`, which is there and has no store in it.
    ///
    /// It needs as much room as the database has. A process that ends on the way leaves something
    /// that is no store, or not one to begin with. `is_wanted` is asked again and again while the
    /// records are written; `None` once it says no. Nobody writes to `folder` any more when this
    /// returns, which a future that is dropped cannot promise: the statement would go on.
    ///
    /// # Errors
    /// [`StoreError::Folder`], [`StoreError::Full`], or what the database says.
    pub async fn copy(
        &self,
        folder: &Path,
        is_wanted: impl FnMut() -> bool + Send + 'static,
    ) -> Result<Option<StoreCopy>, StoreError> {
        let now = self.now();
        let file = folder.join(open::FILE);
        let unusable = |source| StoreError::Folder {
            folder: folder.to_owned(),
            source,
        };
        folder::create_database(&file).map_err(unusable)?;
        let text = file.to_str().ok_or_else(|| {
            unusable(std::io::Error::new(
                std::io::ErrorKind::InvalidFilename,
                "its name is no text in UTF-8",
            ))
        })?;
        let mut reader = self.readers.acquire().await?;
        let mut handle = reader.lock_handle().await?;
        handle.set_progress_handler(STEPS_BETWEEN_QUESTIONS, is_wanted);
        drop(handle);
        let copied = sqlx::query("VACUUM INTO ?")
            .bind(text)
            .execute(&mut *reader)
            .await;
        reader.lock_handle().await?.remove_progress_handler();
        match copied {
            Err(sqlx::Error::Database(error)) if error.code().as_deref() == Some(INTERRUPTED) => {
                return Ok(None);
            }
            copied => copied?,
        };
        // Nobody else has the copy, and nobody keeps it where this does not come to its end.
        let mut connection = open::options(&file)
            .journal_mode(SqliteJournalMode::Off)
            .synchronous(SqliteSynchronous::Off)
            .connect()
            .await?;
        begin_again(&mut connection, now).await?;
        Ok(Some(StoreCopy {
            connection,
            now,
            last: (0, 0),
        }))
    }
}

impl StoreCopy {
    /// How much there is in it.
    ///
    /// # Errors
    /// What the database says.
    pub async fn volume(&mut self) -> Result<Volume, StoreError> {
        volume(&mut self.connection, self.now).await
    }

    /// Some more of the files that belong to it, each once; empty where there are no more.
    ///
    /// # Errors
    /// What the database says.
    pub async fn next_files(&mut self) -> Result<Vec<PublishedArtifact>, StoreError> {
        let rows = sqlx::query(FILES)
            .bind(self.last.0)
            .bind(self.last.1)
            .bind(BATCH)
            .fetch_all(&mut self.connection)
            .await?;
        if let Some(last) = rows.last() {
            self.last = (last.try_get(7)?, last.try_get::<i64, _>(8)? + 1);
        }
        let file = |row| {
            Ok(PublishedArtifact {
                artifact: row::artifact(row)?,
                owner: row.try_get(5)?,
                expires_at: row.try_get::<Option<_>, _>(6)?.map(Timestamp),
            })
        };
        rows.iter().map(file).collect()
    }

    /// Lets go of it; when this returns, it is on the disk, but for its name in the folder.
    ///
    /// # Errors
    /// What the database or the disk says.
    pub async fn close(self, folder: &Path) -> Result<(), StoreError> {
        self.connection.close().await?;
        let sync = || File::open(folder.join(open::FILE))?.sync_all();
        sync().map_err(|source| StoreError::Folder {
            folder: folder.to_owned(),
            source,
        })
    }
}

const VOLUME: &str = "
    SELECT count(*), count(*) FILTER (WHERE state IN ('queued', 'running')),
           (SELECT count(*) FROM jobs JOIN artifacts ON artifacts.job = jobs.sequence
            WHERE artifacts.state = 'published' AND expires_at > ?1),
           (SELECT coalesce(sum(artifacts.size), 0)
            FROM jobs JOIN artifacts ON artifacts.job = jobs.sequence
            WHERE artifacts.state = 'published' AND expires_at > ?1),
           (SELECT page_count * page_size FROM pragma_page_count, pragma_page_size)
    FROM jobs WHERE expires_at IS NULL OR expires_at > ?1";

async fn volume(executor: impl SqliteExecutor<'_>, now: Timestamp) -> Result<Volume, StoreError> {
    let row = sqlx::query(VOLUME).bind(now.0).fetch_one(executor).await?;
    Ok(Volume {
        jobs: row.try_get(0)?,
        unfinished: row.try_get(1)?,
        files: row.try_get(2)?,
        file_bytes: row.try_get(3)?,
        record_bytes: row.try_get(4)?,
    })
}

const FILES: &str = "
    SELECT name, media_type, artifacts.size, sha256, location, owner, expires_at,
           artifacts.job, position
    FROM artifacts JOIN jobs ON jobs.sequence = artifacts.job
    WHERE artifacts.state = 'published' AND (artifacts.job, position) >= (?1, ?2)
    ORDER BY artifacts.job, position LIMIT ?3";

// Its files may be gone already.
const FORGET_EXPIRED: &str = "DELETE FROM jobs WHERE expires_at <= ?1";

// The steps that the rules of the record have for it: whoever has come somewhere is claimed, starts
// over, and is handed back, as when its program had changed. None of it is counted.
const ENTER: &str = "
    INSERT INTO workers (id, host, identity, programs, slots, started_at, lease_until)
    VALUES (?1, '', '', '{}', '{}', ?2, -1)";

const CLAIM: &str = "
    UPDATE jobs SET
        state = 'running', worker = ?1, epoch = epoch + 1, attempt = attempt + 1,
        started_at = coalesce(started_at, ?2)
    WHERE state = 'queued'
      AND (stage > 0
           OR EXISTS (SELECT 1 FROM checkpoints WHERE job = sequence)
           OR EXISTS (SELECT 1 FROM artifacts WHERE artifacts.job = sequence)
           OR EXISTS (SELECT 1 FROM questions WHERE questions.job = sequence))";

const START_OVER: &str = "
    DELETE FROM checkpoints WHERE job IN (SELECT sequence FROM jobs WHERE state = 'running');
    DELETE FROM artifacts WHERE job IN (SELECT sequence FROM jobs WHERE state = 'running');
    DELETE FROM questions WHERE job IN (SELECT sequence FROM jobs WHERE state = 'running');
    UPDATE jobs SET stage = 0, restarts = restarts + 1, progress = NULL, is_asking = 0
    WHERE state = 'running'";

// What waits to be tried again goes on to say why.
const HAND_BACK: &str = "
    UPDATE jobs SET
        state = 'queued', message = CASE worker WHEN ?1 THEN message ELSE ?3 END,
        worker = NULL, alone = 0, attempt = attempt - 1, updated_at = ?2
    WHERE state = 'running' AND cancel_requested_at IS NULL";

const END_CANCELLED: &str = "
    UPDATE jobs SET
        state = 'failed', worker = NULL, alone = 0, error_code = ?2, error_message = ?3,
        finished_at = ?1, updated_at = ?1, expires_at = ?1 + keep_ms
    WHERE state = 'running'";

const LEAVE: &str = "DELETE FROM workers";

/// The worker that is there for the length of one transaction.
const NOBODY: &str = "ffffffffffffffffffffffffffffffff";

async fn begin_again(connection: &mut SqliteConnection, now: Timestamp) -> Result<(), StoreError> {
    let mut transaction = connection.begin().await?;
    let statements = [
        sqlx::query(FORGET_EXPIRED).bind(now.0),
        sqlx::query(ENTER).bind(NOBODY).bind(now.0),
        sqlx::query(CLAIM).bind(NOBODY).bind(now.0),
        sqlx::query(START_OVER),
        sqlx::query(HAND_BACK)
            .bind(NOBODY)
            .bind(now.0)
            .bind(message::QUEUED),
        sqlx::query(END_CANCELLED)
            .bind(now.0)
            .bind(ErrorCode::Cancelled.as_str())
            .bind(message::CANCELLED),
        sqlx::query(LEAVE),
    ];
    for statement in statements {
        statement.execute(&mut *transaction).await?;
    }
    transaction.commit().await?;
    Ok(())
}
