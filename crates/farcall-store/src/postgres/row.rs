//! Rows to records and back.

use farcall_core::{
    artifact::Artifact, clock::Timestamp, id::JobId, job::state::JobState, problem::ErrorCode,
};
use sqlx::{Row, postgres::PgRow};

pub(super) use crate::job::written::{duration, id, signed, unreadable, worker_id};
use crate::{JobError, JobRecord, StoreError};

/// What statements begin with that need the time: one moment, however many rows they touch.
macro_rules! at_one_moment {
    () => {
        "WITH clock AS (SELECT farcall_now() AS now) "
    };
}
pub(super) use at_one_moment;

/// The columns of `record`, in its order; `clock` has to be there.
macro_rules! record_columns {
    () => {
        "id, owner, job, state, stage, total_stages, message, progress, error_code,
         error_message, attempt, losses, counted_losses, priority, worker, is_asking,
         cancel_requested_at IS NOT NULL, keep_ms, created_at, updated_at, run_at, started_at,
         finished_at, expires_at, now"
    };
}
pub(super) use record_columns;

/// How many [`record_columns`] there are: the index of the first column after them.
pub(super) const AFTER_RECORD: usize = 25;

/// A record from a row that begins with [`record_columns`].
pub(super) fn record(row: &PgRow) -> Result<JobRecord, StoreError> {
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
        stage: number(row, 4)?,
        total_stages: number(row, 5)?,
        message: row.try_get(6)?,
        progress: row.try_get(7)?,
        error,
        attempt: number(row, 10)?,
        losses: number(row, 11)?,
        counted_losses: number(row, 12)?,
        priority: number(row, 13)?,
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
        read_at: Timestamp(row.try_get(24)?),
    })
}

/// An artifact from a row that begins with `name, media_type, size, sha256, location`.
pub(super) fn artifact(row: &PgRow) -> Result<Artifact, StoreError> {
    Ok(Artifact::new(
        row.try_get::<String, _>(0)?,
        row.try_get::<String, _>(1)?,
        number(row, 2)?,
        row.try_get::<String, _>(3)?,
        row.try_get::<String, _>(4)?,
    ))
}

/// The number in a column, as whatever it was before; PostgreSQL has signed ones only.
pub(super) fn number<T: TryFrom<i64>>(row: &PgRow, column: usize) -> Result<T, StoreError> {
    let value: i64 = row.try_get(column)?;
    T::try_from(value).map_err(|_| unreadable("number of this column", &value.to_string()))
}

/// The ids of rows that begin with `sequence, id`, oldest first: `RETURNING` keeps no order.
pub(super) fn ids(rows: &[PgRow]) -> Result<Vec<JobId>, StoreError> {
    let mut found = rows
        .iter()
        .map(|row| Ok((row.try_get::<i64, _>(0)?, id(row.try_get(1)?)?)))
        .collect::<Result<Vec<_>, StoreError>>()?;
    found.sort_unstable();
    Ok(found.into_iter().map(|(_, id)| id).collect())
}

/// Names or ids as an array.
pub(super) fn list<T: ToString>(items: impl IntoIterator<Item = T>) -> Vec<String> {
    items.into_iter().map(|item| item.to_string()).collect()
}
