//! Everything that only looks at records and files.

use farcall_core::{artifact::Artifact, clock::Timestamp, id::JobId, job::state::JobState};
use sqlx::Row;

use super::{
    pool::Pool,
    row::{self, AFTER_RECORD, at_one_moment, record_columns},
};
use crate::{Fence, JobRecord, Outcome, PublishedArtifact, Reach, StoreError, text};

// Owner and expiry are judged here, in the one statement that every reader makes: a job out of
// reach takes the same way, and the same time, as one that never was.
macro_rules! record_of {
    ($more:literal) => {
        concat!(
            at_one_moment!(),
            "SELECT ",
            record_columns!(),
            $more,
            " FROM jobs, clock
              WHERE id = $1 AND ($2::text IS NULL OR owner = $2)
                AND (expires_at IS NULL OR expires_at > now)"
        )
    };
}

const RECORD: &str = record_of!("");

pub(super) async fn record(
    pool: &Pool,
    id: JobId,
    reach: Reach<'_>,
) -> Result<Option<JobRecord>, StoreError> {
    pool.run(async |connection| {
        let record = sqlx::query(RECORD).bind(id.to_string()).bind(reach.owner());
        let row = record.fetch_optional(connection).await?;
        row.as_ref().map(row::record).transpose()
    })
    .await
}

const RECORDS: &str = concat!(
    at_one_moment!(),
    "SELECT ",
    record_columns!(),
    " FROM jobs, clock WHERE id = ANY($1) AND (expires_at IS NULL OR expires_at > now)"
);

pub(super) async fn records(pool: &Pool, ids: &[JobId]) -> Result<Vec<JobRecord>, StoreError> {
    pool.run(async |connection| {
        let records = sqlx::query(RECORDS).bind(row::list(ids));
        let rows = records.fetch_all(connection).await?;
        rows.iter().map(row::record).collect()
    })
    .await
}

const OUTCOME: &str = record_of!(", result::text, sequence");

const ARTIFACTS: &str = "
    SELECT name, media_type, size, sha256, location
    FROM artifacts WHERE job = $1 AND state = 'published' ORDER BY position";

pub(super) async fn outcome(
    pool: &Pool,
    id: JobId,
    reach: Reach<'_>,
) -> Result<Option<Outcome>, StoreError> {
    pool.run(async |connection| {
        let row = sqlx::query(OUTCOME)
            .bind(id.to_string())
            .bind(reach.owner())
            .fetch_optional(&mut *connection)
            .await?;
        let Some(row) = row else { return Ok(None) };
        let record = row::record(&row)?;
        if record.state != JobState::Succeeded {
            return Ok(Some(Outcome {
                record,
                value: None,
                artifacts: Vec::new(),
            }));
        }
        let value: Option<&str> = row.try_get(AFTER_RECORD)?;
        // What is published never changes, so this needs not be the same moment.
        let artifacts = sqlx::query(ARTIFACTS)
            .bind(row.try_get::<i64, _>(AFTER_RECORD + 1)?)
            .fetch_all(connection)
            .await?;
        Ok(Some(Outcome {
            record,
            value: value.map(|text| text::read(text, "result")).transpose()?,
            artifacts: artifacts
                .iter()
                .map(row::artifact)
                .collect::<Result<_, _>>()?,
        }))
    })
    .await
}

const PUBLISHED: &str = "
    SELECT name, media_type, size, sha256, location, owner, expires_at
    FROM jobs JOIN artifacts ON artifacts.job = jobs.sequence
    WHERE id = $1 AND ($2::text IS NULL OR owner = $2) AND expires_at > (SELECT farcall_now())
      AND jobs.state = 'succeeded' AND artifacts.state = 'published'
      AND ($3::text IS NULL OR name = $3)
    ORDER BY position LIMIT 1";

pub(super) async fn published(
    pool: &Pool,
    id: JobId,
    reach: Reach<'_>,
    name: Option<&str>,
) -> Result<Option<PublishedArtifact>, StoreError> {
    if text::refuse_nul(name).is_err() {
        return Ok(None);
    }
    pool.run(async |connection| {
        let published = sqlx::query(PUBLISHED).bind(id.to_string());
        let published = published.bind(reach.owner()).bind(name);
        let row = published.fetch_optional(connection).await?;
        row.map(|row| {
            Ok(PublishedArtifact {
                owner: row.try_get(5)?,
                expires_at: row.try_get::<Option<_>, _>(6)?.map(Timestamp),
                artifact: row::artifact(&row)?,
            })
        })
        .transpose()
    })
    .await
}

const STAGED: &str = "
    SELECT name, media_type, artifacts.size, sha256, location
    FROM jobs JOIN artifacts ON artifacts.job = jobs.sequence
    WHERE id = $1 AND jobs.epoch = $2 AND jobs.state = 'running' AND artifacts.state = 'staged'
    ORDER BY position";

pub(super) async fn staged(pool: &Pool, fence: Fence) -> Result<Vec<Artifact>, StoreError> {
    pool.run(async |connection| {
        let staged = sqlx::query(STAGED).bind(fence.id.to_string());
        let rows = staged.bind(fence.epoch).fetch_all(connection).await?;
        rows.iter().map(row::artifact).collect()
    })
    .await
}

const PING: &str = "SELECT count(*) FROM (SELECT 1 FROM jobs LIMIT 1) AS jobs";

pub(super) async fn ping(pool: &Pool) -> Result<(), StoreError> {
    pool.run(async |connection| {
        sqlx::query(PING).fetch_one(connection).await?;
        Ok(())
    })
    .await
}

#[cfg(all(test, feature = "postgres-tests"))]
mod tests {
    use super::*;
    use crate::postgres::plans::all_use_indexes;

    #[tokio::test]
    async fn polls_read_by_the_index_of_ids() {
        all_use_indexes(&[RECORD, RECORDS, OUTCOME, PUBLISHED, STAGED]).await;
    }
}
