//! Into the queue.

use farcall_core::{artifact::hexadecimal, clock::Timestamp, id::JobId, question::Askable};
use sqlx::{Row, SqliteConnection, SqlitePool, sqlite::SqliteRow};

use super::{
    row::{self, AFTER_RECORD, record_columns},
    writer::Write,
};
use crate::{
    Enqueued, Hint, NewJob, Same, StoreError, Terms, hints::Hints, job::written,
    limits::milliseconds, message, moment::Moment, text,
};

// The arguments go to the row that was made just before.
const ENQUEUE: &str = concat!(
    "INSERT INTO jobs (
         id, owner, job, fingerprint, state, rank, priority, run_at, queue_deadline, suspect,
         alone, epoch, attempt, losses, counted_losses, restarts, max_losses, stage, total_stages,
         message, is_asking, created_at, updated_at, keep_ms, idem_key, args_hash, can_ask,
         traceparent)
     VALUES (
         ?1, ?2, ?3, ?4, 'queued', ?5 - ?6 * 60000, ?6, ?5, ?5 + ?7, 0,
         0, 0, 0, 0, 0, 0, ?8, 0, ?9,
         ?10, 0, ?5, ?5, ?11, ?12, ?13, ?14,
         ?16);
     INSERT INTO arguments (job, value) VALUES (last_insert_rowid(), ?15);
     SELECT ",
    record_columns!(),
    " FROM jobs WHERE id = ?1"
);

pub(super) struct Enqueue {
    job: NewJob,
    arguments: String,
    args_hash: String,
}

impl Enqueue {
    /// A job to be accepted, written down as far as that needs no database.
    pub(super) fn new(job: NewJob) -> Result<Self, StoreError> {
        let names = [&job.owner, &job.job, &job.fingerprint];
        text::refuse_nul(names.into_iter().chain(&job.key).map(String::as_str))?;
        Ok(Self {
            arguments: text::written_object(&job.arguments)?,
            args_hash: hexadecimal(&job.args_hash),
            job,
        })
    }
}

impl Write for Enqueue {
    type Answer = Enqueued;
    const NAME: &'static str = "enqueue";

    async fn run(
        &self,
        connection: &mut SqliteConnection,
        at: Moment,
    ) -> Result<Enqueued, StoreError> {
        let (job, terms) = (&self.job, &self.job.terms);
        match looked_for(connection, at.now, job, &self.args_hash).await? {
            Earlier::Job(earlier) => return Ok(*earlier),
            Earlier::Expired => free_key(connection, job).await?,
            Earlier::None => {}
        }
        if let Some(limit) = job.max_open {
            let open = sqlx::query_scalar(OPEN).bind(&job.owner);
            let open: i64 = open.fetch_one(&mut *connection).await?;
            if open >= i64::from(limit) {
                return Err(StoreError::TooManyOpen { limit });
            }
        }
        let row = sqlx::query(ENQUEUE)
            .bind(job.id.to_string())
            .bind(&job.owner)
            .bind(&job.job)
            .bind(&job.fingerprint)
            .bind(at.now.0)
            .bind(terms.priority)
            .bind(terms.queue_timeout.map(milliseconds))
            .bind(terms.max_losses)
            .bind(job.total_stages)
            .bind(message::QUEUED)
            .bind(milliseconds(terms.keep_for))
            .bind(&job.key)
            .bind(&self.args_hash)
            .bind(job.can_ask.bits())
            .bind(&self.arguments)
            .bind(job.trace.map(|trace| trace.to_string()))
            .fetch_one(connection)
            .await?;
        Ok(Enqueued {
            record: row::record(&row, at.now)?,
            was_there: None,
        })
    }

    fn tell(&self, enqueued: &Enqueued, hints: &Hints) {
        if enqueued.was_there.is_none() {
            hints.tell([Hint::Queued, Hint::Changed(self.job.id)]);
        }
    }
}

// By the indexes of the jobs in one state: of those that are not over there are few, and the index of
// owners has all that they ever had.
const OPEN: &str = "
    SELECT (SELECT count(*) FROM jobs WHERE state = 'queued' AND +owner = ?1)
         + (SELECT count(*) FROM jobs WHERE state = 'running' AND +owner = ?1)";

const SAME_KEY: &str = concat!(
    "SELECT ",
    record_columns!(),
    ", args_hash, coalesce(expires_at <= ?4, FALSE)
     FROM jobs WHERE owner = ?1 AND job = ?2 AND idem_key = ?3"
);

// Whoever starts it again after a failure wants another try.
const SAME_ARGUMENTS: &str = concat!(
    "SELECT ",
    record_columns!(),
    " FROM jobs
     WHERE owner = ?1 AND job = ?2 AND args_hash = ?3 AND created_at > ?4 - ?5
       AND state <> 'failed' AND (state = 'succeeded' OR cancel_requested_at IS NULL)
       AND (expires_at IS NULL OR expires_at > ?4)
     ORDER BY created_at DESC, sequence DESC LIMIT 1"
);

