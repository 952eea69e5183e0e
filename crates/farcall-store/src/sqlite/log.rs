//! The logs of jobs, bounded from their oldest line on.

use farcall_core::{clock::Timestamp, id::JobId};
use sqlx::{Row, SqliteConnection, SqlitePool, sqlite::SqliteRow};

use super::row::signed;
use crate::{LogLine, LogPage, Reach, StoreError, limits};

const APPEND: &str = "
    INSERT INTO log_lines (job, line, at, text)
    VALUES (?1, (SELECT coalesce(max(line), 0) + 1 FROM log_lines WHERE job = ?1), ?2, ?3)";

const TRIM: &str = "
    DELETE FROM log_lines WHERE job = ?1 AND line < (
        SELECT min(line) FROM (
            SELECT line, row_number() OVER newest AS lines,
                   sum(octet_length(text)) OVER newest AS bytes
            FROM log_lines WHERE job = ?1
            WINDOW newest AS (ORDER BY line DESC))
        WHERE lines <= ?2 AND bytes <= ?3)";

/// Adds lines to the log of the running job with this `sequence`.
pub(super) async fn append(
    transaction: &mut SqliteConnection,
    now: Timestamp,
    sequence: i64,
    lines: &[String],
) -> Result<(), StoreError> {
    if lines.is_empty() {
        return Ok(());
    }
    for line in lines {
        sqlx::query(APPEND)
            .bind(sequence)
            .bind(now.0)
            .bind(limits::kept(line))
            .execute(&mut *transaction)
            .await?;
    }
    sqlx::query(TRIM)
        .bind(sequence)
        .bind(limits::MAX_LINES)
        .bind(limits::MAX_LOG_BYTES)
        .execute(&mut *transaction)
        .await?;
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
