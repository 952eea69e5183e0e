//! Asks the store again where its failure may pass: a disk that was slow for a while must not end
//! a job that has worked for hours.

use std::time::Duration;

use farcall_store::StoreError;
use tokio_util::sync::CancellationToken;

/// How soon the store is asked again.
const PAUSE: Duration = Duration::from_secs(2);

/// How often it is asked in all.
const TIMES: u32 = 15;

/// Does `write` until it works, or fails for a reason that stays, or `stop`.
///
/// # Errors
/// What the store said last.
pub(crate) async fn insist<T, W>(
    stop: &CancellationToken,
    mut write: impl FnMut() -> W,
) -> Result<T, StoreError>
where
    W: Future<Output = Result<T, StoreError>>,
{
    for _ in 1..TIMES {
        match write().await {
            Err(StoreError::Database(error) | StoreError::Unavailable(error)) => {
                tracing::warn!(%error, "the store fails, it is asked again");
            }
            done => return done,
        }
        tokio::select! {
            () = tokio::time::sleep(PAUSE) => {}
            () = stop.cancelled() => break,
        }
    }
    write().await
}
