//! `jobs list`: which jobs there are.

use farcall_core::job::state::JobState;
use farcall_jobs::operators::JobView;
use farcall_store::{JobRecord, Listed};
use serde_json::json;

use super::desk::Desk;
use crate::{
    Failure, table,
    terminal::{print, print_json, talk, width},
    words::{doing, reached, short, span, took},
};

/// What `jobs list` takes.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct Flags {
    /// Only jobs in this state
    #[arg(long, value_enum)]
    state: Option<State>,
    /// Only jobs of this kind
    #[arg(long, value_name = "NAME")]
    job: Option<String>,
    /// Only jobs of this caller
    #[arg(long, value_name = "ID")]
    owner: Option<String>,
    /// How many to list at most
    #[arg(long, value_name = "NUMBER", default_value_t = 50,
          value_parser = clap::value_parser!(u32).range(1..=100_000))]
    limit: u32,
    /// Print one JSON object: {"jobs": [...], "more": false}
    #[arg(long)]
    json: bool,
}

/// The state of a job, as it is typed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum State {
    Queued,
    Running,
    Succeeded,
    Failed,
}

impl From<State> for JobState {
    fn from(state: State) -> Self {
        match state {
            State::Queued => Self::Queued,
            State::Running => Self::Running,
            State::Succeeded => Self::Succeeded,
            State::Failed => Self::Failed,
        }
    }
}

const HEAD: [&str; 8] = [
    "ID", "JOB", "STATE", "STAGE", "AGE", "TOOK", "OWNER", "MESSAGE",
];

pub(super) async fn list(desk: &dyn Desk, flags: Flags) -> Result<(), Failure> {
    let is_filtered = flags.state.is_some() || flags.job.is_some() || flags.owner.is_some();
    let listed = Listed {
        state: flags.state.map(JobState::from),
        job: flags.job,
        owner: flags.owner,
        // One more says whether there are more.
        limit: flags.limit + 1,
        ..Listed::default()
    };
    let mut records = desk.list(listed).await?;
    let limit = flags.limit as usize;
    let more = records.len() > limit;
    records.truncate(limit);
    if flags.json {
        let jobs: Vec<_> = records.iter().map(JobView::of).collect();
        print_json(&json!({"jobs": jobs, "more": more}));
        return Ok(());
    }
    if records.is_empty() {
        talk(if is_filtered {
            "there are no such jobs"
        } else {
            "there are no jobs"
        });
        return Ok(());
    }
    let rows: Vec<_> = records.iter().map(row).collect();
    for line in table::lines(HEAD, &rows, width()) {
        print(&line);
    }
    if more {
        talk(&format!(
            "these are the newest {limit}, there are more: --limit NUMBER, or --state, --job and --owner"
        ));
    }
    Ok(())
}

fn row(record: &JobRecord) -> [String; 8] {
    [
        short(record.id),
        record.job.clone(),
        record.state.to_string(),
        reached(record),
        span(record.read_at.0 - record.created_at.0),
        took(record).map_or_else(|| "-".to_owned(), span),
        record.owner.clone(),
        doing(record),
    ]
}
