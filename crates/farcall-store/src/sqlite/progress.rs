//! What a running job tells on its way.

use farcall_core::{artifact::Artifact, clock::Timestamp};

use super::{
    artifacts, log,
    writer::{Writer, commit},
};
use crate::{Checkpoint, Fence, Report, StoreError, message, text};

// A late report, of an earlier stage than the record's, changes nothing.
const REPORT: &str = "
    UPDATE jobs SET stage = ?2, message = ?3, progress = ?4, updated_at = ?5
    WHERE sequence = ?1 AND stage <= ?2";

pub(super) async fn report(
    writer: &Writer,
    now: Timestamp,
    fence: Fence,
    report: Report,
) -> Result<(), StoreError> {
    let (mut transaction, sequence) = writer.fenced(fence).await?;
    sqlx::query(REPORT)
        .bind(sequence)
        .bind(report.stage)
        .bind(report.message)
        .bind(report.progress)
        .bind(now.0)
        .execute(&mut *transaction)
        .await?;
    log::append(&mut transaction, now, sequence, &report.log).await?;
    commit!(transaction, "report");
    Ok(())
}

const KEEP: &str = "
    INSERT INTO checkpoints (job, stage, value) VALUES (?, ?, ?)
    ON CONFLICT (job) DO UPDATE SET stage = excluded.stage, value = excluded.value";

// Progress was that of the stage that is over now.
const ADVANCE: &str = "
    UPDATE jobs SET
        progress = CASE WHEN stage > ?1 THEN progress END,
        stage = max(stage, ?1), updated_at = ?3
    WHERE sequence = ?2";

pub(super) async fn checkpoint(
    writer: &Writer,
    now: Timestamp,
    fence: Fence,
    checkpoint: Checkpoint,
    artifacts: Vec<Artifact>,
) -> Result<(), StoreError> {
    let value = text::written(&checkpoint.value)?;
    let (mut transaction, sequence) = writer.fenced(fence).await?;
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
        .bind(now.0)
        .execute(&mut *transaction)
        .await?;
    commit!(transaction, "checkpoint");
    Ok(())
}

/// What belongs to the program that the job no longer has.
const DROP_REMAINS: [&str; 3] = [
    "DELETE FROM checkpoints WHERE job = ?",
    "DELETE FROM artifacts WHERE job = ?",
    "DELETE FROM questions WHERE job = ?",
];

const RESTART: &str = "
    UPDATE jobs SET
        stage = 0, total_stages = ?, fingerprint = ?, restarts = restarts + 1,
        message = ?, progress = NULL, is_asking = 0, updated_at = ?
    WHERE sequence = ?";

pub(super) async fn restart(
    writer: &Writer,
    now: Timestamp,
    fence: Fence,
    total_stages: u32,
    fingerprint: String,
) -> Result<(), StoreError> {
    let (mut transaction, sequence) = writer.fenced(fence).await?;
    for remains in DROP_REMAINS {
        sqlx::query(remains)
            .bind(sequence)
            .execute(&mut *transaction)
            .await?;
    }
    sqlx::query(RESTART)
        .bind(total_stages)
        .bind(fingerprint)
        .bind(message::STARTING)
        .bind(now.0)
        .bind(sequence)
        .execute(&mut *transaction)
        .await?;
    commit!(transaction, "restart");
    Ok(())
}
