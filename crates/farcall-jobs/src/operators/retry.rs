//! A failed job once more, as a new one.
//!
//! A job that is over never changes, so the new one has an id of its own. Only a failed job is
//! started again: one that is not over will come to its end by itself, and one that has succeeded
//! has done what it should, perhaps with effects that nobody wants twice.

use farcall_core::{id::JobId, job::state::JobState};
use farcall_store::{JobRecord, JobStore, NewJob, Reach, StoreError};

/// The job is there and has not failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotFailed(pub JobState);

impl NotFailed {
    /// What is said of the job `id`.
    pub fn sentence(self, id: JobId) -> String {
        let is = match self.0 {
            JobState::Succeeded => "has succeeded",
            _ => "is not over",
        };
        format!("the job `{id}` {is}: only a failed one is started again")
    }
}

/// Starts the job `id` again, under the id `fresh`, and returns that one; `None` where there is no such
/// job.
///
/// # Errors
/// What the store says.
pub async fn retry(
    store: &dyn JobStore,
    id: JobId,
    fresh: JobId,
) -> Result<Option<Result<JobRecord, NotFailed>>, StoreError> {
    let Some(failed) = store.record(id, Reach::All).await? else {
        return Ok(None);
    };
    if failed.state != JobState::Failed {
        return Ok(Some(Err(NotFailed(failed.state))));
    }
    let Some(order) = store.order(id).await? else {
        return Ok(None);
    };
    let again = NewJob {
        id: fresh,
        // By its key the caller knows the first one.
        key: None,
        unique_for: None,
        ..order
    };
    Ok(Some(Ok(store.enqueue(again).await?.record)))
}
