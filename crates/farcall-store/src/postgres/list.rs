//! What operators look at: many jobs, and one from close by.

use std::time::Duration;

use farcall_core::{id::JobId, job::state::JobState};
use sqlx::{Connection, Postgres, QueryBuilder, Row};

use super::{
    pool::Pool,
    row::{self, AFTER_RECORD, at_one_moment, number, record_columns},
};
use crate::{Details, JobRecord, Listed, StoreError, Tally, text};

const LIST: &str = concat!(
    at_one_moment!(),
    "SELECT ",
    record_columns!(),
    " FROM jobs, clock WHERE (expires_at IS NULL OR expires_at > now)"
);

/// Only the conditions that there are, so that the indexes for them are used.
fn query(listed: &Listed) -> QueryBuilder<Postgres> {
    let mut query = QueryBuilder::new(LIST);
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
        query
            .push(" AND starts_with(id, ")
            .push_bind(prefix.clone());
        // No digit of an id is beyond an `f`. For the index; how the database sorts other
        // characters is its own affair.
        query.push(") AND id >= ").push_bind(prefix.clone());
        query.push(" AND id < ").push_bind(format!("{prefix}g"));
    }
    if let Some(before) = listed.before {
        query.push(" AND sequence < (SELECT sequence FROM jobs WHERE id = ");
        query.push_bind(before.to_string()).push(")");
    }
    query.push(" ORDER BY sequence DESC LIMIT ");
    query.push_bind(i64::from(listed.limit));
    query
}

pub(super) async fn list(pool: &Pool, listed: Listed) -> Result<Vec<JobRecord>, StoreError> {
    let names = [&listed.job, &listed.owner, &listed.id_prefix];
    if text::refuse_nul(names.into_iter().flatten().map(String::as_str)).is_err() {
        return Ok(Vec::new());
    }
    pool.run(async |connection| {
        let rows = query(&listed).build().fetch_all(connection).await?;
        rows.iter().map(row::record).collect()
    })
    .await
}

// Each number by an index of its own; what has not expired and is over has either succeeded or failed.
const TALLY: &str = concat!(
    at_one_moment!(),
    "SELECT (SELECT count(*) FROM jobs WHERE state = 'queued'),
            (SELECT count(*) FROM jobs WHERE state = 'running'),
            (SELECT count(*) FROM jobs WHERE expires_at > now),
            (SELECT count(*) FROM jobs WHERE state = 'failed' AND expires_at > now),
            (SELECT min(run_at) FROM jobs WHERE state = 'queued'), now
     FROM clock"
);

pub(super) async fn tally(pool: &Pool) -> Result<Tally, StoreError> {
    pool.run(async |connection| {
        let row = sqlx::query(TALLY).fetch_one(connection).await?;
        let (over, failed): (u64, u64) = (number(&row, 2)?, number(&row, 3)?);
        let (oldest, now): (Option<i64>, i64) = (row.try_get(4)?, row.try_get(5)?);
        // No time at all for what may not begin yet.
        let waited = |since| now.saturating_sub(since).max(0).unsigned_abs();
        Ok(Tally {
            queued: number(&row, 0)?,
            running: number(&row, 1)?,
            succeeded: over.saturating_sub(failed),
            failed,
            oldest_queued: oldest.map(|since| Duration::from_millis(waited(since))),
        })
    })
    .await
}

const DETAILS: &str = concat!(
    at_one_moment!(),
    "SELECT ",
    record_columns!(),
    ", sequence, epoch, restarts,
       (SELECT checkpoints.stage FROM checkpoints WHERE checkpoints.job = sequence),
       (SELECT coalesce(max(line), 0) FROM log_lines WHERE log_lines.job = sequence)
     FROM jobs, clock WHERE id = $1 AND (expires_at IS NULL OR expires_at > now)"
);

const ARTIFACTS: &str = "
    SELECT name, media_type, size, sha256, location
    FROM artifacts WHERE job = $1 ORDER BY position";

pub(super) async fn details(pool: &Pool, id: JobId) -> Result<Option<Details>, StoreError> {
    pool.run(async |connection| {
        // So that both statements see the same moment.
        let mut moment = connection
            .begin_with("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
            .await?;
        let row = sqlx::query(DETAILS)
            .bind(id.to_string())
            .fetch_optional(&mut *moment)
            .await?;
        let Some(row) = row else { return Ok(None) };
        let artifacts = sqlx::query(ARTIFACTS)
            .bind(row.try_get::<i64, _>(AFTER_RECORD)?)
            .fetch_all(&mut *moment)
            .await?;
        moment.commit().await?;
        let record = row::record(&row)?;
        // Those of a failed job are gone, or on their way.
        let is_there = record.state != JobState::Failed;
        let artifacts = artifacts.iter().filter(|_| is_there).map(row::artifact);
        let checkpoint: Option<i64> = row.try_get(AFTER_RECORD + 3)?;
        Ok(Some(Details {
            record,
            epoch: row.try_get(AFTER_RECORD + 1)?,
            restarts: number(&row, AFTER_RECORD + 2)?,
            checkpoint: checkpoint.and_then(|stage| stage.try_into().ok()),
            artifacts: artifacts.collect::<Result<_, _>>()?,
            last_line: number(&row, AFTER_RECORD + 4)?,
        }))
    })
    .await
}

#[cfg(all(test, feature = "postgres-tests"))]
mod tests {
    use super::*;
    use crate::{
        JobStore as _,
        postgres::plans::{all_use_indexes, plan, store},
    };

    #[tokio::test]
    async fn jobs_are_counted_by_indexes() {
        let store = store().await;
        let plan = store
            .durable
            .run(async |connection| Ok(plan(connection, TALLY).await))
            .await
            .unwrap();
        store.close().await;
        assert!(!plan.contains("Seq Scan on jobs"), "{plan}");
        let words = plan.split_whitespace();
        let mut indexes: Vec<_> = words.filter(|word| word.starts_with("jobs_")).collect();
        // By these names the server calls the table itself, where it is read more than once.
        indexes.retain(|word| word.trim_start_matches("jobs_").parse::<u8>().is_err());
        indexes.sort_unstable();
        let expected = [
            "jobs_expiry",
            "jobs_failed",
            "jobs_queued",
            "jobs_queued",
            "jobs_running_by_name",
        ];
        assert_eq!(indexes, expected, "{plan}");
    }

    #[tokio::test]
    async fn what_runs_and_what_begins_with_some_digits_is_found_by_an_index() {
        let all = Listed {
            limit: 20,
            ..Listed::default()
        };
        let running = query(&Listed {
            state: Some(JobState::Running),
            ..all.clone()
        });
        let begins = query(&Listed {
            id_prefix: Some("ab12".to_owned()),
            ..all
        });
        let (running, begins) = (running.sql(), begins.sql());
        all_use_indexes(&[running.as_str(), begins.as_str(), DETAILS]).await;
    }
}
