//! The records of a rig, seen past the server.

use std::collections::BTreeMap;

use serde::{Deserialize, de::DeserializeOwned};
use sqlx::{Connection, PgConnection};

use crate::DataFolder;

/// The record of a job.
#[derive(Clone, Debug, PartialEq, Deserialize)]
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
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub(crate) struct FileRecord {
    pub(crate) job: String,
    pub(crate) name: String,
    pub(crate) epoch: i64,
    pub(crate) size: i64,
    pub(crate) sha256: String,
    pub(crate) location: String,
}

/// How many jobs there are in which state, in short.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
pub(crate) struct Tally {
    pub(crate) running: u32,
    pub(crate) waiting: u32,
    /// Those that are not kept, and are still there.
    pub(crate) brief: u32,
}

impl Record {
    pub(crate) fn is_over(&self) -> bool {
        matches!(self.state.as_str(), "succeeded" | "failed")
    }
}

/// Where the records of a rig are.
#[derive(Clone, Debug)]
pub(crate) enum Records {
    Sqlite(DataFolder),
    /// The address of a database.
    Postgres(String),
}

// Both engines can make JSON of a row; only the function's name differs.
macro_rules! jobs {
    ($object:literal) => {
        concat!(
            "SELECT CAST(", $object, "(
                'id', id, 'state', state, 'stage', stage, 'total_stages', total_stages,
                'number', (SELECT CAST(value ->> 'number' AS integer) FROM arguments
                           WHERE arguments.job = sequence),
                'epoch', epoch, 'attempt', attempt, 'losses', losses,
                'counted_losses', counted_losses, 'restarts', restarts,
                'error_code', error_code, 'error_message', error_message,
                'finished_at', finished_at, 'result', CAST(result AS text),
                'worker', (SELECT identity FROM workers WHERE workers.id = jobs.worker)) AS text)
             FROM jobs ORDER BY sequence"
        )
    };
}

macro_rules! published {
    ($object:literal) => {
        concat!(
            "SELECT CAST(",
            $object,
            "(
                'job', id, 'name', name, 'epoch', artifacts.epoch, 'size', size,
                'sha256', sha256, 'location', location) AS text)
             FROM artifacts JOIN jobs ON artifacts.job = sequence
             WHERE artifacts.state = 'published' ORDER BY sequence, position"
        )
    };
}

macro_rules! tally {
    ($object:literal) => {
        concat!(
            "SELECT CAST(",
            $object,
            "(
                'running', count(*) FILTER (WHERE state = 'running'),
                'waiting', count(*) FILTER (WHERE state = 'queued'),
                'brief', count(*) FILTER (WHERE job = 'sip')) AS text)
             FROM jobs WHERE state IN ('running', 'queued') OR job = 'sip'"
        )
    };
}

macro_rules! of_either {
    ($records:expr, $statement:ident) => {
        $records
            .read($statement!("json_object"), $statement!("json_build_object"))
            .await
    };
}

impl Records {
    /// Every job, oldest first.
    pub(crate) async fn jobs(&self) -> Vec<Record> {
        of_either!(self, jobs)
    }

    /// The published files of each job, in their order.
    pub(crate) async fn published(&self) -> BTreeMap<String, Vec<FileRecord>> {
        let files: Vec<FileRecord> = of_either!(self, published);
        let mut by_job = BTreeMap::<_, Vec<_>>::new();
        for file in files {
            by_job.entry(file.job.clone()).or_default().push(file);
        }
        by_job
    }

    /// How many jobs run and wait.
    pub(crate) async fn tally(&self) -> Tally {
        let tallies: Vec<Tally> = of_either!(self, tally);
        tallies.first().copied().unwrap_or_default()
    }

    /// What the database says of itself: `ok` where it is sound. PostgreSQL is not asked.
    pub(crate) async fn soundness(&self) -> String {
        let Self::Sqlite(data) = self else {
            return "ok".to_owned();
        };
        let lines: Vec<(String,)> = data.query("PRAGMA integrity_check").await;
        let lines: Vec<_> = lines.into_iter().map(|(line,)| line).collect();
        lines.join("; ")
    }

    async fn read<T: DeserializeOwned>(
        &self,
        sqlite: &'static str,
        postgres: &'static str,
    ) -> Vec<T> {
        let rows: Vec<(String,)> = match self {
            Self::Sqlite(data) => data.query(sqlite).await,
            Self::Postgres(url) => {
                let mut database = PgConnection::connect(url).await.unwrap();
                let rows = sqlx::query_as(postgres)
                    .fetch_all(&mut database)
                    .await
                    .unwrap();
                database.close().await.unwrap();
                rows
            }
        };
        let read = |(row,): (String,)| serde_json::from_str(&row).unwrap();
        rows.into_iter().map(read).collect()
    }
}
