//! Rows to records and back.

use farcall_core::{
    artifact::Artifact, clock::Timestamp, id::JobId, job::state::JobState, problem::ErrorCode,
};
use serde_json::Value;
use sqlx::{Row, sqlite::SqliteRow};

pub(super) use crate::job::written::{duration, id, signed, unreadable, worker_id};
use crate::{JobError, JobRecord, StoreError};

/// The columns of `record`, in its order.
macro_rules! record_columns {
    () => {
        "id, owner, job, state, stage, total_stages, message, progress, error_code,
         error_message, attempt, losses, counted_losses, priority, worker, is_asking,
         cancel_requested_at IS NOT NULL, keep_ms, created_at, updated_at, run_at, started_at,
         finished_at, expires_at"
    };
}
pub(super) use record_columns;

/// How many [`record_columns`] there are: the index of the first column after them.
pub(super) const AFTER_RECORD: usize = 24;

/// A record from a row that begins with [`record_columns`], read at `now`.
pub(super) fn record(row: &SqliteRow, now: Timestamp) -> Result<JobRecord, StoreError> {
    let error = match (row.try_get::<Option<&str>, _>(8)?, row.try_get(9)?) {
        (Some(code), Some(message)) => Some(JobError {
            code: ErrorCode::parse(code).ok_or_else(|| unreadable("error code", code))?,
            message,
        }),
        _ => None,
    };
    let state: &str = row.try_get(3)?;
    let worker: Option<&str> = row.try_get(14)?;
    Ok(JobRecord {
        id: id(row.try_get(0)?)?,
        owner: row.try_get(1)?,
        job: row.try_get(2)?,
        state: JobState::parse(state).ok_or_else(|| unreadable("state", state))?,
        stage: row.try_get(4)?,
        total_stages: row.try_get(5)?,
        message: row.try_get(6)?,
        progress: row.try_get(7)?,
        error,
        attempt: row.try_get(10)?,
        losses: row.try_get(11)?,
        counted_losses: row.try_get(12)?,
        priority: row.try_get(13)?,
        worker: worker.map(worker_id).transpose()?,
        is_asking: row.try_get(15)?,
        cancel_requested: row.try_get(16)?,
        keep_for: duration(row.try_get(17)?),
        created_at: Timestamp(row.try_get(18)?),
        updated_at: Timestamp(row.try_get(19)?),
        run_at: Timestamp(row.try_get(20)?),
        started_at: row.try_get::<Option<_>, _>(21)?.map(Timestamp),
        finished_at: row.try_get::<Option<_>, _>(22)?.map(Timestamp),
        expires_at: row.try_get::<Option<_>, _>(23)?.map(Timestamp),
        read_at: now,
    })
}

/// An artifact from a row that begins with `name, media_type, size, sha256, location`.
pub(super) fn artifact(row: &SqliteRow) -> Result<Artifact, StoreError> {
    Ok(Artifact::new(
        row.try_get::<String, _>(0)?,
        row.try_get::<String, _>(1)?,
        row.try_get(2)?,
        row.try_get::<String, _>(3)?,
        row.try_get::<String, _>(4)?,
    ))
}

/// The ids of rows that begin with `sequence, id`, oldest first: `RETURNING` keeps no order.
pub(super) fn ids(rows: &[SqliteRow]) -> Result<Vec<JobId>, StoreError> {
    let mut found = rows
        .iter()
        .map(|row| Ok((row.try_get::<i64, _>(0)?, id(row.try_get(1)?)?)))
        .collect::<Result<Vec<_>, StoreError>>()?;
    found.sort_unstable();
    Ok(found.into_iter().map(|(_, id)| id).collect())
}

/// A list of names or ids as JSON, which `json_each` takes apart again.
pub(super) fn list<T: ToString>(items: impl IntoIterator<Item = T>) -> String {
    let texts = items.into_iter().map(|item| Value::from(item.to_string()));
    texts.collect::<Value>().to_string()
}
