//! Whether a worker still has its claim.

#[cfg(debug_assertions)]
use farcall_core::planted;
use sqlx::{SqliteConnection, sqlite::SqliteRow};

use crate::{Fence, StoreError};

/// The condition of every write of a worker: `?1` is its job, `?2` the [`epoch`] of its claim.
macro_rules! held {
    () => {
        "id = ?1 AND epoch = ?2 AND state = 'running'"
    };
}
pub(super) use held;

/// The job of a fence that holds.
const SEQUENCE: &str = concat!("SELECT sequence FROM jobs WHERE ", held!());

/// The sequence of the job of `fence`, for writes that begin with a look at it.
pub(super) async fn sequence(
    connection: &mut SqliteConnection,
    fence: Fence,
) -> Result<i64, StoreError> {
    let epoch = epoch(connection, fence).await?;
    sqlx::query_scalar(SEQUENCE)
        .bind(fence.id.to_string())
        .bind(epoch)
        .fetch_optional(connection)
        .await?
        .ok_or(StoreError::StaleClaim)
}

/// What to answer to a write under a fence that returned `rows`, one where the fence held.
pub(super) fn held_by(rows: &[SqliteRow]) -> Result<(), StoreError> {
    if rows.is_empty() {
        return Err(StoreError::StaleClaim);
    }
    Ok(())
}

/// The epoch that the job must be in.
#[cfg(not(debug_assertions))]
pub(super) async fn epoch(_: &mut SqliteConnection, fence: Fence) -> Result<i64, StoreError> {
    Ok(fence.epoch)
}

/// The same; and the planted bug, that whoever writes to a job has its claim.
#[cfg(debug_assertions)]
pub(super) async fn epoch(
    connection: &mut SqliteConnection,
    fence: Fence,
) -> Result<i64, StoreError> {
    if !planted!("no-fence") {
        return Ok(fence.epoch);
    }
    let found = sqlx::query_scalar("SELECT epoch FROM jobs WHERE id = ?")
        .bind(fence.id.to_string())
        .fetch_optional(connection)
        .await?;
    Ok(found.unwrap_or(fence.epoch))
}
