//! Into the queue, out of it, and back.

use farcall_core::{clock::Timestamp, crash_point, id::JobId};
use serde_json::Value;
use sqlx::{Row, sqlite::SqliteRow};

use super::{row, text, writer::Writer};
use crate::{Checkpoint, Claim, Fence, NewJob, StoreError, message};

const ENQUEUE: &str = "
    INSERT INTO jobs (id, owner, job, fingerprint, state, stage, total_stages, message,
                      epoch, attempt, losses, restarts, created_at)
    VALUES (?, ?, ?, ?, 'queued', 0, ?, ?, 0, 0, 0, 0, ?)";

const KEEP_ARGUMENTS: &str = "INSERT INTO arguments (job, value) VALUES (?, ?)";

pub(super) async fn enqueue(writer: &Writer, job: NewJob) -> Result<(), StoreError> {
    let arguments = text::written(&Value::Object(job.arguments))?;
    let mut transaction = writer.transaction().await?;
    let sequence = sqlx::query(ENQUEUE)
        .bind(job.id.to_string())
        .bind(job.owner)
        .bind(job.job)
        .bind(job.fingerprint)
        .bind(job.total_stages)
        .bind(message::QUEUED)
        .bind(job.created_at.0)
        .execute(&mut *transaction)
        .await?
        .last_insert_rowid();
    sqlx::query(KEEP_ARGUMENTS)
        .bind(sequence)
        .bind(arguments)
        .execute(&mut *transaction)
        .await?;
    crash_point!("store.enqueue.begun");
    transaction.commit().await?;
    crash_point!("store.enqueue.committed");
    Ok(())
}

// One statement, so that no two workers can take the same job.
const CLAIM: &str = "
    UPDATE jobs SET
        state = 'running', epoch = epoch + 1, attempt = attempt + 1, message = ?1,
        started_at = coalesce(started_at, ?2)
    WHERE sequence = (
        SELECT sequence FROM jobs
        WHERE state = 'queued' AND job IN (SELECT value FROM json_each(?3))
        ORDER BY sequence LIMIT 1)
    RETURNING
        id, epoch, owner, job, attempt, total_stages, fingerprint,
        (SELECT value FROM arguments WHERE arguments.job = jobs.sequence),
        (SELECT stage FROM checkpoints WHERE checkpoints.job = jobs.sequence),
        (SELECT value FROM checkpoints WHERE checkpoints.job = jobs.sequence)";

pub(super) async fn claim(
    writer: &Writer,
    known: &[String],
    now: Timestamp,
) -> Result<Option<Claim>, StoreError> {
    let mut transaction = writer.transaction().await?;
    let row = sqlx::query(CLAIM)
        .bind(message::STARTING)
        .bind(now.0)
        .bind(Value::from(known).to_string())
        .fetch_optional(&mut *transaction)
        .await?;
    let Some(row) = row else {
        transaction.rollback().await?;
        return Ok(None);
    };
    let claim = claimed(&row)?;
    crash_point!("store.claim.begun");
    transaction.commit().await?;
    crash_point!("store.claim.committed");
    Ok(Some(claim))
}

fn claimed(row: &SqliteRow) -> Result<Claim, StoreError> {
    let id: JobId = row::id(row.try_get(0)?)?;
    let Value::Object(arguments) = text::read(row.try_get(7)?, "arguments")? else {
        return Err(StoreError::Corrupt {
            what: format!("arguments of `{id}`: not an object"),
        });
    };
    let checkpoint = match (row.try_get(8)?, row.try_get::<Option<&str>, _>(9)?) {
        (Some(stage), Some(value)) => Some(Checkpoint {
            stage,
            value: text::read(value, "checkpoint")?,
        }),
        _ => None,
    };
    Ok(Claim {
        fence: Fence {
            id,
            epoch: row.try_get(1)?,
        },
        owner: row.try_get(2)?,
        job: row.try_get(3)?,
        arguments,
        attempt: row.try_get(4)?,
        total_stages: row.try_get(5)?,
        fingerprint: row.try_get(6)?,
        checkpoint,
    })
}

const RELEASE: &str = "
    UPDATE jobs SET
        state = 'queued', attempt = attempt - 1, message = ?1, progress = NULL,
        stage = coalesce((SELECT stage FROM checkpoints WHERE job = sequence), 0)
    WHERE id = ?2 AND epoch = ?3 AND state = 'running'";

pub(super) async fn release(writer: &Writer, fence: Fence) -> Result<(), StoreError> {
    let statement = sqlx::query(RELEASE)
        .bind(message::QUEUED)
        .bind(fence.id.to_string())
        .bind(fence.epoch);
    match writer.write(statement).await?.rows_affected() {
        0 => Err(StoreError::StaleClaim),
        _ => Ok(()),
    }
}
