//! Into the queue.

use farcall_core::{artifact::hexadecimal, id::JobId, question::Askable};
use sqlx::{Connection, PgConnection, Row};

use super::{
    pool::{Pool, alone, commit},
    row::{self, AFTER_RECORD, at_one_moment, number, record_columns},
};
use crate::{
    Enqueued, NewJob, Same, StoreError, Terms, job::written, limits::milliseconds, message, text,
};

// One statement. It waits for another start of the same key that is under way, and then makes
// nothing.
pub(super) const ENQUEUE: &str = concat!(
    at_one_moment!(),
    ", made AS (
         INSERT INTO jobs (
             id, owner, job, fingerprint, state, rank, priority, run_at, queue_deadline, suspect,
             alone, epoch, attempt, losses, counted_losses, restarts, max_losses, stage,
             total_stages, message, is_asking, created_at, updated_at, keep_ms, idem_key,
             args_hash, can_ask, traceparent)
         SELECT
             $1, $2, $3, $4, 'queued', now - $5 * 60000, $5, now, now + $6, FALSE,
             FALSE, 0, 0, 0, 0, 0, $7, 0,
             $8, $9, FALSE, now, now, $10, $11,
             $12, $13, $15::text
         FROM clock
         ON CONFLICT (owner, job, idem_key) WHERE idem_key IS NOT NULL DO NOTHING
         RETURNING *),
     kept AS (INSERT INTO arguments (job, value) SELECT sequence, $14::json FROM made)
     SELECT ",
    record_columns!(),
    " FROM made, clock"
);

pub(super) async fn enqueue(pool: &Pool, job: NewJob) -> Result<Enqueued, StoreError> {
    let arguments = text::written_object(&job.arguments)?;
    let args_hash = hexadecimal(&job.args_hash);
    let start = Start {
        job: &job,
        arguments: &arguments,
        args_hash: &args_hash,
    };
    pool.run(async |connection| match (&job.key, job.unique_for) {
        _ if job.max_open.is_some() => start.make_within_limit(connection).await,
        (None, Some(unique_for)) => {
            start
                .make_unless_same(connection, milliseconds(unique_for))
                .await
        }
        _ => start.make(connection).await,
    })
    .await
}

/// The job that `job` is a repetition of, if there is one.
pub(super) async fn earlier(pool: &Pool, job: &NewJob) -> Result<Option<Enqueued>, StoreError> {
    let args_hash = hexadecimal(&job.args_hash);
    let start = Start {
        job,
        arguments: "",
        args_hash: &args_hash,
    };
    pool.run(async |connection| start.earlier(connection).await)
        .await
}

/// A job that is about to be accepted.
struct Start<'a> {
    job: &'a NewJob,
    arguments: &'a str,
    args_hash: &'a str,
}

const SAME_KEY: &str = concat!(
    at_one_moment!(),
    "SELECT ",
    record_columns!(),
    ", args_hash, coalesce(expires_at <= now, FALSE)
     FROM jobs, clock WHERE owner = $1 AND job = $2 AND idem_key = $3"
);

// Its job is not there for anybody any more, and only waits to be deleted.
const FREE_KEY: &str = "
    UPDATE jobs SET idem_key = NULL
    WHERE owner = $1 AND job = $2 AND idem_key = $3 AND expires_at <= (SELECT farcall_now())";

// Two starts of the same arguments wait for each other, since no index can hold a time that
// passes.
const LOCK_ARGUMENTS: &str = "
    SELECT pg_advisory_xact_lock(
        hashtextextended(concat_ws(chr(10), 'farcall.arguments', $1, $2, $3), 0))";

// Whoever starts it again after a failure wants another try.
const SAME_ARGUMENTS: &str = concat!(
    at_one_moment!(),
    "SELECT ",
    record_columns!(),
    " FROM jobs, clock
     WHERE owner = $1 AND job = $2 AND args_hash = $3 AND created_at > now - $4
       AND state <> 'failed' AND (state = 'succeeded' OR cancel_requested_at IS NULL)
       AND (expires_at IS NULL OR expires_at > now)
     ORDER BY created_at DESC, sequence DESC LIMIT 1"
);

