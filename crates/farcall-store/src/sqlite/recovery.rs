//! What to do at start about jobs that nobody works on.

use farcall_core::{clock::Timestamp, id::JobId, problem::ErrorCode};
use serde_json::Value;

use super::{row, writer::Writer};
use crate::{Recovered, StoreError, message};

const GIVE_UP: &str = "
    UPDATE jobs SET
        state = 'failed', losses = losses + 1, progress = NULL, error_code = ?1,
        error_message = 'the server stopped while this job ran, ' || (losses + 1)
            || ' times in all, so it was given up; the job itself may be what stops the server',
        finished_at = ?2, expires_at = ?3
    WHERE state = 'running' AND losses + 1 >= ?4
    RETURNING sequence, id";

const REQUEUE: &str = "
    UPDATE jobs SET
        state = 'queued', losses = losses + 1, message = ?, progress = NULL,
        stage = coalesce((SELECT stage FROM checkpoints WHERE job = sequence), 0)
    WHERE state = 'running'
    RETURNING sequence, id";

pub(super) async fn recover(
    writer: &Writer,
    max_losses: u32,
    now: Timestamp,
    expires_at: Timestamp,
) -> Result<Recovered, StoreError> {
    let mut transaction = writer.transaction().await?;
    let lost = sqlx::query(GIVE_UP)
        .bind(ErrorCode::WorkerLost.as_str())
        .bind(now.0)
        .bind(expires_at.0)
        .bind(max_losses)
        .fetch_all(&mut *transaction)
        .await?;
    let requeued = sqlx::query(REQUEUE)
        .bind(message::QUEUED)
        .fetch_all(&mut *transaction)
        .await?;
    let recovered = Recovered {
        requeued: row::ids(&requeued)?,
        lost: row::ids(&lost)?,
    };
    transaction.commit().await?;
    Ok(recovered)
}

const FAIL_ORPHANS: &str = "
    UPDATE jobs SET
        state = 'failed', error_code = ?1,
        error_message = 'this server has no job called `' || job
            || '` any more; start the work again with one of its present tools',
        finished_at = ?2, expires_at = ?3
    WHERE state = 'queued' AND job NOT IN (SELECT value FROM json_each(?4))
    RETURNING sequence, id";

pub(super) async fn fail_orphans(
    writer: &Writer,
    known: &[String],
    now: Timestamp,
    expires_at: Timestamp,
) -> Result<Vec<JobId>, StoreError> {
    let mut transaction = writer.transaction().await?;
    let orphans = sqlx::query(FAIL_ORPHANS)
        .bind(ErrorCode::Internal.as_str())
        .bind(now.0)
        .bind(expires_at.0)
        .bind(Value::from(known).to_string())
        .fetch_all(&mut *transaction)
        .await?;
    let orphans = row::ids(&orphans)?;
    transaction.commit().await?;
    Ok(orphans)
}
