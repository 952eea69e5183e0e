//! What may go, and what has to stay.

use farcall_core::{clock::Timestamp, id::JobId};
use sqlx::{Row, SqlitePool};

use super::{
    row,
    writer::{Writer, commit},
};
use crate::{Needed, StoreError};

const EXPIRED: &str =
    "SELECT id FROM jobs WHERE expires_at <= ? ORDER BY expires_at, sequence LIMIT ?";

pub(super) async fn expired(
    readers: &SqlitePool,
    now: Timestamp,
    limit: u32,
) -> Result<Vec<JobId>, StoreError> {
    let ids: Vec<String> = sqlx::query_scalar(EXPIRED)
        .bind(now.0)
        .bind(limit)
        .fetch_all(readers)
        .await?;
    ids.iter().map(|id| row::id(id)).collect()
}

const DELETE: &str = "
    DELETE FROM jobs WHERE id IN (SELECT value FROM json_each(?)) AND expires_at <= ?";

pub(super) async fn delete(
    writer: &Writer,
    now: Timestamp,
    ids: &[JobId],
) -> Result<u64, StoreError> {
    let mut transaction = writer.transaction().await?;
    let deleted = sqlx::query(DELETE)
        .bind(row::list(ids))
        .bind(now.0)
        .execute(&mut *transaction)
        .await?;
    commit!(transaction, "delete");
    Ok(deleted.rows_affected())
}

const NEEDED: &str = "
    SELECT id, state IN ('succeeded', 'failed'), epoch,
           (SELECT json_group_array(location) FROM artifacts
            WHERE artifacts.job = sequence AND jobs.state <> 'failed')
    FROM jobs WHERE id IN (SELECT value FROM json_each(?)) ORDER BY sequence";

pub(super) async fn needed(readers: &SqlitePool, ids: &[JobId]) -> Result<Vec<Needed>, StoreError> {
    let rows = sqlx::query(NEEDED)
        .bind(row::list(ids))
        .fetch_all(readers)
        .await?;
    rows.iter()
        .map(|row| {
            let locations = serde_json::from_str(row.try_get(3)?);
            Ok(Needed {
                id: row::id(row.try_get(0)?)?,
                is_over: row.try_get(1)?,
                epoch: row.try_get(2)?,
                locations: locations.map_err(|error| StoreError::Corrupt {
                    what: format!("locations of artifacts: {error}"),
                })?,
            })
        })
        .collect()
}
