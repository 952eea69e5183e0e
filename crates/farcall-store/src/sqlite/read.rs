//! Everything that only looks at records and files.

use farcall_core::{artifact::Artifact, clock::Timestamp, id::JobId, job::state::JobState};
use serde_json::{Value, json};
use sqlx::{Row, SqlitePool};

use super::polls::Lookup;
use super::row::{self, AFTER_RECORD, record_columns};
use crate::{Fence, JobRecord, Outcome, PublishedArtifact, Reach, StoreError, text};

// Owner and expiry are judged here, in the one statement that every reader makes: a job out of
// reach takes the same way, and the same time, as one that never was.
macro_rules! record_of {
    ($more:literal) => {
        concat!(
            "SELECT ",
            record_columns!(),
            $more,
            " FROM jobs
              WHERE id = ?1 AND (?2 IS NULL OR owner = ?2)
                AND (expires_at IS NULL OR expires_at > ?3)"
        )
    };
}

const RECORD: &str = record_of!("");

pub(super) async fn record(
    readers: &SqlitePool,
    now: Timestamp,
    id: JobId,
    reach: Reach<'_>,
) -> Result<Option<JobRecord>, StoreError> {
    let row = sqlx::query(RECORD)
        .bind(id.to_string())
        .bind(reach.owner())
        .bind(now.0)
        .fetch_optional(readers)
        .await?;
    row.map(|row| row::record(&row, now)).transpose()
}

// The same for several at once. The order of the join is said, so that each is found by its id.
const EACH: &str = concat!(
    "WITH asked(place, wanted, of) AS MATERIALIZED (
         SELECT key, value ->> 0, value ->> 1 FROM json_each(?1))
     SELECT ",
    record_columns!(),
    ", place
     FROM asked CROSS JOIN jobs ON id = wanted AND (of IS NULL OR owner = of)
        AND (expires_at IS NULL OR expires_at > ?2)"
);

/// The records of these jobs, each where its owner is the one named beside it, in this order.
pub(super) async fn each(
    readers: &SqlitePool,
    now: Timestamp,
    lookups: &[Lookup],
) -> Result<Vec<Option<JobRecord>>, StoreError> {
    let lookups_as_json: Value = lookups
        .iter()
        .map(|(id, owner)| json!([id.to_string(), owner]))
        .collect();
    let rows = sqlx::query(EACH)
        .bind(lookups_as_json.to_string())
        .bind(now.0)
        .fetch_all(readers)
        .await?;
    let mut found = vec![None; lookups.len()];
    for row in &rows {
        let place: u32 = row.try_get(AFTER_RECORD)?;
        if let Some(found) = found.get_mut(place as usize) {
            *found = Some(row::record(row, now)?);
        }
    }
    Ok(found)
}

const RECORDS: &str = concat!(
    "SELECT ",
    record_columns!(),
    " FROM jobs WHERE id IN (SELECT value FROM json_each(?1))
        AND (expires_at IS NULL OR expires_at > ?2)"
);

pub(super) async fn records(
    readers: &SqlitePool,
    now: Timestamp,
    ids: &[JobId],
) -> Result<Vec<JobRecord>, StoreError> {
    let rows = sqlx::query(RECORDS)
        .bind(row::list(ids))
        .bind(now.0)
        .fetch_all(readers)
        .await?;
    rows.iter().map(|row| row::record(row, now)).collect()
}

const OUTCOME: &str = record_of!(", result, sequence");

const ARTIFACTS: &str = "
    SELECT name, media_type, size, sha256, location
    FROM artifacts WHERE job = ? AND state = 'published' ORDER BY position";