// Its job is not there for anybody any more, and only waits to be deleted.
const FREE_KEY: &str =
    "UPDATE jobs SET idem_key = NULL WHERE owner = ?1 AND job = ?2 AND idem_key = ?3";

/// What is found of the job that a start is a repetition of.
enum Earlier {
    /// It has expired, and still has the key.
    Expired,
    Job(Box<Enqueued>),
    None,
}

/// The job that `job` is a repetition of, if there is one.
pub(super) async fn earlier(
    readers: &SqlitePool,
    now: Timestamp,
    job: &NewJob,
) -> Result<Option<Enqueued>, StoreError> {
    let mut connection = readers.acquire().await?;
    let args_hash = hexadecimal(&job.args_hash);
    Ok(
        match looked_for(&mut connection, now, job, &args_hash).await? {
            Earlier::Job(earlier) => Some(*earlier),
            Earlier::Expired | Earlier::None => None,
        },
    )
}

async fn looked_for(
    connection: &mut SqliteConnection,
    now: Timestamp,
    job: &NewJob,
    args_hash: &str,
) -> Result<Earlier, StoreError> {
    if let Some(key) = &job.key {
        let row = sqlx::query(SAME_KEY)
            .bind(&job.owner)
            .bind(&job.job)
            .bind(key)
            .bind(now.0)
            .fetch_optional(connection)
            .await?;
        let Some(row) = row else {
            return Ok(Earlier::None);
        };
        if row.try_get(AFTER_RECORD + 1)? {
            return Ok(Earlier::Expired);
        }
        if row.try_get::<&str, _>(AFTER_RECORD)? != args_hash {
            return Err(StoreError::KeyConflict);
        }
        return same(&row, now, Same::Key);
    }
    let Some(unique_for) = job.unique_for else {
        return Ok(Earlier::None);
    };
    let row = sqlx::query(SAME_ARGUMENTS)
        .bind(&job.owner)
        .bind(&job.job)
        .bind(args_hash)
        .bind(now.0)
        .bind(milliseconds(unique_for))
        .fetch_optional(connection)
        .await?;
    let Some(row) = row else {
        return Ok(Earlier::None);
    };
    same(&row, now, Same::Arguments)
}

fn same(row: &SqliteRow, now: Timestamp, why: Same) -> Result<Earlier, StoreError> {
    Ok(Earlier::Job(Box::new(Enqueued {
        record: row::record(row, now)?,
        was_there: Some(why),
    })))
}

async fn free_key(connection: &mut SqliteConnection, job: &NewJob) -> Result<(), StoreError> {
    sqlx::query(FREE_KEY)
        .bind(&job.owner)
        .bind(&job.job)
        .bind(&job.key)
        .execute(connection)
        .await?;
    Ok(())
}

const ORDER: &str = "
    SELECT owner, job, total_stages, fingerprint, priority, keep_ms, queue_deadline - created_at,
           max_losses, idem_key, args_hash, can_ask,
           (SELECT value FROM arguments WHERE arguments.job = jobs.sequence)
    FROM jobs WHERE id = ?1 AND (expires_at IS NULL OR expires_at > ?2)";

/// What the job `id` was started with.
pub(super) async fn order(
    readers: &SqlitePool,
    now: Timestamp,
    id: JobId,
) -> Result<Option<NewJob>, StoreError> {
    let row = sqlx::query(ORDER)
        .bind(id.to_string())
        .bind(now.0)
        .fetch_optional(readers)
        .await?;
    let Some(row) = row else { return Ok(None) };
    let (args_hash, can_ask): (&str, u8) = (row.try_get(9)?, row.try_get(10)?);
    Ok(Some(NewJob {
        id,
        owner: row.try_get(0)?,
        job: row.try_get(1)?,
        arguments: text::object(row.try_get(11)?, "arguments")?,
        total_stages: row.try_get(2)?,
        fingerprint: row.try_get(3)?,
        terms: Terms {
            priority: row.try_get(4)?,
            keep_for: row::duration(row.try_get(5)?),
            queue_timeout: row.try_get::<Option<_>, _>(6)?.map(row::duration),
            max_losses: row.try_get(7)?,
        },
        key: row.try_get(8)?,
        args_hash: written::hash(args_hash)?,
        unique_for: None,
        max_open: None,
        // Another start stands elsewhere.
        trace: None,
        can_ask: Askable::from_bits(can_ask)
            .ok_or_else(|| row::unreadable("set of ways to ask", &can_ask.to_string()))?,
    }))
}
