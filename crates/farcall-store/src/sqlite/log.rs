//! The logs of jobs, bounded from their oldest line on.

use farcall_core::{clock::Timestamp, id::JobId};
use sqlx::{Row, SqliteConnection, SqlitePool, sqlite::SqliteRow};

use super::row::{self, signed};
use crate::{LogLine, LogPage, Reach, StoreError, limits};

// The lines are a JSON array. Says how many there are then.
const APPEND: &str = "
    INSERT INTO log_lines (job, line, at, text)
    SELECT ?1, coalesce((SELECT max(line) FROM log_lines WHERE job = ?1), 0) + 1 + key, ?2, value
    FROM json_each(?3) ORDER BY key;
    SELECT (SELECT max(line) FROM log_lines WHERE job = ?1)
         - (SELECT min(line) FROM log_lines WHERE job = ?1) + 1";

const TRIM_LINES: &str = "
    DELETE FROM log_lines
    WHERE job = ?1 AND line <= (SELECT max(line) FROM log_lines WHERE job = ?1) - ?2";

const BYTES: &str = "SELECT sum(octet_length(text)) FROM log_lines WHERE job = ?";

// From the oldest line to the one with which enough of them are gone.
const TRIM_BYTES: &str = "
    DELETE FROM log_lines
    WHERE job = ?1 AND line <= (
        SELECT line FROM (
            SELECT line, sum(octet_length(text)) OVER (ORDER BY line) AS bytes
            FROM log_lines WHERE job = ?1)
        WHERE bytes >= ?2 LIMIT 1)";

/// Adds lines to the log of the running job with this `sequence`.
pub(super) async fn append(
    connection: &mut SqliteConnection,
    now: Timestamp,
    sequence: i64,
    lines: &[String],
) -> Result<(), StoreError> {
    if lines.is_empty() {
        return Ok(());
    }
    let count: i64 = sqlx::query_scalar(APPEND)
        .bind(sequence)
        .bind(now.0)
        .bind(row::list(lines.iter().map(|line| limits::kept(line))))
        .fetch_one(&mut *connection)
        .await?;
    // Fewer lines fit however long they are.
    if count * i64::from(limits::MAX_LINE_BYTES) > i64::from(limits::MAX_LOG_BYTES) {
        trim(connection, sequence).await?;
    }
    Ok(())
}

async fn trim(connection: &mut SqliteConnection, sequence: i64) -> Result<(), StoreError> {
    sqlx::query(TRIM_LINES)
        .bind(sequence)
        .bind(limits::MAX_LINES)
        .execute(&mut *connection)
        .await?;
    let bytes: i64 = sqlx::query_scalar(BYTES)
        .bind(sequence)
        .fetch_one(&mut *connection)
        .await?;
    let too_many = bytes - i64::from(limits::MAX_LOG_BYTES);
    if too_many > 0 {
        sqlx::query(TRIM_BYTES)
            .bind(sequence)
            .bind(too_many)
            .execute(connection)
            .await?;
    }
    Ok(())
}

const JOB: &str = "
    SELECT sequence, state IN ('succeeded', 'failed'),
           (SELECT coalesce(max(line), 0) FROM log_lines WHERE job = sequence)
    FROM jobs
    WHERE id = ?1 AND (?2 IS NULL OR owner = ?2) AND (expires_at IS NULL OR expires_at > ?3)";

const LINES: &str =
    "SELECT line, at, text FROM log_lines WHERE job = ? AND line >= ? ORDER BY line LIMIT ?";

pub(super) async fn page(
    readers: &SqlitePool,
    now: Timestamp,
    id: JobId,
    reach: Reach<'_>,
    from: u64,
    lines: u32,
) -> Result<Option<LogPage>, StoreError> {
    // A transaction, so that both statements see the same moment.
    let mut moment = readers.begin().await?;
    let job = sqlx::query(JOB)
        .bind(id.to_string())
        .bind(reach.owner())
        .bind(now.0)
        .fetch_optional(&mut *moment)
        .await?;
    let Some(job) = job else { return Ok(None) };
    let rows = sqlx::query(LINES)
        .bind(job.try_get::<i64, _>(0)?)
        .bind(signed(from))
        .bind(lines)
        .fetch_all(&mut *moment)
        .await?;
    let lines = rows
        .iter()
        .map(line)
        .collect::<Result<Vec<_>, StoreError>>()?;
    let next = lines.last().map_or(from.max(1), |last| last.number + 1);
    let last: u64 = job.try_get(2)?;
    Ok(Some(LogPage {
        lines,
        next,
        is_over: job.try_get::<bool, _>(1)? && next > last,
    }))
}

fn line(row: &SqliteRow) -> Result<LogLine, StoreError> {
    Ok(LogLine {
        number: row.try_get(0)?,
        at: Timestamp(row.try_get(1)?),
        text: row.try_get(2)?,
    })
}
