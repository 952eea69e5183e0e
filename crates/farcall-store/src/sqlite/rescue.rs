//! What to do about jobs that nobody works on.

use std::time::Duration;

use farcall_core::{clock::Timestamp, id::JobId, job::state::JobState, problem::ErrorCode};
use sqlx::{Row, SqliteConnection};

use super::{row, writer::Write};
use crate::{
    Hint, Lost, StoreError,
    hints::Hints,
    limits::{REMEMBERED_MS, milliseconds},
    message,
    moment::Moment,
};

const LOST_WORKERS: &str = "
    SELECT id FROM workers
    WHERE gone_at IS NULL
      AND (lease_until < ?1 OR id IN (SELECT value FROM json_each(?2)))";

const FAREWELL: &str =
    "UPDATE workers SET gone_at = ?1 WHERE id IN (SELECT value FROM json_each(?2))";

pub(super) struct Rescue {
    /// A list of workers as JSON.
    pub(super) dead: String,
}

impl Write for Rescue {
    type Answer = Vec<Lost>;
    const NAME: &'static str = "rescue";

    fn is_vital(&self) -> bool {
        true
    }

    async fn run(
        &self,
        connection: &mut SqliteConnection,
        at: Moment,
    ) -> Result<Vec<Lost>, StoreError> {
        let workers: Vec<String> = sqlx::query_scalar(LOST_WORKERS)
            .bind(at.steady.0)
            .bind(&self.dead)
            .fetch_all(&mut *connection)
            .await?;
        if workers.is_empty() {
            return Ok(Vec::new());
        }
        let workers = row::list(workers);
        let lost = take_jobs(connection, at.now, &workers).await?;
        sqlx::query(FAREWELL)
            .bind(at.now.0)
            .bind(&workers)
            .execute(connection)
            .await?;
        Ok(lost)
    }

    fn tell(&self, lost: &Vec<Lost>, hints: &Hints) {
        hints.tell_of_lost(lost);
    }
}

const LOST: &str = "
    SELECT id, alone, cancel_requested_at IS NOT NULL
               OR max_losses = 0 OR counted_losses + alone >= max_losses
    FROM jobs WHERE worker IN (SELECT value FROM json_each(?))
    ORDER BY sequence";

const END: &str = "
    UPDATE jobs SET
        state = 'failed', worker = NULL, alone = 0, is_asking = 0, progress = NULL,
        losses = losses + 1, counted_losses = counted_losses + alone,
        error_code = CASE WHEN cancel_requested_at IS NULL THEN ?3 ELSE ?4 END,
        error_message = CASE
            WHEN cancel_requested_at IS NOT NULL THEN ?5
            WHEN max_losses = 0 THEN
                'the server stopped while this job ran, and it is a job that must not run again'
            ELSE 'the server stopped while this job ran alone, ' || (counted_losses + alone)
                || ' times in all, so it was given up; the job itself may be what stops the server'
        END,
        finished_at = ?1, updated_at = ?1, expires_at = ?1 + keep_ms
    WHERE worker IN (SELECT value FROM json_each(?2))
      AND (cancel_requested_at IS NOT NULL
           OR max_losses = 0 OR counted_losses + alone >= max_losses)";

const REQUEUE: &str = "
    UPDATE jobs SET
        state = 'queued', worker = NULL, alone = 0, is_asking = 0, progress = NULL,
        losses = losses + 1, counted_losses = counted_losses + alone, suspect = 1,
        message = ?3, updated_at = ?1, run_at = min(run_at, ?1),
        stage = coalesce((SELECT stage FROM checkpoints WHERE job = sequence), 0)
    WHERE worker IN (SELECT value FROM json_each(?2))";

/// Takes their jobs from `workers`, a list as JSON. What was cancelled or lost too often has
/// failed, the rest waits again.
pub(super) async fn take_jobs(
    connection: &mut SqliteConnection,
    now: Timestamp,
    workers: &str,
) -> Result<Vec<Lost>, StoreError> {
    let rows = sqlx::query(LOST)
        .bind(workers)
        .fetch_all(&mut *connection)
        .await?;
    let lost = rows
        .iter()
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
        .collect::<Result<_, StoreError>>()?;
    sqlx::query(END)
        .bind(now.0)
        .bind(workers)
        .bind(ErrorCode::WorkerLost.as_str())
        .bind(ErrorCode::Cancelled.as_str())
        .bind(message::CANCELLED)
        .execute(&mut *connection)
        .await?;
    sqlx::query(REQUEUE)
        .bind(now.0)
        .bind(workers)
        .bind(message::QUEUED)
        .execute(&mut *connection)
        .await?;
    Ok(lost)
}

const LATE: &str = "
    UPDATE jobs SET
        state = 'failed', error_code = ?2,
        error_message = 'no worker was free for this job within '
            || ((queue_deadline - created_at) / 1000) || ' s; start it again later',
        finished_at = ?1, updated_at = ?1, expires_at = ?1 + keep_ms
    WHERE state = 'queued' AND epoch = 0 AND queue_deadline <= ?1
    RETURNING sequence, id";

const NOTE: &str = "
    INSERT INTO offers (job, offered_at)
    SELECT value, ?2 FROM json_each(?1) WHERE TRUE
    ON CONFLICT (job) DO UPDATE SET offered_at = excluded.offered_at";

const UNKNOWN: &str = "
    UPDATE jobs SET
        state = 'failed', error_code = ?2,
        error_message = 'this server has no job called `' || job
            || '` any more; start the work again with one of its present tools',
        finished_at = ?1, updated_at = ?1, expires_at = ?1 + keep_ms
    WHERE state = 'queued' AND max(updated_at, run_at) <= ?1 - ?3
      AND job NOT IN (SELECT value FROM json_each(?5) UNION ALL
                      SELECT job FROM offers WHERE offered_at > ?1 - ?3)
      AND EXISTS (SELECT 1 FROM workers WHERE gone_at IS NULL AND lease_until >= ?4)
    RETURNING sequence, id";

const FORGET: &str = "DELETE FROM workers WHERE gone_at <= ?";

pub(super) struct GiveUp {
    /// A list of names as JSON.
    pub(super) offered: String,
    pub(super) after: Duration,
}

impl Write for GiveUp {
    type Answer = Vec<JobId>;
    const NAME: &'static str = "give_up";

    fn is_vital(&self) -> bool {
        true
    }

    async fn run(
        &self,
        connection: &mut SqliteConnection,
        at: Moment,
    ) -> Result<Vec<JobId>, StoreError> {
        if !self.after.is_zero() {
            sqlx::query(NOTE)
                .bind(&self.offered)
                .bind(at.now.0)
                .execute(&mut *connection)
                .await?;
        }
        let mut rows = sqlx::query(LATE)
            .bind(at.now.0)
            .bind(ErrorCode::QueueTimeout.as_str())
            .fetch_all(&mut *connection)
            .await?;
        let unknown = sqlx::query(UNKNOWN)
            .bind(at.now.0)
            .bind(ErrorCode::Internal.as_str())
            .bind(milliseconds(self.after))
            .bind(at.steady.0)
            .bind(&self.offered)
            .fetch_all(&mut *connection)
            .await?;
        rows.extend(unknown);
        sqlx::query(FORGET)
            .bind(at.now.0 - REMEMBERED_MS)
            .execute(connection)
            .await?;
        row::ids(&rows)
    }

    fn tell(&self, ids: &Vec<JobId>, hints: &Hints) {
        hints.tell(ids.iter().copied().map(Hint::Changed));
    }
}
