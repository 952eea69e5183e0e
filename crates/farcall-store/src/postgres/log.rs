//! The logs of jobs, bounded from their oldest line on.

use farcall_core::{clock::Timestamp, id::JobId};
use sqlx::{Connection, PgConnection, Row, postgres::PgRow};

use super::{
    pool::Pool,
    row::{number, signed},
};
use crate::{LogLine, LogPage, Reach, StoreError, limits};

const APPEND: &str = "
    INSERT INTO log_lines (job, line, at, text)
    SELECT $1, (SELECT coalesce(max(line), 0) FROM log_lines WHERE job = $1) + number, $2, text
    FROM unnest($3::text[]) WITH ORDINALITY AS fresh (text, number)
    ORDER BY number";

const TRIM: &str = "
    DELETE FROM log_lines WHERE job = $1 AND line < (
        SELECT min(line) FROM (
            SELECT line, row_number() OVER newest AS lines,
                   sum(octet_length(text)) OVER newest AS bytes
            FROM log_lines WHERE job = $1
            WINDOW newest AS (ORDER BY line DESC)) AS counted
        WHERE lines <= $2 AND bytes <= $3)";

/// Adds lines to the log of the running job with this `sequence`.
pub(super) async fn append(
    transaction: &mut PgConnection,
    now: Timestamp,
    sequence: i64,
    lines: &[String],
) -> Result<(), StoreError> {
    sqlx::query(APPEND)
        .bind(sequence)
        .bind(now.0)
        .bind(
            lines
                .iter()
                .map(|line| limits::kept(line))
                .collect::<Vec<_>>(),
        )
        .execute(&mut *transaction)
        .await?;
    sqlx::query(TRIM)
        .bind(sequence)
        .bind(i64::from(limits::MAX_LINES))
        .bind(i64::from(limits::MAX_LOG_BYTES))
        .execute(transaction)
        .await?;
    Ok(())
}

const JOB: &str = "
    SELECT sequence, state IN ('succeeded', 'failed'),
           (SELECT coalesce(max(line), 0) FROM log_lines WHERE log_lines.job = sequence)
    FROM jobs
    WHERE id = $1 AND ($2::text IS NULL OR owner = $2)
      AND (expires_at IS NULL OR expires_at > (SELECT farcall_now()))";

const LINES: &str =
    "SELECT line, at, text FROM log_lines WHERE job = $1 AND line >= $2 ORDER BY line LIMIT $3";

pub(super) async fn page(
    pool: &Pool,
    id: JobId,
    reach: Reach<'_>,
    from: u64,
    lines: u32,
) -> Result<Option<LogPage>, StoreError> {
    pool.run(async |connection| {
        // So that both statements see the same moment.
        let mut moment = connection
            .begin_with("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
            .await?;
        let job = sqlx::query(JOB)
            .bind(id.to_string())
            .bind(reach.owner())
            .fetch_optional(&mut *moment)
            .await?;
        let Some(job) = job else { return Ok(None) };
        let rows = sqlx::query(LINES)
            .bind(job.try_get::<i64, _>(0)?)
            .bind(signed(from))
            .bind(i64::from(lines))
            .fetch_all(&mut *moment)
            .await?;
        moment.commit().await?;
        let lines = rows
            .iter()
            .map(line)
            .collect::<Result<Vec<_>, StoreError>>()?;
        let next = lines.last().map_or(from.max(1), |last| last.number + 1);
        let last: u64 = number(&job, 2)?;
        Ok(Some(LogPage {
            lines,
            next,
            is_over: job.try_get::<bool, _>(1)? && next > last,
        }))
    })
    .await
}

fn line(row: &PgRow) -> Result<LogLine, StoreError> {
    Ok(LogLine {
        number: number(row, 0)?,
        at: Timestamp(row.try_get(1)?),
        text: row.try_get(2)?,
    })
}
