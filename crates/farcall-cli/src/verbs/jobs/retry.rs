//! `jobs retry`: a failed job once more, as a new one.

use farcall_core::{id::JobId, job::state::JobState};
use farcall_jobs::operators::{JobView, NotFailed};
use serde::Serialize;

use super::{desk::Desk, find::find};
use crate::{
    Failure,
    terminal::{print, print_json, printable, talk},
    words::{doing, short},
};

/// What `jobs retry` takes.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct Flags {
    /// Id of a failed job, or its first digits
    id: String,
    /// Print one JSON object: the new job, and the failed one as "retry_of"
    #[arg(long)]
    json: bool,
}

/// The new job as JSON.
#[derive(Serialize)]
struct Seen {
    retry_of: JobId,
    #[serde(flatten)]
    job: JobView,
}

pub(super) async fn retry(desk: &dyn Desk, flags: Flags) -> Result<(), Failure> {
    let record = find(desk, &flags.id).await?;
    if record.state != JobState::Failed {
        let hint = match record.state {
            JobState::Succeeded => "its caller has the result; who wants another starts a new job",
            _ => "`jobs watch` follows it, `jobs cancel` ends it",
        };
        let message = NotFailed(record.state).sentence(record.id);
        return Err(Failure::failed(message).hint(hint));
    }
    let started = desk
        .retry(record.id)
        .await?
        .ok_or_else(|| Failure::failed(format!("the job `{}` is not there any more", record.id)))?;
    if flags.json {
        print_json(&Seen {
            retry_of: record.id,
            job: JobView::of(&started),
        });
    } else {
        print(&started.id.to_string());
        talk(&format!(
            "{} is queued instead of {}, which failed: {}",
            printable(&started.job),
            short(record.id),
            printable(&doing(&record))
        ));
    }
    Ok(())
}
