//! A space server with its folder, some of which is on a small disk.

use std::{
    fs,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
};

use farcall_acceptance::{
    DataFolder, Gate, Launch, McpClient, Server, disk::SmallDisk, fixture::GATES, mcp::Answer,
    scratch, wait::until,
};
use serde_json::{Value, json};
use sqlx::{Connection, SqliteConnection, sqlite::SqliteConnectOptions};
use tempfile::TempDir;

pub(crate) const KIB: u64 = 1 << 10;
pub(crate) const MIB: u64 = 1 << 20;

/// What is on the small disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Small {
    /// The data folder without the files that jobs leave.
    Database,
    /// These files.
    Files,
    /// The whole data folder.
    Both,
}

impl Small {
    pub(crate) const ALL: [Self; 3] = [Self::Database, Self::Files, Self::Both];

    pub(crate) fn has_database(self) -> bool {
        self != Self::Files
    }
}

pub(crate) struct Rig {
    /// Taken off before the folder goes.
    pub(crate) disk: SmallDisk,
    folder: TempDir,
}

impl Rig {
    pub(crate) fn new(small: Small, bytes: u64) -> Self {
        let folder = scratch(env!("CARGO_TARGET_TMPDIR"));
        let (data, files) = (folder.path().join("data"), folder.path().join("files"));
        fs::create_dir(folder.path().join("gates")).unwrap();
        let disk = match small {
            Small::Both => SmallDisk::mount(&data, bytes),
            Small::Database => {
                let disk = SmallDisk::mount(&data, bytes);
                fs::create_dir(&files).unwrap();
                symlink(&files, data.join("artifacts")).unwrap();
                disk
            }
            Small::Files => {
                fs::create_dir(&data).unwrap();
                SmallDisk::mount(&data.join("artifacts"), bytes)
            }
        };
        Self { disk, folder }
    }

    pub(crate) fn launch(&self, min_free: u64) -> Launch {
        let binary = Path::new(env!("CARGO_BIN_EXE_space-server"));
        Launch::of(binary, self.folder.path())
            .env("FARCALL_MIN_FREE", min_free.to_string())
            .env("FARCALL_CONCURRENCY", "4")
            .env(GATES, self.folder.path().join("gates"))
    }

    pub(crate) fn gate(&self, stage: &str) -> Gate {
        Gate::close(&self.folder.path().join("gates"), stage)
    }

    pub(crate) fn data(&self) -> DataFolder {
        DataFolder::new(self.data_path())
    }

    fn data_path(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// How large the ballast is.
    pub(crate) fn ballast(&self) -> u64 {
        let ballast = self.data_path().join("ballast").metadata();
        ballast.map_or(0, |ballast| ballast.len())
    }

    /// Waits until the ballast has the size that a disk of this size has of it.
    pub(crate) async fn has_ballast(&self, bytes: u64) {
        until("the ballast", async || {
            (self.ballast() == bytes).then_some(())
        })
        .await;
    }

    /// Moves the log of the database into its file, and leaves none in which there would be room.
    pub(crate) async fn truncate_log(&self) {
        let options = SqliteConnectOptions::new().filename(self.data_path().join("jobs.sqlite3"));
        let mut database = SqliteConnection::connect_with(&options).await.unwrap();
        until("an empty log", async || {
            let moved: (i64, i64, i64) = sqlx::query_as("PRAGMA wal_checkpoint(TRUNCATE)")
                .fetch_one(&mut database)
                .await
                .unwrap();
            (moved.0 == 0).then_some(())
        })
        .await;
        // Closing would tidy up, and may not be able to.
        drop(database);
    }
}

/// Starts a job, which has to be taken in, and returns its id.
pub(crate) async fn start(client: &McpClient, load: Value) -> String {
    let started = client.call("start_load", load).await;
    started["job_id"].as_str().unwrap().to_owned()
}

/// What `tool` answers where it answers with an error: the code, and the sentence.
pub(crate) async fn refusal(client: &McpClient, tool: &str, arguments: Value) -> (String, String) {
    let Answer { is_error, payload } = client.try_call(tool, arguments).await.unwrap();
    assert!(is_error, "`{tool}` is answered with {payload}");
    let text = |field: &str| payload[field].as_str().unwrap_or_default().to_owned();
    (text("error_code"), text("error"))
}

/// Follows a job to its end, and returns the last status.
pub(crate) async fn end(client: &McpClient, id: &str) -> Value {
    let mut seen = client.follow("get_load_status", id).await;
    seen.pop().unwrap()
}

/// Runs a job to its end, which has to be success.
pub(crate) async fn succeed(client: &McpClient, load: Value) -> String {
    let id = start(client, load).await;
    let status = end(client, &id).await;
    assert_eq!(status["state"], "succeeded", "{status}");
    id
}

/// Waits until a job is in the stage of this number.
pub(crate) async fn is_at(client: &McpClient, id: &str, stage: u64) {
    until("a stage", async || {
        let status = client.call("get_load_status", json!({"job_id": id})).await;
        (status["stage"] == stage).then_some(())
    })
    .await;
}

/// Sees that the one file of a job that has succeeded can be had, and has so many bytes.
pub(crate) async fn check_file(client: &McpClient, id: &str, bytes: usize) {
    let result = client.call("get_load_result", json!({"job_id": id})).await;
    assert_eq!(result["ready"], true, "{result}");
    let file = client.download(result["url"].as_str().unwrap()).await;
    assert_eq!(file.len(), bytes);
}

/// Waits until the server says that it is ready, or that this check fails.
pub(crate) async fn is_ready(server: &Server, failing: Option<&str>) {
    let url = format!("{}/readyz", server.origin());
    until("another word about readiness", async || {
        let answer = reqwest::get(&url).await.unwrap();
        let answer: Value = answer.json().await.unwrap();
        (answer["failing"].as_str() == failing).then_some(())
    })
    .await;
}
