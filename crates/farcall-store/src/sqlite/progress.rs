//! What a running job tells on its way.

use farcall_core::{artifact::Artifact, crash_point};

use super::{artifacts, row, text, writer::Writer};
use crate::{Checkpoint, Fence, Report, StoreError, message};

// A late report, of an earlier stage than the record's, changes nothing.
const REPORT: &str = "
    UPDATE jobs SET
        stage = max(stage, ?1),
        message = CASE WHEN ?1 >= stage THEN ?2 ELSE message END,
        progress = CASE WHEN ?1 >= stage THEN ?3 ELSE progress END
    WHERE id = ?4 AND epoch = ?5 AND state = 'running'";

pub(super) async fn report(
    writer: &Writer,
    fence: Fence,
    report: Report,
) -> Result<(), StoreError> {
    let statement = sqlx::query(REPORT)
        .bind(report.stage)
        .bind(report.message)
        .bind(report.progress)
        .bind(fence.id.to_string())
        .bind(fence.epoch);
    match writer.write(statement).await?.rows_affected() {
        0 => Err(StoreError::StaleClaim),
        _ => Ok(()),
    }
}

const KEEP: &str = "
    INSERT INTO checkpoints (job, stage, value) VALUES (?, ?, ?)
    ON CONFLICT (job) DO UPDATE SET stage = excluded.stage, value = excluded.value";

// Progress was that of the stage that is over now.
const ADVANCE: &str = "
    UPDATE jobs SET
        progress = CASE WHEN stage > ?1 THEN progress END,
        stage = max(stage, ?1)
    WHERE sequence = ?2";

pub(super) async fn checkpoint(
    writer: &Writer,
    fence: Fence,
    checkpoint: Checkpoint,
    artifacts: Vec<Artifact>,
) -> Result<(), StoreError> {
    let value = text::written(&checkpoint.value)?;
    let mut transaction = writer.transaction().await?;
    let sequence = row::sequence_of(&mut transaction, fence).await?;
    artifacts::stage(&mut transaction, sequence, fence.epoch, artifacts).await?;
    sqlx::query(KEEP)
        .bind(sequence)
        .bind(checkpoint.stage)
        .bind(value)
        .execute(&mut *transaction)
        .await?;
    sqlx::query(ADVANCE)
        .bind(checkpoint.stage)
        .bind(sequence)
        .execute(&mut *transaction)
        .await?;
    crash_point!("store.checkpoint.begun");
    transaction.commit().await?;
    crash_point!("store.checkpoint.committed");
    Ok(())
}

const DROP_CHECKPOINT: &str = "DELETE FROM checkpoints WHERE job = ?";

const DROP_ARTIFACTS: &str = "DELETE FROM artifacts WHERE job = ?";

const RESTART: &str = "
    UPDATE jobs SET
        stage = 0, total_stages = ?, fingerprint = ?, restarts = restarts + 1,
        message = ?, progress = NULL
    WHERE sequence = ?";

pub(super) async fn restart(
    writer: &Writer,
    fence: Fence,
    total_stages: u32,
    fingerprint: String,
) -> Result<(), StoreError> {
    let mut transaction = writer.transaction().await?;
    let sequence = row::sequence_of(&mut transaction, fence).await?;
    sqlx::query(DROP_CHECKPOINT)
        .bind(sequence)
        .execute(&mut *transaction)
        .await?;
    sqlx::query(DROP_ARTIFACTS)
        .bind(sequence)
        .execute(&mut *transaction)
        .await?;
    sqlx::query(RESTART)
        .bind(total_stages)
        .bind(fingerprint)
        .bind(message::STARTING)
        .bind(sequence)
        .execute(&mut *transaction)
        .await?;
    transaction.commit().await?;
    Ok(())
}