pub(super) async fn outcome(
    readers: &SqlitePool,
    now: Timestamp,
    id: JobId,
    reach: Reach<'_>,
) -> Result<Option<Outcome>, StoreError> {
    // A transaction, so that both statements see the same moment.
    let mut moment = readers.begin().await?;
    let row = sqlx::query(OUTCOME)
        .bind(id.to_string())
        .bind(reach.owner())
        .bind(now.0)
        .fetch_optional(&mut *moment)
        .await?;
    let Some(row) = row else { return Ok(None) };
    let record = row::record(&row, now)?;
    if record.state != JobState::Succeeded {
        return Ok(Some(Outcome {
            record,
            value: None,
            artifacts: Vec::new(),
        }));
    }
    let value: Option<&str> = row.try_get(AFTER_RECORD)?;
    let artifacts = sqlx::query(ARTIFACTS)
        .bind(row.try_get::<i64, _>(AFTER_RECORD + 1)?)
        .fetch_all(&mut *moment)
        .await?;
    Ok(Some(Outcome {
        record,
        value: value.map(|text| text::read(text, "result")).transpose()?,
        artifacts: artifacts
            .iter()
            .map(row::artifact)
            .collect::<Result<_, _>>()?,
    }))
}

const PUBLISHED: &str = "
    SELECT name, media_type, size, sha256, location, owner, expires_at
    FROM jobs JOIN artifacts ON artifacts.job = jobs.sequence
    WHERE id = ?1 AND (?2 IS NULL OR owner = ?2) AND expires_at > ?3
      AND jobs.state = 'succeeded' AND artifacts.state = 'published'
      AND (?4 IS NULL OR name = ?4)
    ORDER BY position LIMIT 1";

pub(super) async fn published(
    readers: &SqlitePool,
    now: Timestamp,
    id: JobId,
    reach: Reach<'_>,
    name: Option<&str>,
) -> Result<Option<PublishedArtifact>, StoreError> {
    let row = sqlx::query(PUBLISHED)
        .bind(id.to_string())
        .bind(reach.owner())
        .bind(now.0)
        .bind(name)
        .fetch_optional(readers)
        .await?;
    row.map(|row| {
        Ok(PublishedArtifact {
            owner: row.try_get(5)?,
            expires_at: row.try_get::<Option<_>, _>(6)?.map(Timestamp),
            artifact: row::artifact(&row)?,
        })
    })
    .transpose()
}

const STAGED: &str = "
    SELECT name, media_type, artifacts.size, sha256, location
    FROM jobs JOIN artifacts ON artifacts.job = jobs.sequence
    WHERE id = ? AND jobs.epoch = ? AND jobs.state = 'running' AND artifacts.state = 'staged'
    ORDER BY position";

pub(super) async fn staged(
    readers: &SqlitePool,
    fence: Fence,
) -> Result<Vec<Artifact>, StoreError> {
    let rows = sqlx::query(STAGED)
        .bind(fence.id.to_string())
        .bind(fence.epoch)
        .fetch_all(readers)
        .await?;
    rows.iter().map(row::artifact).collect()
}

const PING: &str = "SELECT count(*) FROM (SELECT 1 FROM jobs LIMIT 1)";

pub(super) async fn ping(readers: &SqlitePool) -> Result<(), StoreError> {
    sqlx::query(PING).fetch_one(readers).await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use farcall_core::clock::SystemClock;
    use sqlx::AssertSqlSafe;

    use super::*;
    use crate::SqliteStore;

    #[tokio::test]
    async fn polls_read_by_the_index_of_ids() {
        let folder = tempfile::tempdir().unwrap();
        let store = SqliteStore::open(folder.path(), Arc::new(SystemClock))
            .await
            .unwrap();
        for statement in [RECORD, EACH, OUTCOME, PUBLISHED, STAGED] {
            let explain = AssertSqlSafe(format!("EXPLAIN QUERY PLAN {statement}"));
            let plan: Vec<(i64, i64, i64, String)> = sqlx::query_as(explain)
                .fetch_all(&store.readers)
                .await
                .unwrap();
            let is_searched =
                |step: &(i64, i64, i64, String)| step.3.starts_with("SEARCH jobs USING INDEX");
            assert!(plan.iter().any(is_searched), "{plan:?}");
            // What was asked for is read through, and nothing that is kept.
            let mut scanned = plan.iter().filter_map(|step| step.3.strip_prefix("SCAN "));
            assert!(
                scanned.all(|what| what == "asked" || what.starts_with("json_each")),
                "{plan:?}"
            );
        }
    }
}
