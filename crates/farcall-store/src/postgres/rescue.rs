//! What to do about jobs that nobody works on.

use std::time::Duration;

use farcall_core::{id::JobId, job::state::JobState, problem::ErrorCode};
use sqlx::{Connection, PgConnection, Row};

use super::{
    pool::{Pool, commit},
    row::{self, at_one_moment},
};
use crate::{
    Lost, StoreError, WorkerId,
    limits::{self, milliseconds},
    message,
};

// A worker whose row somebody has locked is beating, claiming, or being rescued by another.
const LOST_WORKERS: &str = "
    SELECT id FROM workers
    WHERE gone_at IS NULL AND (lease_until < (SELECT farcall_now()) OR id = ANY($1))
    FOR UPDATE SKIP LOCKED";

const FAREWELL: &str = "UPDATE workers SET gone_at = farcall_now() WHERE id = ANY($1)";

pub(super) async fn rescue(pool: &Pool, dead: &[WorkerId]) -> Result<Vec<Lost>, StoreError> {
    pool.run(async |connection| {
        let mut transaction = connection.begin().await?;
        let workers: Vec<String> = sqlx::query_scalar(LOST_WORKERS)
            .bind(row::list(dead))
            .fetch_all(&mut *transaction)
            .await?;
        if workers.is_empty() {
            return Ok(Vec::new());
        }
        let lost = take_jobs(&mut transaction, &workers).await?;
        sqlx::query(FAREWELL)
            .bind(&workers)
            .execute(&mut *transaction)
            .await?;
        commit!(transaction, "rescue");
        Ok(lost)
    })
    .await
}

// A statement of its own, because the next ones must see what their last workers have written
// until the lock was theirs no more.
const LOST: &str = "
    SELECT id, alone, cancel_requested_at IS NOT NULL
               OR max_losses = 0 OR counted_losses + alone::int >= max_losses
    FROM jobs WHERE worker = ANY($1)
    ORDER BY sequence FOR NO KEY UPDATE";

const END: &str = concat!(
    at_one_moment!(),
    "UPDATE jobs SET
         state = 'failed', worker = NULL, alone = FALSE, is_asking = FALSE, progress = NULL,
         losses = losses + 1, counted_losses = counted_losses + alone::int,
         error_code = CASE WHEN cancel_requested_at IS NULL THEN $2 ELSE $3 END,
         error_message = CASE
             WHEN cancel_requested_at IS NOT NULL THEN $4
             WHEN max_losses = 0 THEN
                 'the server stopped while this job ran, and it is a job that must not run again'
             ELSE 'the server stopped while this job ran alone, ' || (counted_losses + alone::int)
                 || ' times in all, so it was given up; the job itself may be what stops the server'
         END,
         finished_at = now, updated_at = now, expires_at = now + keep_ms
     FROM clock
     WHERE worker = ANY($1)
       AND (cancel_requested_at IS NOT NULL
            OR max_losses = 0 OR counted_losses + alone::int >= max_losses)"
);

const REQUEUE: &str = concat!(
    at_one_moment!(),
    "UPDATE jobs SET
         state = 'queued', worker = NULL, alone = FALSE, is_asking = FALSE, progress = NULL,
         losses = losses + 1, counted_losses = counted_losses + alone::int, suspect = TRUE,
         message = $2, updated_at = now, run_at = least(run_at, now),
         stage = coalesce((SELECT checkpoints.stage FROM checkpoints
                           WHERE checkpoints.job = sequence), 0)
     FROM clock WHERE worker = ANY($1)"
);

/// Takes their jobs from `workers`, whose rows are locked. What was cancelled or lost too often
/// has failed, the rest waits again.
pub(super) async fn take_jobs(
    transaction: &mut PgConnection,
    workers: &[String],
) -> Result<Vec<Lost>, StoreError> {
    let rows = sqlx::query(LOST)
        .bind(workers)
        .fetch_all(&mut *transaction)
        .await?;
    if rows.is_empty() {
        return Ok(Vec::new());
    }
    sqlx::query(END)
        .bind(workers)
        .bind(ErrorCode::WorkerLost.as_str())
        .bind(ErrorCode::Cancelled.as_str())
        .bind(message::CANCELLED)
        .execute(&mut *transaction)
        .await?;
    sqlx::query(REQUEUE)
        .bind(workers)
        .bind(message::QUEUED)
        .execute(transaction)
        .await?;
    rows.iter()
        .map(|row| {
            Ok(Lost {
                id: row::id(row.try_get(0)?)?,
                became: if row.try_get(2)? {
                    JobState::Failed
                } else {
                    JobState::Queued
                },
                counted: row.try_get(1)?,
            })
        })
        .collect()
}

