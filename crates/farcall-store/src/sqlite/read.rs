//! Everything that only looks.

use farcall_core::{artifact::Artifact, clock::Timestamp, id::JobId, job::state::JobState};
use sqlx::{Row, SqlitePool};

use super::{
    row::{self, record_columns},
    text,
};
use crate::{Fence, JobRecord, Outcome, PublishedArtifact, StoreError};

const RECORD: &str = concat!("SELECT ", record_columns!(), " FROM jobs WHERE id = ?");

pub(super) async fn record(
    readers: &SqlitePool,
    id: JobId,
) -> Result<Option<JobRecord>, StoreError> {
    let row = sqlx::query(RECORD)
        .bind(id.to_string())
        .fetch_optional(readers)
        .await?;
    row.as_ref().map(row::record).transpose()
}

const OUTCOME: &str = concat!(
    "SELECT ",
    record_columns!(),
    ", result, sequence FROM jobs WHERE id = ?"
);

const ARTIFACTS: &str = "
    SELECT name, media_type, size, sha256, location
    FROM artifacts WHERE job = ? AND state = 'published' ORDER BY position";

pub(super) async fn outcome(
    readers: &SqlitePool,
    id: JobId,
) -> Result<Option<Outcome>, StoreError> {
    // A transaction, so that both statements see the same moment.
    let mut moment = readers.begin().await?;
    let row = sqlx::query(OUTCOME)
        .bind(id.to_string())
        .fetch_optional(&mut *moment)
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
    let value: Option<&str> = row.try_get(16)?;
    let artifacts = sqlx::query(ARTIFACTS)
        .bind(row.try_get::<i64, _>(17)?)
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
    WHERE id = ?1 AND jobs.state = 'succeeded' AND artifacts.state = 'published'
      AND (?2 IS NULL OR name = ?2)
    ORDER BY position LIMIT 1";

pub(super) async fn published(
    readers: &SqlitePool,
    id: JobId,
    name: Option<&str>,
) -> Result<Option<PublishedArtifact>, StoreError> {
    let row = sqlx::query(PUBLISHED)
        .bind(id.to_string())
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

// Two selects, because each has an index of its own.
const UNFINISHED: &str = "
    SELECT sequence, id FROM jobs WHERE state = 'queued'
    UNION ALL
    SELECT sequence, id FROM jobs WHERE state = 'running'";

pub(super) async fn unfinished(readers: &SqlitePool) -> Result<Vec<JobId>, StoreError> {
    row::ids(&sqlx::query(UNFINISHED).fetch_all(readers).await?)
}

const LOCATIONS: &str = "
    SELECT location FROM artifacts JOIN jobs ON jobs.sequence = artifacts.job
    WHERE jobs.state <> 'failed'";

pub(super) async fn artifact_locations(readers: &SqlitePool) -> Result<Vec<String>, StoreError> {
    Ok(sqlx::query_scalar(LOCATIONS).fetch_all(readers).await?)
}

const PING: &str = "SELECT count(*) FROM (SELECT 1 FROM jobs LIMIT 1)";

pub(super) async fn ping(readers: &SqlitePool) -> Result<(), StoreError> {
    sqlx::query(PING).fetch_one(readers).await?;
    Ok(())
}
