//! `jobs cancel`: ends jobs before they end by themselves.

use farcall_core::id::JobId;
use farcall_jobs::operators::JobView;
use farcall_store::{Cancelled, JobRecord};
use serde::Serialize;
use serde_json::json;

use super::{desk::Desk, find::find};
use crate::{
    Failure,
    terminal::{print, print_json, printable, talk},
};

/// What `jobs cancel` takes.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct Flags {
    /// Ids of jobs, or their first digits
    #[arg(required = true, value_name = "ID")]
    ids: Vec<String>,
    /// Print one JSON object: {"jobs": [{"was": "queued", ...}]}
    #[arg(long)]
    json: bool,
}

/// What was the case before, and what is now.
struct Done {
    was: &'static str,
    sentence: String,
    record: JobRecord,
}

/// The same as JSON.
#[derive(Serialize)]
struct Seen {
    was: &'static str,
    #[serde(flatten)]
    job: JobView,
}

pub(super) async fn cancel(desk: &dyn Desk, flags: Flags) -> Result<(), Failure> {
    // All of them are looked for first: one that is written wrongly must not leave half of it done.
    let mut found = Vec::new();
    let mut failures = Vec::new();
    for typed in &flags.ids {
        match find(desk, typed).await {
            Ok(record) => found.push(record.id),
            Err(failure) => failures.push(failure),
        }
    }
    if let Some(last) = failures.pop() {
        for failure in &failures {
            talk(&failure.to_string());
        }
        return Err(last);
    }
    let mut cancelled = Vec::new();
    for id in found {
        let done = end(desk, id).await?;
        if flags.json {
            cancelled.push(Seen {
                was: done.was,
                job: JobView::of(&done.record),
            });
        } else {
            let job = printable(&done.record.job).into_owned();
            print(&format!("{id} {job} {}", done.sentence));
        }
    }
    if flags.json {
        print_json(&json!({"jobs": cancelled}));
    }
    Ok(())
}

async fn end(desk: &dyn Desk, id: JobId) -> Result<Done, Failure> {
    let cancelled = desk.cancel(id).await?;
    Ok(match cancelled {
        Some(Cancelled::Now(record)) => Done {
            was: "queued",
            sentence: "was queued, and is cancelled".to_owned(),
            record,
        },
        Some(Cancelled::Requested(record)) => Done {
            was: "running",
            sentence: "was running, and is told to stop".to_owned(),
            record,
        },
        Some(Cancelled::WasOver(record)) => Done {
            was: record.state.as_str(),
            sentence: was_over(&record),
            record,
        },
        // Between the search and this it has expired.
        None => {
            return Err(Failure::failed(format!(
                "the job `{id}` is not there any more"
            )));
        }
    })
}

fn was_over(record: &JobRecord) -> String {
    match &record.error {
        Some(error) => format!(
            "had failed before, with {}; it stays as it is",
            error.code.as_str()
        ),
        None => "had succeeded before; it stays as it is".to_owned(),
    }
}
