//! The files of a running job.

use farcall_core::artifact::Artifact;
use sqlx::SqliteConnection;

use super::{fence::held, row::signed};
use crate::{Fence, StoreError, text};

// A later artifact of the same name takes the place of the earlier one, in its position.
const STAGE: &str = concat!(
    "INSERT INTO artifacts
         (job, position, name, epoch, size, sha256, media_type, location, state)
     SELECT
         sequence, (SELECT coalesce(max(position) + 1, 0) FROM artifacts WHERE job = sequence),
         ?3, ?2, ?4, ?5, ?6, ?7, 'staged'
     FROM jobs WHERE ",
    held!(),
    " ON CONFLICT (job, name) DO UPDATE SET
         epoch = excluded.epoch, size = excluded.size, sha256 = excluded.sha256,
         media_type = excluded.media_type, location = excluded.location"
);

/// Adds `artifacts` to the job of `fence`, and nothing where that is stale.
pub(super) async fn stage(
    connection: &mut SqliteConnection,
    fence: Fence,
    artifacts: &[Artifact],
) -> Result<(), StoreError> {
    for artifact in artifacts {
        text::refuse_nul([
            artifact.name.as_str(),
            &artifact.media_type,
            &artifact.location,
        ])?;
        sqlx::query(STAGE)
            .bind(fence.id.to_string())
            .bind(fence.epoch)
            .bind(&artifact.name)
            .bind(signed(artifact.size))
            .bind(&artifact.sha256)
            .bind(&artifact.media_type)
            .bind(&artifact.location)
            .execute(&mut *connection)
            .await?;
    }
    Ok(())
}
