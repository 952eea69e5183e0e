//! What operators look at: many jobs, and one from close by.

use std::time::Duration;

use farcall_core::{clock::Timestamp, id::JobId, job::state::JobState};
use sqlx::{QueryBuilder, Row, Sqlite, SqlitePool};

use super::row::{self, AFTER_RECORD, record_columns};
use crate::{Details, JobRecord, Listed, StoreError, Tally};

const LIST: &str = concat!(
    "SELECT ",
    record_columns!(),
    " FROM jobs WHERE (expires_at IS NULL OR expires_at > "
);

/// Only the conditions that there are, so that the indexes for them are used.
fn query(now: Timestamp, listed: &Listed) -> QueryBuilder<Sqlite> {
    let mut query = QueryBuilder::new(LIST);
    query.push_bind(now.0).push(")");
    if let Some(state) = listed.state {
        // Written out: the indexes are of the jobs in one state.
        query.push(" AND state = '").push(state.as_str()).push("'");
    }
    if let Some(job) = &listed.job {
        query.push(" AND job = ").push_bind(job.clone());
    }
    if let Some(owner) = &listed.owner {
        query.push(" AND owner = ").push_bind(owner.clone());
    }
    if let Some(prefix) = &listed.id_prefix {
        // No digit of an id is beyond an `f`.
        query.push(" AND id >= ").push_bind(prefix.clone());
        query.push(" AND id < ").push_bind(format!("{prefix}g"));
    }
    if let Some(before) = listed.before {
        query.push(" AND sequence < (SELECT sequence FROM jobs WHERE id = ");
        query.push_bind(before.to_string()).push(")");
    }
    // What is not over is few among many, and quicker sorted than met on the way through all.
    let is_open = listed.state.is_some_and(|state| !state.is_terminal());
    query.push(if is_open {
        " ORDER BY +sequence DESC LIMIT "
    } else {
        " ORDER BY sequence DESC LIMIT "
    });
    query.push_bind(listed.limit);
    query
}

pub(super) async fn list(
    readers: &SqlitePool,
    now: Timestamp,
    listed: Listed,
) -> Result<Vec<JobRecord>, StoreError> {
    let rows = query(now, &listed).build().fetch_all(readers).await?;
    rows.iter().map(|row| row::record(row, now)).collect()
}

// Each number by an index of its own; what has not expired and is over has either succeeded or failed.
const TALLY: &str = "
    SELECT (SELECT count(*) FROM jobs WHERE state = 'queued'),
           (SELECT count(*) FROM jobs WHERE state = 'running'),
           (SELECT count(*) FROM jobs WHERE expires_at > ?1),
           (SELECT count(*) FROM jobs WHERE state = 'failed' AND expires_at > ?1),
           (SELECT min(run_at) FROM jobs WHERE state = 'queued')";

pub(super) async fn tally(readers: &SqlitePool, now: Timestamp) -> Result<Tally, StoreError> {
    let row = sqlx::query(TALLY).bind(now.0).fetch_one(readers).await?;
    let (over, failed): (u64, u64) = (row.try_get(2)?, row.try_get(3)?);
    let oldest: Option<i64> = row.try_get(4)?;
    Ok(Tally {
        queued: row.try_get(0)?,
        running: row.try_get(1)?,
        succeeded: over.saturating_sub(failed),
        failed,
        oldest_queued: oldest.map(|since| waited(now, since)),
    })
}

/// No time at all for what may not begin yet.
fn waited(now: Timestamp, since: i64) -> Duration {
    Duration::from_millis(now.0.saturating_sub(since).max(0).unsigned_abs())
}

const DETAILS: &str = concat!(
    "SELECT ",
    record_columns!(),
    ", sequence, epoch, restarts, (SELECT stage FROM checkpoints WHERE job = sequence),
       (SELECT coalesce(max(line), 0) FROM log_lines WHERE job = sequence)
     FROM jobs WHERE id = ? AND (expires_at IS NULL OR expires_at > ?)"
);

const ARTIFACTS: &str = "
    SELECT name, media_type, size, sha256, location
    FROM artifacts WHERE job = ? ORDER BY position";

pub(super) async fn details(
    readers: &SqlitePool,
    now: Timestamp,
    id: JobId,
) -> Result<Option<Details>, StoreError> {
    // A transaction, so that both statements see the same moment.
    let mut moment = readers.begin().await?;
    let row = sqlx::query(DETAILS)
        .bind(id.to_string())
        .bind(now.0)
        .fetch_optional(&mut *moment)
        .await?;
    let Some(row) = row else { return Ok(None) };
    let artifacts = sqlx::query(ARTIFACTS)
        .bind(row.try_get::<i64, _>(AFTER_RECORD)?)
        .fetch_all(&mut *moment)
        .await?;
    let record = row::record(&row, now)?;
    // Those of a failed job are gone, or on their way.
    let is_there = record.state != JobState::Failed;
    let artifacts = artifacts.iter().filter(|_| is_there).map(row::artifact);
    Ok(Some(Details {
        record,
        epoch: row.try_get(AFTER_RECORD + 1)?,
        restarts: row.try_get(AFTER_RECORD + 2)?,
        checkpoint: row.try_get(AFTER_RECORD + 3)?,
        artifacts: artifacts.collect::<Result<_, _>>()?,
        last_line: row.try_get(AFTER_RECORD + 4)?,
    }))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use farcall_core::clock::SystemClock;
    use sqlx::AssertSqlSafe;

    use super::*;
    use crate::SqliteStore;

    #[tokio::test]
    async fn jobs_are_counted_by_indexes() {
        let folder = tempfile::tempdir().unwrap();
        let store = SqliteStore::open(folder.path(), Arc::new(SystemClock))
            .await
            .unwrap();
        let explain = AssertSqlSafe(format!("EXPLAIN QUERY PLAN {TALLY}"));
        let plan: Vec<(i64, i64, i64, String)> = sqlx::query_as(explain)
            .fetch_all(&store.readers)
            .await
            .unwrap();
        let reads = plan.iter().filter(|step| step.3.contains(" jobs"));
        let reads: Vec<_> = reads.map(|step| step.3.as_str()).collect();
        assert_eq!(reads.len(), 5, "{plan:?}");
        assert!(reads.iter().all(|read| read.contains("INDEX")), "{plan:?}");
    }

    #[tokio::test]
    async fn what_is_not_over_and_what_begins_with_some_digits_is_found_by_an_index() {
        let folder = tempfile::tempdir().unwrap();
        let store = SqliteStore::open(folder.path(), Arc::new(SystemClock))
            .await
            .unwrap();
        let all = Listed {
            limit: 20,
            ..Listed::default()
        };
        let in_state = |state| Listed {
            state: Some(state),
            ..all.clone()
        };
        let begins = Listed {
            id_prefix: Some("ab12".to_owned()),
            ..all.clone()
        };
        let (running, queued) = (in_state(JobState::Running), in_state(JobState::Queued));
        for listed in [running, queued, begins] {
            let statement = query(Timestamp(0), &listed);
            let explain = AssertSqlSafe(format!("EXPLAIN QUERY PLAN {}", statement.sql().as_str()));
            let plan: Vec<(i64, i64, i64, String)> = sqlx::query_as(explain)
                .fetch_all(&store.readers)
                .await
                .unwrap();
            assert!(plan[0].3.contains("USING INDEX"), "{listed:?}: {plan:?}");
        }
    }
}