/// How many jobs are given up at once; a long transaction would hold up everybody else.
const ROUND: i64 = 500;

const LATE: &str = concat!(
    at_one_moment!(),
    "UPDATE jobs SET
         state = 'failed', error_code = $1,
         error_message = 'no worker was free for this job within '
             || ((queue_deadline - created_at) / 1000) || ' s; start it again later',
         finished_at = now, updated_at = now, expires_at = now + keep_ms
     FROM clock
     WHERE sequence = ANY(ARRAY(
         SELECT sequence FROM jobs
         WHERE state = 'queued' AND epoch = 0 AND queue_deadline <= (SELECT now FROM clock)
         ORDER BY queue_deadline LIMIT $2 FOR NO KEY UPDATE SKIP LOCKED))
     RETURNING sequence, id"
);

// In their order, because others note the same ones at the same moment.
const NOTE: &str = "
    INSERT INTO offers (job, offered_at)
    SELECT job, farcall_now() FROM unnest($1::text[]) AS job ORDER BY job
    ON CONFLICT (job) DO UPDATE SET offered_at = excluded.offered_at";

const UNKNOWN: &str = concat!(
    at_one_moment!(),
    ", known AS (
         SELECT unnest($4::text[]) AS job UNION ALL
         SELECT job FROM offers, clock WHERE offered_at > now - $3)
     UPDATE jobs SET
         state = 'failed', error_code = $1,
         error_message = 'this server has no job called `' || job
             || '` any more; start the work again with one of its present tools',
         finished_at = now, updated_at = now, expires_at = now + keep_ms
     FROM clock
     WHERE sequence = ANY(ARRAY(
         SELECT sequence FROM jobs
         WHERE state = 'queued' AND greatest(updated_at, run_at) <= (SELECT now FROM clock) - $3
           AND job NOT IN (SELECT known.job FROM known)
           AND EXISTS (SELECT 1 FROM workers, clock
                       WHERE gone_at IS NULL AND lease_until >= clock.now)
         ORDER BY rank, sequence LIMIT $2 FOR NO KEY UPDATE SKIP LOCKED))
     RETURNING sequence, id"
);

const FORGET: &str = "DELETE FROM workers WHERE gone_at <= (SELECT farcall_now()) - $1";

/// Gives up at most [`ROUND`] jobs of either kind; the next call finds the others.
pub(super) async fn give_up(
    pool: &Pool,
    offered: &[&str],
    after: Duration,
) -> Result<Vec<JobId>, StoreError> {
    pool.run(async |connection| {
        let mut transaction = connection.begin().await?;
        if !after.is_zero() {
            sqlx::query(NOTE)
                .bind(offered)
                .execute(&mut *transaction)
                .await?;
        }
        let mut rows = sqlx::query(LATE)
            .bind(ErrorCode::QueueTimeout.as_str())
            .bind(ROUND)
            .fetch_all(&mut *transaction)
            .await?;
        let unknown = sqlx::query(UNKNOWN)
            .bind(ErrorCode::Internal.as_str())
            .bind(ROUND)
            .bind(milliseconds(after))
            .bind(offered)
            .fetch_all(&mut *transaction)
            .await?;
        rows.extend(unknown);
        sqlx::query(FORGET)
            .bind(limits::REMEMBERED_MS)
            .execute(&mut *transaction)
            .await?;
        let ids = row::ids(&rows)?;
        commit!(transaction, "give_up");
        Ok(ids)
    })
    .await
}

#[cfg(all(test, feature = "postgres-tests"))]
mod tests {
    use super::*;
    use crate::postgres::plans::all_use_indexes;

    #[tokio::test]
    async fn nobody_reads_all_jobs_to_find_a_few() {
        all_use_indexes(&[LOST, END, REQUEUE, LATE, UNKNOWN]).await;
    }
}
