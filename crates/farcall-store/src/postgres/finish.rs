//! How a claim comes to its end: for good, or back in the queue.

use std::time::Duration;

use farcall_core::{id::JobId, job::state::JobState, problem::ErrorCode};
use sqlx::{Connection, PgConnection, postgres::PgQueryResult};

use super::{
    artifacts,
    pool::{Pool, alone, commit, held},
    row::{self, at_one_moment, record_columns},
};
use crate::{
    Cancelled, Fence, JobError, JobRecord, Reach, StoreError, Success, limits::milliseconds,
    message, text,
};

// Nothing goes on from the checkpoint any more. What is published waits for the row of `over`,
// and so for the state that it needs.
pub(super) const SUCCEED: &str = concat!(
    at_one_moment!(),
    ", over AS (
         UPDATE jobs SET
             state = 'succeeded', worker = NULL, alone = FALSE, is_asking = FALSE,
             stage = total_stages, message = $3, progress = NULL, result = $4::json,
             finished_at = now, updated_at = now, expires_at = now + keep_ms
         FROM clock WHERE id = $1 AND epoch = $2 AND state = 'running'
         RETURNING sequence),
     published AS (
         UPDATE artifacts SET state = 'published'
         FROM over WHERE artifacts.job = over.sequence),
     dropped AS (DELETE FROM checkpoints USING over WHERE checkpoints.job = over.sequence)
     SELECT sequence FROM over"
);

pub(super) async fn succeed(pool: &Pool, fence: Fence, success: Success) -> Result<(), StoreError> {
    let value = success.value.as_ref().map(text::written).transpose()?;
    pool.run_fenced(fence, async |connection, fence| {
        if success.artifacts.is_empty() {
            alone!(write_success(connection, fence, value), "succeed");
            return Ok(());
        }
        let mut transaction = connection.begin().await?;
        let (sequence, _) = held(&mut transaction, fence).await?;
        artifacts::stage(&mut transaction, sequence, fence.epoch, success.artifacts).await?;
        write_success(&mut transaction, fence, value).await?;
        commit!(transaction, "succeed");
        Ok(())
    })
    .await
}

async fn write_success(
    connection: &mut PgConnection,
    fence: Fence,
    value: Option<String>,
) -> Result<(), StoreError> {
    sqlx::query(SUCCEED)
        .bind(fence.id.to_string())
        .bind(fence.epoch)
        .bind(message::DONE)
        .bind(value)
        .fetch_optional(connection)
        .await?
        .ok_or(StoreError::StaleClaim)?;
    Ok(())
}

// One update in place and nothing else: on a full disk this must have the best chance. The
// checkpoint and the staged artifacts go when the job is deleted.
const FAIL: &str = concat!(
    at_one_moment!(),
    "UPDATE jobs SET
         state = 'failed', worker = NULL, alone = FALSE, is_asking = FALSE,
         error_code = $3, error_message = $4,
         finished_at = now, updated_at = now, expires_at = now + keep_ms
     FROM clock WHERE id = $1 AND epoch = $2 AND state = 'running'"
);

pub(super) async fn fail(pool: &Pool, fence: Fence, error: JobError) -> Result<(), StoreError> {
    pool.run_fenced(fence, async |connection, fence| {
        let fail = sqlx::query(FAIL)
            .bind(fence.id.to_string())
            .bind(fence.epoch)
            .bind(error.code.as_str())
            .bind(text::readable(&error.message));
        held_by(&alone!(fail.execute(connection), "fail"))
    })
    .await
}

// Whatever goes back into the queue and was cancelled meanwhile has failed as that, because
// nobody would tell its next worker.
macro_rules! back {
    ($what_differs:literal) => {
        concat!(
            at_one_moment!(),
            "UPDATE jobs SET
                 state = CASE WHEN cancel_requested_at IS NULL THEN 'queued' ELSE 'failed' END,
                 error_code = CASE WHEN cancel_requested_at IS NOT NULL THEN $3 END,
                 error_message = CASE WHEN cancel_requested_at IS NOT NULL THEN $4 END,
                 finished_at = CASE WHEN cancel_requested_at IS NOT NULL THEN now END,
                 expires_at = CASE WHEN cancel_requested_at IS NOT NULL THEN now + keep_ms END,
                 message = CASE WHEN cancel_requested_at IS NULL THEN $5 ELSE message END,
                 stage = CASE WHEN cancel_requested_at IS NULL
                     THEN coalesce((SELECT checkpoints.stage FROM checkpoints
                                    WHERE checkpoints.job = sequence), 0)
                     ELSE stage END, ",
            $what_differs,
            ",   worker = NULL, alone = FALSE, is_asking = FALSE, progress = NULL,
                 updated_at = now
             FROM clock WHERE id = $1 AND epoch = $2 AND state = 'running'"
        )
    };
}

