//! What a running job tells on its way.

use farcall_core::artifact::Artifact;
use sqlx::{Connection, PgConnection};

use super::{
    artifacts, log,
    pool::{Pool, alone, commit, held},
    row::at_one_moment,
};
use crate::{Checkpoint, Fence, Report, StoreError, message, text};

// A late report, of an earlier stage than the record's, changes nothing.
pub(super) const REPORT: &str = concat!(
    at_one_moment!(),
    "UPDATE jobs SET
         message = CASE WHEN stage <= $3 THEN $4 ELSE message END,
         progress = CASE WHEN stage <= $3 THEN $5 ELSE progress END,
         updated_at = CASE WHEN stage <= $3 THEN now ELSE updated_at END,
         stage = greatest(stage, $3)
     FROM clock WHERE id = $1 AND epoch = $2 AND state = 'running'"
);

/// `pool` may be one whose commits do not wait for the disk: the next report says more.
pub(super) async fn report(pool: &Pool, fence: Fence, report: Report) -> Result<(), StoreError> {
    pool.run_fenced(fence, async |connection, fence| {
        if report.log.is_empty() {
            alone!(write_report(connection, fence, &report), "report");
            return Ok(());
        }
        let mut transaction = connection.begin().await?;
        let (sequence, now) = held(&mut transaction, fence).await?;
        write_report(&mut transaction, fence, &report).await?;
        log::append(&mut transaction, now, sequence, &report.log).await?;
        commit!(transaction, "report");
        Ok(())
    })
    .await
}

async fn write_report(
    connection: &mut PgConnection,
    fence: Fence,
    report: &Report,
) -> Result<(), StoreError> {
    let written = sqlx::query(REPORT)
        .bind(fence.id.to_string())
        .bind(fence.epoch)
        .bind(i64::from(report.stage))
        .bind(text::readable(&report.message))
        .bind(report.progress)
        .execute(connection)
        .await?;
    if written.rows_affected() == 0 {
        return Err(StoreError::StaleClaim);
    }
    Ok(())
}

const KEEP: &str = "
    INSERT INTO checkpoints (job, stage, value, work) VALUES ($1, $2, $3::json, $4)
    ON CONFLICT (job) DO UPDATE SET
        stage = excluded.stage, value = excluded.value, work = excluded.work";

// Progress was that of the stage that is over now.
const ADVANCE: &str = "
    UPDATE jobs SET
        progress = CASE WHEN stage > $1 THEN progress END,
        stage = greatest(stage, $1), updated_at = $3
    WHERE sequence = $2";

pub(super) async fn checkpoint(
    pool: &Pool,
    fence: Fence,
    checkpoint: Checkpoint,
    artifacts: Vec<Artifact>,
) -> Result<(), StoreError> {
    let value = text::written(&checkpoint.value)?;
    pool.run_fenced(fence, async |connection, fence| {
        let mut transaction = connection.begin().await?;
        let (sequence, now) = held(&mut transaction, fence).await?;
        artifacts::stage(&mut transaction, sequence, fence.epoch, artifacts).await?;
        sqlx::query(KEEP)
            .bind(sequence)
            .bind(i64::from(checkpoint.stage))
            .bind(value)
            .bind(checkpoint.work)
            .execute(&mut *transaction)
            .await?;
        sqlx::query(ADVANCE)
            .bind(i64::from(checkpoint.stage))
            .bind(sequence)
            .bind(now.0)
            .execute(&mut *transaction)
            .await?;
        commit!(transaction, "checkpoint");
        Ok(())
    })
    .await
}

/// What belongs to the program that the job no longer has.
const DROP_REMAINS: &str = "
    WITH checkpoint AS (DELETE FROM checkpoints WHERE job = $1),
         files AS (DELETE FROM artifacts WHERE job = $1)
    DELETE FROM questions WHERE job = $1";

const RESTART: &str = "
    UPDATE jobs SET
        stage = 0, total_stages = $1, fingerprint = $2, restarts = restarts + 1,
        message = $3, progress = NULL, is_asking = FALSE, updated_at = $4
    WHERE sequence = $5";

pub(super) async fn restart(
    pool: &Pool,
    fence: Fence,
    total_stages: u32,
    fingerprint: String,
) -> Result<(), StoreError> {
    pool.run_fenced(fence, async |connection, fence| {
        let mut transaction = connection.begin().await?;
        let (sequence, now) = held(&mut transaction, fence).await?;
        sqlx::query(DROP_REMAINS)
            .bind(sequence)
            .execute(&mut *transaction)
            .await?;
        sqlx::query(RESTART)
            .bind(i64::from(total_stages))
            .bind(fingerprint)
            .bind(message::STARTING)
            .bind(now.0)
            .bind(sequence)
            .execute(&mut *transaction)
            .await?;
        commit!(transaction, "restart");
        Ok(())
    })
    .await
}
