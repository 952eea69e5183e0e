//! How a claim comes to its end: for good, or back in the queue.

use std::time::Duration;

use farcall_core::{clock::Timestamp, id::JobId, job::state::JobState, problem::ErrorCode};

use super::{
    artifacts,
    row::{self, record_columns},
    writer::{Writer, commit},
};
use crate::{
    Cancelled, Fence, JobError, JobRecord, Reach, StoreError, Success, limits::milliseconds,
    message, text,
};

const SUCCEED: &str = "
    UPDATE jobs SET
        state = 'succeeded', worker = NULL, alone = 0, is_asking = 0, stage = total_stages,
        message = ?2, progress = NULL, result = ?3,
        finished_at = ?4, updated_at = ?4, expires_at = ?4 + keep_ms
    WHERE sequence = ?1";

const PUBLISH: &str = "UPDATE artifacts SET state = 'published' WHERE job = ?";

// Nothing goes on from it any more.
const DROP_CHECKPOINT: &str = "DELETE FROM checkpoints WHERE job = ?";

pub(super) async fn succeed(
    writer: &Writer,
    now: Timestamp,
    fence: Fence,
    success: Success,
) -> Result<(), StoreError> {
    let value = success.value.as_ref().map(text::written).transpose()?;
    let (mut transaction, sequence) = writer.fenced(fence).await?;
    artifacts::stage(&mut transaction, sequence, fence.epoch, success.artifacts).await?;
    sqlx::query(SUCCEED)
        .bind(sequence)
        .bind(message::DONE)
        .bind(value)
        .bind(now.0)
        .execute(&mut *transaction)
        .await?;
    sqlx::query(PUBLISH)
        .bind(sequence)
        .execute(&mut *transaction)
        .await?;
    sqlx::query(DROP_CHECKPOINT)
        .bind(sequence)
        .execute(&mut *transaction)
        .await?;
    commit!(transaction, "succeed");
    Ok(())
}

// One update in place and nothing else: on a full disk this must have the best chance. The
// checkpoint and the staged artifacts go when the job is deleted.
const FAIL: &str = "
    UPDATE jobs SET
        state = 'failed', worker = NULL, alone = 0, is_asking = 0,
        error_code = ?2, error_message = ?3,
        finished_at = ?4, updated_at = ?4, expires_at = ?4 + keep_ms
    WHERE sequence = ?1";

pub(super) async fn fail(
    writer: &Writer,
    now: Timestamp,
    fence: Fence,
    error: JobError,
) -> Result<(), StoreError> {
    let (mut transaction, sequence) = writer.fenced(fence).await?;
    sqlx::query(FAIL)
        .bind(sequence)
        .bind(error.code.as_str())
        .bind(error.message)
        .bind(now.0)
        .execute(&mut *transaction)
        .await?;
    commit!(transaction, "fail");
    Ok(())
}

// Whatever goes back into the queue and was cancelled meanwhile has failed as that, because
// nobody would tell its next worker.
const CANCEL_AT_LAST: &str = "
    UPDATE jobs SET
        state = 'failed', worker = NULL, alone = 0, is_asking = 0, progress = NULL,
        error_code = ?2, error_message = ?3,
        finished_at = ?4, updated_at = ?4, expires_at = ?4 + keep_ms
    WHERE sequence = ?1 AND cancel_requested_at IS NOT NULL";

const RETRY: &str = "
    UPDATE jobs SET
        state = 'queued', worker = NULL, alone = 0, is_asking = 0, progress = NULL,
        suspect = 0, run_at = ?3 + ?4, message = ?2, updated_at = ?3,
        stage = coalesce((SELECT stage FROM checkpoints WHERE job = sequence), 0)
    WHERE sequence = ?1 AND cancel_requested_at IS NULL";

