//! The records of a rig, seen past the server.

use std::collections::BTreeMap;

use sqlx::{FromRow, Row, sqlite::SqliteRow};

use crate::DataFolder;

/// The record of a job.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Record {
    pub(crate) id: String,
    /// Of the order.
    pub(crate) number: u32,
    pub(crate) state: String,
    pub(crate) stage: u32,
    pub(crate) total_stages: u32,
    pub(crate) epoch: i64,
    pub(crate) attempt: u32,
    pub(crate) losses: u32,
    pub(crate) counted_losses: u32,
    pub(crate) restarts: u32,
    pub(crate) error_code: Option<String>,
    pub(crate) error_message: Option<String>,
    pub(crate) finished_at: Option<i64>,
    /// JSON.
    pub(crate) result: Option<String>,
    /// The identity of the worker that has it.
    pub(crate) worker: Option<String>,
}

/// A file as it is recorded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct FileRecord {
    pub(crate) job: String,
    pub(crate) name: String,
    pub(crate) epoch: i64,
    pub(crate) size: i64,
    pub(crate) sha256: String,
    pub(crate) location: String,
}

/// How many jobs there are in which state, in short.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Tally {
    pub(crate) running: u32,
    pub(crate) waiting: u32,
}

impl Record {
    pub(crate) fn is_over(&self) -> bool {
        matches!(self.state.as_str(), "succeeded" | "failed")
    }
}

impl FromRow<'_, SqliteRow> for Record {
    fn from_row(row: &SqliteRow) -> sqlx::Result<Self> {
        Ok(Self {
            id: row.try_get(0)?,
            number: row.try_get(1)?,
            state: row.try_get(2)?,
            stage: row.try_get(3)?,
            total_stages: row.try_get(4)?,
            epoch: row.try_get(5)?,
            attempt: row.try_get(6)?,
            losses: row.try_get(7)?,
            counted_losses: row.try_get(8)?,
            restarts: row.try_get(9)?,
            error_code: row.try_get(10)?,
            error_message: row.try_get(11)?,
            finished_at: row.try_get(12)?,
            result: row.try_get(13)?,
            worker: row.try_get(14)?,
        })
    }
}

impl FromRow<'_, SqliteRow> for FileRecord {
    fn from_row(row: &SqliteRow) -> sqlx::Result<Self> {
        Ok(Self {
            job: row.try_get(0)?,
            name: row.try_get(1)?,
            epoch: row.try_get(2)?,
            size: row.try_get(3)?,
            sha256: row.try_get(4)?,
            location: row.try_get(5)?,
        })
    }
}

/// Every job, oldest first.
pub(crate) async fn jobs(data: &DataFolder) -> Vec<Record> {
    data.query(
        "SELECT id, (SELECT value ->> 'number' FROM arguments WHERE job = sequence), state, stage,
                total_stages, epoch, attempt, losses, counted_losses, restarts, error_code,
                error_message, finished_at, result,
                (SELECT identity FROM workers WHERE workers.id = jobs.worker)
         FROM jobs ORDER BY sequence",
    )
    .await
}

/// The published files of each job, in their order.
pub(crate) async fn published(data: &DataFolder) -> BTreeMap<String, Vec<FileRecord>> {
    let files: Vec<FileRecord> = data
        .query(
            "SELECT id, name, artifacts.epoch, size, sha256, location
             FROM artifacts JOIN jobs ON artifacts.job = sequence
             WHERE artifacts.state = 'published' ORDER BY sequence, position",
        )
        .await;
    let mut by_job = BTreeMap::<_, Vec<_>>::new();
    for file in files {
        by_job.entry(file.job.clone()).or_default().push(file);
    }
    by_job
}

/// What the database says of itself: `ok` where it is sound.
pub(crate) async fn soundness(data: &DataFolder) -> String {
    let lines: Vec<(String,)> = data.query("PRAGMA integrity_check").await;
    lines
        .into_iter()
        .map(|(line,)| line)
        .collect::<Vec<_>>()
        .join("; ")
}

/// How many jobs run and wait.
pub(crate) async fn tally(data: &DataFolder) -> Tally {
    let rows: Vec<(u32, u32)> = data
        .query(
            "SELECT coalesce(sum(state = 'running'), 0), coalesce(sum(state = 'queued'), 0)
             FROM jobs WHERE state IN ('running', 'queued')",
        )
        .await;
    let (running, waiting) = rows.first().copied().unwrap_or_default();
    Tally { running, waiting }
}
