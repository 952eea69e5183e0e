//! One job from close by.

use farcall_core::{artifact::Artifact, id::JobId, job::state::JobState, question::Question};
use farcall_store::{Details, JobStore, LogLine, Reach, StoreError};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{JobView, Moment};
use crate::Links;

/// A job with what else its operator looks at when something is wrong.
#[derive(Clone, Debug, PartialEq)]
pub struct Seen {
    /// The record, and how it came there.
    pub details: Details,
    /// The machine that runs it.
    pub worker_host: Option<String>,
    /// What it asks its caller.
    pub questions: Vec<(String, Question)>,
    /// Lines of its log, the last ones.
    pub log: Vec<LogLine>,
    /// Where its files are fetched, in their order; nothing where they are not published, or where that is
    /// not known.
    pub urls: Vec<String>,
}

/// The same as JSON.
#[derive(Serialize, Deserialize)]
struct Sheet {
    #[serde(flatten)]
    job: JobView,
    worker_host: Option<String>,
    priority: i8,
    counted_losses: u32,
    claims: i64,
    restarts: u32,
    checkpoint: Option<u32>,
    questions: Vec<Asked>,
    artifacts: Vec<File>,
    log_lines: u64,
    log: Vec<Line>,
}

#[derive(Serialize, Deserialize)]
struct Asked {
    key: String,
    method: String,
    params: Map<String, Value>,
}

#[derive(Serialize, Deserialize)]
struct File {
    #[serde(flatten)]
    artifact: Artifact,
    published: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    url: Option<String>,
}

#[derive(Serialize, Deserialize)]
struct Line {
    n: u64,
    at: Moment,
    text: String,
}

impl Seen {
    /// Looks at the job `id`, with the last `tail` lines of its log, and `links` to its files where they are
    /// known; `None` where there is no such job.
    ///
    /// # Errors
    /// What the store says.
    pub async fn look(
        store: &dyn JobStore,
        links: Option<&Links>,
        id: JobId,
        tail: u32,
    ) -> Result<Option<Self>, StoreError> {
        let Some(details) = store.details(id).await? else {
            return Ok(None);
        };
        let from = (details.last_line + 1).saturating_sub(tail.into()).max(1);
        let Some(log) = store.log(id, Reach::All, from, tail).await? else {
            return Ok(None);
        };
        let mut workers = store.workers().await?.into_iter();
        let its = workers.find(|worker| Some(worker.worker.id) == details.record.worker);
        Ok(Some(Self {
            worker_host: its.map(|worker| worker.worker.host),
            questions: store.questions(id, Reach::All).await?,
            log: log.lines,
            urls: links.map_or_else(Vec::new, |links| urls(links, &details)),
            details,
        }))
    }

    /// As JSON.
    pub fn json(&self) -> Value {
        let details = &self.details;
        let record = &details.record;
        let published = record.state == JobState::Succeeded;
        let mut urls = self.urls.iter().cloned();
        let questions = self.questions.iter().map(|(key, question)| Asked {
            key: key.clone(),
            method: question.method().to_owned(),
            params: question.params().clone(),
        });
        let artifacts = details.artifacts.iter().map(|artifact| File {
            artifact: artifact.clone(),
            published,
            url: urls.next(),
        });
        let log = self.log.iter().map(|line| Line {
            n: line.number,
            at: Moment(line.at),
            text: line.text.clone(),
        });
        serde_json::json!(Sheet {
            job: JobView::of(record),
            worker_host: self.worker_host.clone(),
            priority: record.priority,
            counted_losses: record.counted_losses,
            claims: details.epoch,
            restarts: details.restarts,
            checkpoint: details.checkpoint,
            questions: questions.collect(),
            artifacts: artifacts.collect(),
            log_lines: details.last_line,
            log: log.collect(),
        })
    }

    /// What [`json`](Self::json) says, as it was at `read_at`.
    ///
    /// # Errors
    /// Where it says something else.
    pub fn parse(value: Value, read_at: Moment) -> Result<Self, serde_json::Error> {
        let sheet: Sheet = serde_json::from_value(value)?;
        let mut record = sheet.job.record(read_at);
        record.priority = sheet.priority;
        record.counted_losses = sheet.counted_losses;
        let question =
            |asked: Asked| Some((asked.key, Question::parse(&asked.method, asked.params)?));
        let line = |line: Line| LogLine {
            number: line.n,
            at: line.at.0,
            text: line.text,
        };
        let files = sheet.artifacts.into_iter();
        let (artifacts, urls): (_, Vec<_>) = files.map(|file| (file.artifact, file.url)).unzip();
        Ok(Self {
            urls: urls.into_iter().flatten().collect(),
            details: Details {
                record,
                epoch: sheet.claims,
                restarts: sheet.restarts,
                checkpoint: sheet.checkpoint,
                artifacts,
                last_line: sheet.log_lines,
            },
            worker_host: sheet.worker_host,
            questions: sheet.questions.into_iter().filter_map(question).collect(),
            log: sheet.log.into_iter().map(line).collect(),
        })
    }
}

fn urls(links: &Links, details: &Details) -> Vec<String> {
    let record = &details.record;
    let published = details.artifacts.iter();
    let published = published.filter(|_| record.state == JobState::Succeeded);
    let links = links.of(record);
    published
        .map(|artifact| links.file(&artifact.name))
        .collect()
}
