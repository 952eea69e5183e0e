//! What is shown of jobs that are followed: bars where somebody looks on, else a line for each
//! change.

use std::{collections::HashMap, time::Duration};

use farcall_core::id::JobId;
use farcall_jobs::operators::JobView;
use farcall_store::JobRecord;
use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget};

use crate::{
    bar::{bar, length, position},
    terminal::{is_live, print, print_json, printable},
    words::{doing, percent, reached, short},
};

/// Where changes go.
pub(super) enum Screen {
    /// Bars, one below the other, and a line for each job that is over.
    Bars {
        all: MultiProgress,
        bars: HashMap<JobId, ProgressBar>,
    },
    /// A line for each change, as it was told last.
    Lines(HashMap<JobId, String>),
    /// A JSON object for each change.
    Json(HashMap<JobId, JobView>),
}

impl Screen {
    pub(super) fn new(json: bool) -> Self {
        if json {
            Self::Json(HashMap::new())
        } else if is_live() {
            Self::Bars {
                all: MultiProgress::with_draw_target(ProgressDrawTarget::stderr()),
                bars: HashMap::new(),
            }
        } else {
            Self::Lines(HashMap::new())
        }
    }

    /// Shows where a job stands, where that is news. Says whether anybody reads it.
    pub(super) fn show(&mut self, record: &JobRecord) -> bool {
        match self {
            Self::Bars { all, bars } => {
                let bar = bars
                    .entry(record.id)
                    .or_insert_with(|| all.add(begun(record)));
                if record.state.is_terminal() {
                    bar.finish_and_clear();
                    return all.suspend(|| print(&line(record)));
                }
                draw(bar, record);
            }
            Self::Lines(told) => {
                let news = news(record);
                if told.get(&record.id) != Some(&news) {
                    told.insert(record.id, news);
                    return print(&line(record));
                }
            }
            Self::Json(told) => {
                let view = JobView::of(record);
                if told.get(&record.id) != Some(&view) {
                    let is_read = print_json(&view);
                    told.insert(record.id, view);
                    return is_read;
                }
            }
        }
        true
    }

    /// Runs `print` with the bars out of the way.
    pub(super) fn aside(&self, print: impl FnOnce()) {
        match self {
            Self::Bars { all, .. } => all.suspend(print),
            _ => print(),
        }
    }

    /// Takes away what stands for jobs that are not over.
    pub(super) fn clear(&self) {
        if let Self::Bars { all, .. } = self {
            // Nothing can be done about a terminal that is gone.
            let _ = all.clear();
        }
    }
}

fn begun(record: &JobRecord) -> ProgressBar {
    let stages = record.total_stages.into();
    let bar = bar(length(stages), "{prefix} {bar:20} {elapsed} {wide_msg}");
    let since = record.started_at.unwrap_or(record.read_at);
    let passed = record.read_at.0.saturating_sub(since.0).max(0);
    bar.with_prefix(format!("{} {}", short(record.id), printable(&record.job)))
        .with_elapsed(Duration::from_millis(passed.unsigned_abs()))
}

fn draw(bar: &ProgressBar, record: &JobRecord) {
    let (at, stages) = (record.stage.into(), record.total_stages.into());
    bar.set_position(position(record.state, at, stages, record.progress));
    bar.set_message(printable(&doing(record)).into_owned());
    bar.tick();
}

fn line(record: &JobRecord) -> String {
    format!(
        "{} {} {} {} {}",
        short(record.id),
        printable(&record.job),
        record.state,
        reached(record),
        printable(&doing(record))
    )
}

/// What is worth a line that is read later: of progress within a stage, every tenth.
fn news(record: &JobRecord) -> String {
    let tenth = percent(record).map(|percent| percent / 10);
    let at = (record.stage, tenth);
    format!("{} {at:?} {}", record.state, doing(record))
}