const RETRY: &str = back!(
    "suspect = suspect AND cancel_requested_at IS NOT NULL,
     run_at = CASE WHEN cancel_requested_at IS NULL THEN now + $6 ELSE run_at END"
);

pub(super) async fn retry(
    pool: &Pool,
    fence: Fence,
    after: Duration,
    message: String,
) -> Result<(), StoreError> {
    pool.run_fenced(fence, async |connection, fence| {
        let retry = sqlx::query(RETRY)
            .bind(fence.id.to_string())
            .bind(fence.epoch)
            .bind(ErrorCode::Cancelled.as_str())
            .bind(message::CANCELLED)
            .bind(text::readable(&message))
            .bind(milliseconds(after));
        held_by(&alone!(retry.execute(connection), "retry"))
    })
    .await
}

const RELEASE: &str = back!(
    "attempt = CASE WHEN cancel_requested_at IS NULL THEN attempt - 1 ELSE attempt END,
     run_at = CASE WHEN cancel_requested_at IS NULL THEN least(run_at, now) ELSE run_at END"
);

pub(super) async fn release(pool: &Pool, fence: Fence) -> Result<(), StoreError> {
    pool.run_fenced(fence, async |connection, fence| {
        let release = sqlx::query(RELEASE)
            .bind(fence.id.to_string())
            .bind(fence.epoch)
            .bind(ErrorCode::Cancelled.as_str())
            .bind(message::CANCELLED)
            .bind(message::QUEUED);
        held_by(&alone!(release.execute(connection), "release"))
    })
    .await
}

/// Whether a write under a fence has found the job that it is for.
fn held_by(written: &PgQueryResult) -> Result<(), StoreError> {
    if written.rows_affected() == 0 {
        return Err(StoreError::StaleClaim);
    }
    Ok(())
}

const CANCEL: &str = concat!(
    at_one_moment!(),
    "UPDATE jobs SET
         state = CASE state WHEN 'queued' THEN 'failed' ELSE state END,
         error_code = CASE state WHEN 'queued' THEN $3 END,
         error_message = CASE state WHEN 'queued' THEN $4 END,
         finished_at = CASE state WHEN 'queued' THEN now END,
         expires_at = CASE state WHEN 'queued' THEN now + keep_ms END,
         cancel_requested_at = CASE state WHEN 'running' THEN coalesce(cancel_requested_at, now) END,
         updated_at = now
     FROM clock
     WHERE id = $1 AND ($2::text IS NULL OR owner = $2) AND state IN ('queued', 'running')
     RETURNING ",
    record_columns!()
);

const IS_OVER: &str = concat!(
    at_one_moment!(),
    "SELECT ",
    record_columns!(),
    " FROM jobs, clock WHERE id = $1 AND ($2::text IS NULL OR owner = $2) AND expires_at > now"
);

pub(super) async fn cancel(
    pool: &Pool,
    id: JobId,
    reach: Reach<'_>,
) -> Result<Option<Cancelled>, StoreError> {
    pool.run(async |connection| {
        let cancel = sqlx::query(CANCEL).bind(id.to_string()).bind(reach.owner());
        let cancel = cancel
            .bind(ErrorCode::Cancelled.as_str())
            .bind(message::CANCELLED);
        if let Some(row) = alone!(cancel.fetch_optional(&mut *connection), "cancel") {
            let record: JobRecord = row::record(&row)?;
            return Ok(Some(if record.state == JobState::Running {
                Cancelled::Requested(record)
            } else {
                Cancelled::Now(record)
            }));
        }
        let row = sqlx::query(IS_OVER)
            .bind(id.to_string())
            .bind(reach.owner())
            .fetch_optional(connection)
            .await?;
        let record = row.as_ref().map(row::record).transpose()?;
        Ok(record.map(Cancelled::WasOver))
    })
    .await
}

#[cfg(all(test, feature = "postgres-tests"))]
mod tests {
    use super::*;
    use crate::postgres::plans::all_use_indexes;

    #[tokio::test]
    async fn an_end_is_found_by_its_id() {
        all_use_indexes(&[SUCCEED, FAIL, RETRY, RELEASE, CANCEL]).await;
    }
}
