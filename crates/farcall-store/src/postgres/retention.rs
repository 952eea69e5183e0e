//! What may go, and what has to stay.

use farcall_core::id::JobId;
use sqlx::Row;

use super::{
    pool::{Pool, alone},
    row,
};
use crate::{Needed, StoreError};

const EXPIRED: &str = "
    SELECT id FROM jobs WHERE expires_at <= (SELECT farcall_now())
    ORDER BY expires_at, sequence LIMIT $1";

pub(super) async fn expired(pool: &Pool, limit: u32) -> Result<Vec<JobId>, StoreError> {
    let ids: Vec<String> = pool
        .run(async |connection| {
            let expired = sqlx::query_scalar(EXPIRED).bind(i64::from(limit));
            Ok(expired.fetch_all(connection).await?)
        })
        .await?;
    ids.iter().map(|id| row::id(id)).collect()
}

const DELETE: &str = "DELETE FROM jobs WHERE id = ANY($1) AND expires_at <= (SELECT farcall_now())";

pub(super) async fn delete(pool: &Pool, ids: &[JobId]) -> Result<u64, StoreError> {
    pool.run(async |connection| {
        let delete = sqlx::query(DELETE).bind(row::list(ids));
        let deleted = alone!(delete.execute(connection), "delete");
        Ok(deleted.rows_affected())
    })
    .await
}

const NEEDED: &str = "
    SELECT id, state IN ('succeeded', 'failed'), epoch,
           ARRAY(SELECT location FROM artifacts
                 WHERE artifacts.job = sequence AND jobs.state <> 'failed')
    FROM jobs WHERE id = ANY($1) ORDER BY sequence";

pub(super) async fn needed(pool: &Pool, ids: &[JobId]) -> Result<Vec<Needed>, StoreError> {
    let rows = pool
        .run(async |connection| {
            let needed = sqlx::query(NEEDED).bind(row::list(ids));
            Ok(needed.fetch_all(connection).await?)
        })
        .await?;
    rows.iter()
        .map(|row| {
            Ok(Needed {
                id: row::id(row.try_get(0)?)?,
                is_over: row.try_get(1)?,
                epoch: row.try_get(2)?,
                locations: row.try_get(3)?,
            })
        })
        .collect()
}

#[cfg(all(test, feature = "postgres-tests"))]
mod tests {
    use super::*;
    use crate::postgres::plans::all_use_indexes;

    #[tokio::test]
    async fn what_has_expired_is_found_by_an_index() {
        all_use_indexes(&[EXPIRED, DELETE, NEEDED]).await;
    }
}
