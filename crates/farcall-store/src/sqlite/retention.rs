//! What may go, and what has to stay.

use farcall_core::{clock::Timestamp, id::JobId};
use sqlx::{Row, SqliteConnection, SqlitePool};

use super::{row, writer::Write};
use crate::{Needed, StoreError, moment::Moment};

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

pub(super) struct Delete {
    /// A list of jobs as JSON.
    pub(super) ids: String,
}

impl Write for Delete {
    type Answer = u64;
    const NAME: &'static str = "delete";

    fn is_vital(&self) -> bool {
        true
    }

    async fn run(&self, connection: &mut SqliteConnection, at: Moment) -> Result<u64, StoreError> {
        let deleted = sqlx::query(DELETE)
            .bind(&self.ids)
            .bind(at.now.0)
            .execute(connection)
            .await?;
        Ok(deleted.rows_affected())
    }
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