// The starts of an owner who may have no more than so many wait for each other.
const LOCK_OWNER: &str = "
    SELECT pg_advisory_xact_lock(hashtextextended(concat_ws(chr(10), 'farcall.owner', $1), 0))";

const OPEN: &str = "
    SELECT count(*) FROM jobs
    WHERE owner = $1 AND (state = 'queued' OR state = 'running')";

impl Start<'_> {
    /// Makes the job, or finds the one that has its key.
    async fn make(&self, connection: &mut PgConnection) -> Result<Enqueued, StoreError> {
        loop {
            let refusal = match alone!(self.attempt(connection), "enqueue") {
                Ok(Some(made)) => return Ok(made),
                Ok(None) => None,
                Err(refusal) => Some(refusal),
            };
            if let Some(earlier) = self.same_key(connection).await? {
                return Ok(earlier);
            }
            if let Some(refusal) = refusal {
                return Err(refusal);
            }
            // The other one has expired or gone between the two statements: its key is free.
        }
    }

    /// The inner error is that the row breaks a rule, which the database sees before it looks for
    /// the key.
    async fn attempt(
        &self,
        connection: &mut PgConnection,
    ) -> Result<Result<Option<Enqueued>, StoreError>, StoreError> {
        match self.insert(connection).await {
            Err(refusal @ StoreError::Refused { .. }) => Ok(Err(refusal)),
            outcome => outcome.map(Ok),
        }
    }

    /// Makes the job, unless one with the same arguments is younger than `unique_for`.
    async fn make_unless_same(
        &self,
        connection: &mut PgConnection,
        unique_for: i64,
    ) -> Result<Enqueued, StoreError> {
        let mut transaction = connection.begin().await?;
        sqlx::query(LOCK_ARGUMENTS)
            .bind(&self.job.owner)
            .bind(&self.job.job)
            .bind(self.args_hash)
            .execute(&mut *transaction)
            .await?;
        if let Some(same) = self.same_arguments(&mut transaction, unique_for).await? {
            return Ok(same);
        }
        let made = self.insert(&mut transaction).await?;
        commit!(transaction, "enqueue");
        // Without a key there is none that could be taken.
        let made = made.ok_or(StoreError::KeyConflict)?;
        Ok(made)
    }

    /// Makes the job or finds the one that it repeats; refuses it where its owner has enough.
    async fn make_within_limit(
        &self,
        connection: &mut PgConnection,
    ) -> Result<Enqueued, StoreError> {
        let mut transaction = connection.begin().await?;
        let lock = sqlx::query(LOCK_OWNER).bind(&self.job.owner);
        lock.execute(&mut *transaction).await?;
        if let Some(earlier) = self.earlier(&mut transaction).await? {
            return Ok(earlier);
        }
        let open = sqlx::query_scalar(OPEN).bind(&self.job.owner);
        let open: i64 = open.fetch_one(&mut *transaction).await?;
        match self.job.max_open {
            Some(limit) if open >= i64::from(limit) => {
                return Err(StoreError::TooManyOpen { limit });
            }
            _ => {}
        }
        let made = self.insert(&mut transaction).await?;
        commit!(transaction, "enqueue");
        // Who has the limit and who has not may be the same caller for a moment.
        made.ok_or(StoreError::KeyConflict)
    }

    /// The job that this one is a repetition of.
    async fn earlier(&self, connection: &mut PgConnection) -> Result<Option<Enqueued>, StoreError> {
        match (&self.job.key, self.job.unique_for) {
            (Some(_), _) => self.same_key(connection).await,
            (None, Some(unique_for)) => {
                let unique_for = milliseconds(unique_for);
                self.same_arguments(connection, unique_for).await
            }
            (None, None) => Ok(None),
        }
    }

    /// `None` where its key is taken.
    async fn insert(&self, connection: &mut PgConnection) -> Result<Option<Enqueued>, StoreError> {
        let job = self.job;
        let row = sqlx::query(ENQUEUE)
            .bind(job.id.to_string())
            .bind(&job.owner)
            .bind(&job.job)
            .bind(&job.fingerprint)
            .bind(i64::from(job.terms.priority))
            .bind(job.terms.queue_timeout.map(milliseconds))
            .bind(i64::from(job.terms.max_losses))
            .bind(i64::from(job.total_stages))
            .bind(message::QUEUED)
            .bind(milliseconds(job.terms.keep_for))
            .bind(&job.key)
            .bind(self.args_hash)
            .bind(i64::from(job.can_ask.bits()))
            .bind(self.arguments)
            .bind(job.trace.map(|trace| trace.to_string()))
            .fetch_optional(connection)
            .await?;
        row.map(|row| {
            Ok(Enqueued {
                record: row::record(&row)?,
                was_there: None,
            })
        })
        .transpose()
    }

    /// The newest job with the same arguments, where it is younger than `unique_for`.
    async fn same_arguments(
        &self,
        connection: &mut PgConnection,
        unique_for: i64,
    ) -> Result<Option<Enqueued>, StoreError> {
        let row = sqlx::query(SAME_ARGUMENTS)
            .bind(&self.job.owner)
            .bind(&self.job.job)
            .bind(self.args_hash)
            .bind(unique_for)
            .fetch_optional(connection)
            .await?;
        row.map(|row| {
            Ok(Enqueued {
                record: row::record(&row)?,
                was_there: Some(Same::Arguments),
            })
        })
        .transpose()
    }

    /// The job that has the key of this one; `None` where it has just lost it.
    async fn same_key(
        &self,
        connection: &mut PgConnection,
    ) -> Result<Option<Enqueued>, StoreError> {
        let named = |statement| {
            sqlx::query(statement)
                .bind(&self.job.owner)
                .bind(&self.job.job)
                .bind(&self.job.key)
        };
        let row = named(SAME_KEY).fetch_optional(&mut *connection).await?;
        let Some(row) = row else { return Ok(None) };
        if row.try_get(AFTER_RECORD + 1)? {
            named(FREE_KEY).execute(connection).await?;
            return Ok(None);
        }
        if row.try_get::<&str, _>(AFTER_RECORD)? != self.args_hash {
            return Err(StoreError::KeyConflict);
        }
        Ok(Some(Enqueued {
            record: row::record(&row)?,
            was_there: Some(Same::Key),
        }))
    }
}

