//! The files of a running job.

use farcall_core::artifact::Artifact;
use sqlx::PgConnection;

use super::row::signed;
use crate::StoreError;

// A later artifact of the same name takes the place of the earlier one, in its position.
const STAGE: &str = "
    INSERT INTO artifacts
        (job, position, name, epoch, size, sha256, media_type, location, state)
    VALUES
        ($1, (SELECT coalesce(max(position) + 1, 0) FROM artifacts WHERE job = $1),
         $2, $3, $4, $5, $6, $7, 'staged')
    ON CONFLICT (job, name) DO UPDATE SET
        epoch = excluded.epoch, size = excluded.size, sha256 = excluded.sha256,
        media_type = excluded.media_type, location = excluded.location";

/// Adds `artifacts` to the job with this `sequence`, made under the claim `epoch`.
pub(super) async fn stage(
    transaction: &mut PgConnection,
    sequence: i64,
    epoch: i64,
    artifacts: Vec<Artifact>,
) -> Result<(), StoreError> {
    for artifact in artifacts {
        sqlx::query(STAGE)
            .bind(sequence)
            .bind(artifact.name)
            .bind(epoch)
            .bind(signed(artifact.size))
            .bind(artifact.sha256)
            .bind(artifact.media_type)
            .bind(artifact.location)
            .execute(&mut *transaction)
            .await?;
    }
    Ok(())
}