pub(super) async fn retry(
    writer: &Writer,
    now: Timestamp,
    fence: Fence,
    after: Duration,
    message: String,
) -> Result<(), StoreError> {
    let (mut transaction, sequence) = writer.fenced(fence).await?;
    sqlx::query(RETRY)
        .bind(sequence)
        .bind(message)
        .bind(now.0)
        .bind(milliseconds(after))
        .execute(&mut *transaction)
        .await?;
    cancel_at_last(&mut transaction, now, sequence).await?;
    commit!(transaction, "retry");
    Ok(())
}

const RELEASE: &str = "
    UPDATE jobs SET
        state = 'queued', worker = NULL, alone = 0, is_asking = 0, progress = NULL,
        attempt = attempt - 1, message = ?2, updated_at = ?3,
        stage = coalesce((SELECT stage FROM checkpoints WHERE job = sequence), 0)
    WHERE sequence = ?1 AND cancel_requested_at IS NULL";

pub(super) async fn release(
    writer: &Writer,
    now: Timestamp,
    fence: Fence,
) -> Result<(), StoreError> {
    let (mut transaction, sequence) = writer.fenced(fence).await?;
    sqlx::query(RELEASE)
        .bind(sequence)
        .bind(message::QUEUED)
        .bind(now.0)
        .execute(&mut *transaction)
        .await?;
    cancel_at_last(&mut transaction, now, sequence).await?;
    commit!(transaction, "release");
    Ok(())
}

async fn cancel_at_last(
    transaction: &mut sqlx::SqliteConnection,
    now: Timestamp,
    sequence: i64,
) -> Result<(), StoreError> {
    sqlx::query(CANCEL_AT_LAST)
        .bind(sequence)
        .bind(ErrorCode::Cancelled.as_str())
        .bind(message::CANCELLED)
        .bind(now.0)
        .execute(transaction)
        .await?;
    Ok(())
}

const CANCEL: &str = concat!(
    "UPDATE jobs SET
         state = CASE state WHEN 'queued' THEN 'failed' ELSE state END,
         error_code = CASE state WHEN 'queued' THEN ?3 END,
         error_message = CASE state WHEN 'queued' THEN ?4 END,
         finished_at = CASE state WHEN 'queued' THEN ?5 END,
         expires_at = CASE state WHEN 'queued' THEN ?5 + keep_ms END,
         cancel_requested_at = CASE state WHEN 'running' THEN coalesce(cancel_requested_at, ?5) END,
         updated_at = ?5
     WHERE id = ?1 AND (?2 IS NULL OR owner = ?2) AND state IN ('queued', 'running')
     RETURNING ",
    record_columns!()
);

const IS_OVER: &str = concat!(
    "SELECT ",
    record_columns!(),
    " FROM jobs WHERE id = ?1 AND (?2 IS NULL OR owner = ?2) AND expires_at > ?3"
);

pub(super) async fn cancel(
    writer: &Writer,
    now: Timestamp,
    id: JobId,
    reach: Reach<'_>,
) -> Result<Option<Cancelled>, StoreError> {
    let mut transaction = writer.transaction().await?;
    let row = sqlx::query(CANCEL)
        .bind(id.to_string())
        .bind(reach.owner())
        .bind(ErrorCode::Cancelled.as_str())
        .bind(message::CANCELLED)
        .bind(now.0)
        .fetch_optional(&mut *transaction)
        .await?;
    if let Some(row) = row {
        let record: JobRecord = row::record(&row, now)?;
        commit!(transaction, "cancel");
        return Ok(Some(if record.state == JobState::Running {
            Cancelled::Requested(record)
        } else {
            Cancelled::Now(record)
        }));
    }
    let row = sqlx::query(IS_OVER)
        .bind(id.to_string())
        .bind(reach.owner())
        .bind(now.0)
        .fetch_optional(&mut *transaction)
        .await?;
    transaction.rollback().await?;
    let record = row.map(|row| row::record(&row, now)).transpose()?;
    Ok(record.map(Cancelled::WasOver))
}
