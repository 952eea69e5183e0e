//! `jobs watch`: follows jobs until they are over.

mod screen;

use std::{
    collections::HashMap,
    ops::ControlFlow,
    time::{Duration, Instant},
};

use farcall_core::{id::JobId, job::state::JobState};
use farcall_store::{JobRecord, Listed};

use self::screen::Screen;
use super::{desk::Desk, find::find};
use crate::{
    Failure,
    terminal::{printable, talk},
    words::{doing, short},
};

/// What `jobs watch` takes.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct Flags {
    /// Ids of jobs, or their first digits; without any, all jobs that run now
    #[arg(value_name = "ID")]
    ids: Vec<String>,
    /// Print one JSON object for each change
    #[arg(long)]
    json: bool,
}

/// How often it is looked; a job writes no more often.
const PACE: Duration = Duration::from_millis(500);

/// How many jobs are followed where none is named.
const MOST: u32 = 1_000;

/// How long a store may be away before that is the end.
const PATIENCE: Duration = Duration::from_mins(1);

pub(super) async fn watch(desk: &dyn Desk, flags: Flags) -> Result<(), Failure> {
    let mut jobs = HashMap::new();
    for record in chosen(desk, &flags.ids).await? {
        jobs.insert(record.id, record);
    }
    if jobs.is_empty() {
        talk("no job is running");
        return Ok(());
    }
    let mut order: Vec<_> = jobs
        .values()
        .map(|record| (record.created_at, record.id))
        .collect();
    order.sort_unstable();
    let order: Vec<_> = order.into_iter().map(|(_, id)| id).collect();

    let mut screen = Screen::new(flags.json);
    for id in &order {
        if !screen.show(&jobs[id]) {
            return Ok(());
        }
    }
    let ended = follow(desk, &mut jobs, &mut screen).await;
    screen.clear();
    if ended?.is_break() {
        return Ok(());
    }
    match order.iter().rev().find_map(|id| fault(&jobs[id])) {
        None => Ok(()),
        Some(last) if order.len() == 1 => Err(last),
        Some(_) => {
            let failed = order
                .iter()
                .filter(|id| jobs[*id].state == JobState::Failed);
            let message = format!("{} of {} jobs have failed", failed.count(), order.len());
            Err(Failure::failed(message).hint("`jobs show ID` says more of one"))
        }
    }
}

async fn chosen(desk: &dyn Desk, ids: &[String]) -> Result<Vec<JobRecord>, Failure> {
    if ids.is_empty() {
        let running = Listed {
            state: Some(JobState::Running),
            limit: MOST,
            ..Listed::default()
        };
        return Ok(desk.list(running).await?);
    }
    let mut records = Vec::new();
    for typed in ids {
        records.push(find(desk, typed).await?);
    }
    Ok(records)
}

/// Looks again and again until all of them are over; breaks where nobody reads what is seen.
async fn follow(
    desk: &dyn Desk,
    jobs: &mut HashMap<JobId, JobRecord>,
    screen: &mut Screen,
) -> Result<ControlFlow<()>, Failure> {
    let mut away_since: Option<Instant> = None;
    loop {
        let open = jobs.values().filter(|record| !record.state.is_terminal());
        let open: Vec<_> = open.map(|record| record.id).collect();
        if open.is_empty() {
            return Ok(ControlFlow::Continue(()));
        }
        tokio::time::sleep(PACE).await;
        let records = match desk.records(&open).await {
            Ok(records) => records,
            Err(trouble) if trouble.may_pass => {
                let since = away_since.get_or_insert_with(|| {
                    screen
                        .aside(|| talk(&format!("{}; it is tried again", trouble.failure.message)));
                    Instant::now()
                });
                if since.elapsed() > PATIENCE {
                    return Err(trouble.into());
                }
                continue;
            }
            Err(trouble) => return Err(trouble.into()),
        };
        away_since = None;
        if let Some(gone) = open
            .iter()
            .find(|id| !records.iter().any(|record| record.id == **id))
        {
            return Err(Failure::failed(format!(
                "the job `{gone}` is not there any more"
            )));
        }
        for record in records {
            if !screen.show(&record) {
                return Ok(ControlFlow::Break(()));
            }
            jobs.insert(record.id, record);
        }
    }
}

fn fault(record: &JobRecord) -> Option<Failure> {
    if record.state != JobState::Failed {
        return None;
    }
    let id = short(record.id);
    let message = format!(
        "the job `{id}` has failed with {}",
        printable(&doing(record))
    );
    let hint = format!("`jobs show {id}` says more, `jobs retry {id}` starts it again");
    Some(Failure::failed(message).hint(hint))
}
