//! Rows to records and back.

use farcall_core::{
    artifact::Artifact, clock::Timestamp, id::JobId, job::state::JobState, problem::ErrorCode,
};
use sqlx::{Row, SqliteConnection, sqlite::SqliteRow};

use crate::{Fence, JobError, JobRecord, StoreError};

/// The columns of `record`, in its order.
macro_rules! record_columns {
    () => {
        "id, owner, job, state, stage, total_stages, message, progress, error_code,
         error_message, attempt, losses, created_at, started_at, finished_at, expires_at"
    };
}
pub(super) use record_columns;

/// A record from a row that begins with [`record_columns`].
pub(super) fn record(row: &SqliteRow) -> Result<JobRecord, StoreError> {
    let error = match (row.try_get::<Option<&str>, _>(8)?, row.try_get(9)?) {
        (Some(code), Some(message)) => Some(JobError {
            code: ErrorCode::parse(code).ok_or_else(|| unreadable("error code", code))?,
            message,
        }),
        _ => None,
    };
    let state: &str = row.try_get(3)?;
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
        created_at: Timestamp(row.try_get(12)?),
        started_at: row.try_get::<Option<_>, _>(13)?.map(Timestamp),
        finished_at: row.try_get::<Option<_>, _>(14)?.map(Timestamp),
        expires_at: row.try_get::<Option<_>, _>(15)?.map(Timestamp),
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

/// The id that a column says.
pub(super) fn id(text: &str) -> Result<JobId, StoreError> {
    JobId::parse(text).map_err(|_| unreadable("job id", text))
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

/// The sequence of the job that runs under `fence`, or [`StoreError::StaleClaim`].
///
/// Within a transaction of the writer it stays true until the commit.
pub(super) async fn sequence_of(
    transaction: &mut SqliteConnection,
    fence: Fence,
) -> Result<i64, StoreError> {
    const HELD: &str = "SELECT sequence FROM jobs WHERE id = ? AND epoch = ? AND state = 'running'";
    sqlx::query_scalar(HELD)
        .bind(fence.id.to_string())
        .bind(fence.epoch)
        .fetch_optional(transaction)
        .await?
        .ok_or(StoreError::StaleClaim)
}

/// A size as SQLite counts; no file is larger than that.
pub(super) fn signed(size: u64) -> i64 {
    i64::try_from(size).unwrap_or(i64::MAX)
}

fn unreadable(what: &str, text: &str) -> StoreError {
    StoreError::Corrupt {
        what: format!("`{}` is no {what}", text.escape_debug()),
    }
}
