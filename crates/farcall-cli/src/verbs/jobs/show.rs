//! `jobs show`: one job from close by.

use std::fmt::Write;

use farcall_core::{
    artifact::Artifact, clock::Timestamp, job::state::JobState, question::Question,
};
use farcall_jobs::operators::Seen;
use farcall_store::JobRecord;
use serde_json::Value;

use super::{desk::Desk, find::find};
use crate::{
    Failure,
    terminal::{print, print_json, printable},
    words::{bytes, moment, reached, span, took},
};

/// What `jobs show` takes.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct Flags {
    /// Id of a job, or its first digits
    id: String,
    /// How many lines of its log to show, the last ones
    #[arg(long, value_name = "NUMBER", default_value_t = 10,
          value_parser = clap::value_parser!(u32).range(0..=10_000))]
    log: u32,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

pub(super) async fn show(desk: &dyn Desk, flags: Flags) -> Result<(), Failure> {
    let id = find(desk, &flags.id).await?.id;
    let seen = desk.look(id, flags.log).await?;
    let seen =
        seen.ok_or_else(|| Failure::failed(format!("the job `{id}` is not there any more")))?;
    if flags.json {
        print_json(&seen.json());
    } else {
        for line in Shown(seen).text() {
            print(&line);
        }
    }
    Ok(())
}

/// A job, line by line.
struct Shown(Seen);

impl Shown {
    fn text(&self) -> Vec<String> {
        let details = &self.0.details;
        let record = &details.record;
        let mut sheet = Sheet::default();
        sheet.add("id", &record.id.to_string());
        sheet.add("job", &record.job);
        sheet.add("owner", &record.owner);
        sheet.add("state", &self.state());
        sheet.add("message", &record.message);
        if let Some(error) = &record.error {
            sheet.add(
                "error",
                &format!("{}: {}", error.code.as_str(), error.message),
            );
        }
        let ago = |at: Timestamp| format!("{}, {} ago", moment(at), span(record.read_at.0 - at.0));
        let coming =
            |at: Timestamp| format!("{}, in {}", moment(at), span(at.0 - record.read_at.0));
        sheet.add("created", &ago(record.created_at));
        if let Some(at) = record.started_at {
            sheet.add("started", &ago(at));
        }
        if record.state == JobState::Queued && record.run_at > record.read_at {
            sheet.add("next try", &coming(record.run_at));
        }
        if !record.state.is_terminal() {
            sheet.add("changed", &ago(record.updated_at));
        }
        if let (Some(at), Some(took)) = (record.finished_at, took(record)) {
            sheet.add("finished", &format!("{}, after {}", ago(at), span(took)));
        } else if let Some(at) = record.finished_at {
            sheet.add("finished", &ago(at));
        }
        if let Some(at) = record.expires_at {
            sheet.add("expires", &coming(at));
        }
        sheet.add("attempts", &self.attempts());
        if let Some(stage) = details.checkpoint {
            sheet.add("kept", &kept(stage, record));
        }
        if let Some(worker) = record.worker {
            let host = self.0.worker_host.as_deref();
            sheet.add("worker", &format!("{worker} on {}", host.unwrap_or("?")));
        }
        for (key, question) in &self.0.questions {
            sheet.add("asks", &asked(key, question));
        }
        for (number, artifact) in details.artifacts.iter().enumerate() {
            self.file(&mut sheet, artifact, self.0.urls.get(number));
        }
        self.log(&mut sheet);
        sheet.lines
    }

    fn state(&self) -> String {
        let record = &self.0.details.record;
        let mut state = format!("{}, stage {}", record.state, reached(record));
        if record.is_asking {
            state.push_str(", waits for an answer of its caller");
        }
        if record.cancel_requested && !record.state.is_terminal() {
            state.push_str(", is told to stop");
        }
        state
    }

    fn attempts(&self) -> String {
        let (details, record) = (&self.0.details, &self.0.details.record);
        let mut attempts = record.attempt.to_string();
        let times = |count: u32| {
            if count == 1 {
                "once".to_owned()
            } else {
                format!("{count} times")
            }
        };
        if record.losses > 0 {
            let (losses, counted) = (times(record.losses), record.counted_losses);
            let _ = write!(
                attempts,
                "; lost its worker {losses}, {counted} of them counted"
            );
        }
        if details.restarts > 0 {
            let restarts = times(details.restarts);
            let _ = write!(
                attempts,
                "; began again {restarts}, as its program had changed"
            );
        }
        attempts
    }

    fn file(&self, sheet: &mut Sheet, artifact: &Artifact, url: Option<&String>) {
        let Artifact {
            name,
            media_type,
            sha256,
            ..
        } = artifact;
        let mut about = format!("{name}, {}, {media_type}", bytes(artifact.size));
        if self.0.details.record.state != JobState::Succeeded {
            about.push_str(", not published yet");
        }
        sheet.add("file", &about);
        sheet.add("", &format!("sha256 {sha256}"));
        if let Some(url) = url {
            sheet.add("", url);
        }
    }

    fn log(&self, sheet: &mut Sheet) {
        let last = self.0.details.last_line;
        match self.0.log.first() {
            None if last == 0 => {}
            None => sheet.add("log", &format!("{last} lines")),
            Some(first) => {
                let shown = format!("lines {} to {last}", first.number);
                sheet.add("log", &shown);
                for line in &self.0.log {
                    sheet.add("", &format!("{} {}", moment(line.at), line.text));
                }
            }
        }
    }
}

fn kept(finished: u32, record: &JobRecord) -> String {
    let mut kept = format!("{finished} of {} stages are finished", record.total_stages);
    if !record.state.is_terminal() {
        kept.push_str(", the next attempt goes on after them");
    }
    kept
}

fn asked(key: &str, question: &Question) -> String {
    match question.params().get("message").and_then(Value::as_str) {
        Some(message) => format!("{key}: {message}"),
        None => format!("{key}: {}", question.method()),
    }
}

/// Names and values, one below the other.
#[derive(Default)]
struct Sheet {
    lines: Vec<String>,
}

impl Sheet {
    fn add(&mut self, name: &str, value: &str) {
        self.lines.push(format!("{name:10}{}", printable(value)));
    }
}
