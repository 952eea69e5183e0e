//! `jobs retry`: a failed job once more, as a new one.
//!
//! A job that is over never changes, so the new one has an id of its own. Only a failed job is
//! started again: one that is not over will come to its end by itself, and one that has succeeded
//! has done what it should, perhaps with effects that nobody wants twice.

use farcall_core::{id::JobId, job::state::JobState};
use farcall_store::{JobStore, NewJob};
use serde::Serialize;

use super::{failed, find::find, view::View};
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
    job: View,
}

pub(super) async fn retry(store: &dyn JobStore, flags: Flags) -> Result<(), Failure> {
    let record = find(store, &flags.id).await?;
    if record.state != JobState::Failed {
        let (is, hint) = match record.state {
            JobState::Succeeded => (
                "has succeeded",
                "its caller has the result; who wants another starts a new job",
            ),
            _ => (
                "is not over",
                "`jobs watch` follows it, `jobs cancel` ends it",
            ),
        };
        let message = format!(
            "the job `{}` {is}: only a failed one is started again",
            record.id
        );
        return Err(Failure::failed(message).hint(hint));
    }
    let order = store.order(record.id).await.map_err(failed)?;
    let Some(order) = order else {
        return Err(Failure::failed(format!(
            "the job `{}` is not there any more",
            record.id
        )));
    };
    let again = NewJob {
        id: fresh_id()?,
        // By its key the caller knows the first one.
        key: None,
        unique_for: None,
        ..order
    };
    let started = store.enqueue(again).await.map_err(failed)?.record;
    if flags.json {
        print_json(&Seen {
            retry_of: record.id,
            job: View::of(&started),
        });
    } else {
        print(&started.id.to_string());
        talk(&format!(
            "{} is queued in the place of {}, which failed: {}",
            printable(&started.job),
            short(record.id),
            printable(&doing(&record))
        ));
    }
    Ok(())
}

fn fresh_id() -> Result<JobId, Failure> {
    let mut bits = [0; 16];
    getrandom::fill(&mut bits)
        .map_err(|error| Failure::failed(format!("the system gives no random bytes: {error}")))?;
    Ok(JobId::from_random(bits))
}
