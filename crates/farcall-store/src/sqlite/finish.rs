//! The two ends of a job.

use farcall_core::crash_point;

use super::{artifacts, row, text, writer::Writer};
use crate::{Failure, Fence, StoreError, Success, message};

const SUCCEED: &str = "
    UPDATE jobs SET
        state = 'succeeded', stage = total_stages, message = ?, progress = NULL, result = ?,
        finished_at = ?, expires_at = ?
    WHERE sequence = ?";

const PUBLISH: &str = "UPDATE artifacts SET state = 'published' WHERE job = ?";

// Nothing goes on from it any more.
const DROP_CHECKPOINT: &str = "DELETE FROM checkpoints WHERE job = ?";

pub(super) async fn succeed(
    writer: &Writer,
    fence: Fence,
    success: Success,
) -> Result<(), StoreError> {
    let value = success.value.as_ref().map(text::written).transpose()?;
    let mut transaction = writer.transaction().await?;
    let sequence = row::sequence_of(&mut transaction, fence).await?;
    artifacts::stage(&mut transaction, sequence, fence.epoch, success.artifacts).await?;
    sqlx::query(SUCCEED)
        .bind(message::DONE)
        .bind(value)
        .bind(success.finished_at.0)
        .bind(success.expires_at.0)
        .bind(sequence)
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
    crash_point!("store.succeed.begun");
    transaction.commit().await?;
    crash_point!("store.succeed.committed");
    Ok(())
}

// One update in place and nothing else: on a full disk this must have the best chance. The
// checkpoint and the staged artifacts go when the job is deleted.
const FAIL: &str = "
    UPDATE jobs SET
        state = 'failed', error_code = ?, error_message = ?, finished_at = ?, expires_at = ?
    WHERE id = ? AND epoch = ? AND state = 'running'";

pub(super) async fn fail(
    writer: &Writer,
    fence: Fence,
    failure: Failure,
) -> Result<(), StoreError> {
    let mut transaction = writer.transaction().await?;
    let done = sqlx::query(FAIL)
        .bind(failure.error.code.as_str())
        .bind(failure.error.message)
        .bind(failure.finished_at.0)
        .bind(failure.expires_at.0)
        .bind(fence.id.to_string())
        .bind(fence.epoch)
        .execute(&mut *transaction)
        .await?;
    if done.rows_affected() == 0 {
        return Err(StoreError::StaleClaim);
    }
    crash_point!("store.fail.begun");
    transaction.commit().await?;
    crash_point!("store.fail.committed");
    Ok(())
}