const ORDER: &str = "
    SELECT owner, job, total_stages, fingerprint, priority, keep_ms, queue_deadline - created_at,
           max_losses, idem_key, args_hash, can_ask,
           (SELECT value::text FROM arguments WHERE arguments.job = jobs.sequence)
    FROM jobs WHERE id = $1 AND (expires_at IS NULL OR expires_at > (SELECT farcall_now()))";

/// What the job `id` was started with.
pub(super) async fn order(pool: &Pool, id: JobId) -> Result<Option<NewJob>, StoreError> {
    let row = pool
        .run(async |connection| {
            let order = sqlx::query(ORDER).bind(id.to_string());
            Ok(order.fetch_optional(connection).await?)
        })
        .await?;
    let Some(row) = row else { return Ok(None) };
    let (args_hash, can_ask): (&str, u8) = (row.try_get(9)?, number(&row, 10)?);
    Ok(Some(NewJob {
        id,
        owner: row.try_get(0)?,
        job: row.try_get(1)?,
        arguments: text::object(row.try_get(11)?, "arguments")?,
        total_stages: number(&row, 2)?,
        fingerprint: row.try_get(3)?,
        terms: Terms {
            priority: number(&row, 4)?,
            keep_for: row::duration(row.try_get(5)?),
            queue_timeout: row.try_get::<Option<_>, _>(6)?.map(row::duration),
            max_losses: number(&row, 7)?,
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

#[cfg(all(test, feature = "postgres-tests"))]
mod tests {
    use super::*;
    use crate::postgres::plans::all_use_indexes;

    #[tokio::test]
    async fn repetitions_are_found_by_an_index() {
        all_use_indexes(&[SAME_KEY, FREE_KEY, SAME_ARGUMENTS, ORDER]).await;
    }
}
