//! A crash server with its folder, and what every job on it has to come to.

use std::{
    fs,
    path::{Path, PathBuf},
};

use farcall_acceptance::{
    DataFolder, Gate, Launch, Server, data::JobRow, fixture, scratch, sha256,
};
use serde_json::{Value, json};
use tempfile::TempDir;

/// Where the numbers of every order begin.
pub(crate) const SEED: u32 = 7;

/// A folder for one server after the other.
pub(crate) struct Rig(TempDir);

impl Rig {
    pub(crate) fn new() -> Self {
        let rig = Self(scratch(env!("CARGO_TARGET_TMPDIR")));
        fs::create_dir(rig.0.path().join("gates")).unwrap();
        rig
    }

    /// A server on the data of the one before.
    pub(crate) fn launch(&self) -> Launch {
        let binary = Path::new(env!("CARGO_BIN_EXE_crash-server"));
        Launch::of(binary, self.0.path())
            .env(fixture::LOG, self.0.path().join("begun"))
            .env(fixture::GATES, self.0.path().join("gates"))
    }

    pub(crate) async fn start(&self) -> Server {
        self.launch().start().await
    }

    /// Holds the next runs of `stage` in their middle.
    pub(crate) fn gate(&self, stage: &str) -> Gate {
        Gate::close(&self.0.path().join("gates"), stage)
    }

    pub(crate) fn data(&self) -> DataFolder {
        DataFolder::new(self.0.path().join("data"))
    }

    /// Where a file or a folder of the rig is.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub(crate) async fn only_job(&self) -> JobRow {
        let jobs = self.data().jobs().await;
        assert_eq!(jobs.len(), 1, "{jobs:?}");
        jobs.into_iter().next().unwrap()
    }

    /// Sees that each of `stages` began once or twice, and returns those that began twice.
    pub(crate) fn repeated<'a>(&self, stages: &[&'a str]) -> Vec<&'a str> {
        let begun = fixture::begun(&self.0.path().join("begun"));
        let times = |stage: &str| begun.iter().filter(|begun| *begun == stage).count();
        for stage in stages {
            assert!(matches!(times(stage), 1 | 2), "`{stage}` among {begun:?}");
        }
        let all: usize = stages.iter().map(|stage| times(stage)).sum();
        assert_eq!(begun.len(), all, "no other stage began: {begun:?}");
        let twice = stages.iter().copied().filter(|stage| times(stage) == 2);
        twice.collect()
    }
}

pub(crate) fn order() -> Value {
    json!({"seed": SEED})
}

/// Starts a job, and returns the id that the server acknowledged it with.
pub(crate) async fn started(server: &Server) -> String {
    let started = server.client().call("start_assemble", order()).await;
    started["job_id"].as_str().unwrap().to_owned()
}

/// Polls to the end, which has to be success, with the right result and the right files.
pub(crate) async fn check_success(server: &Server, id: &str) {
    let seen = server.client().follow("get_assemble_status", id).await;
    let last = seen.last().unwrap();
    assert_eq!(last["state"], "succeeded", "{last}");
    assert_eq!(last["stage"], last["total_stages"], "{last}");
    assert_eq!(last["message"], "done", "{last}");

    let client = server.client();
    let result = client
        .call("get_assemble_result", json!({"job_id": id}))
        .await;
    let notes = fixture::notes(SEED);
    assert_eq!(result["ready"], true, "{result}");
    assert_eq!(result["result"], json!({"count": notes.lines().count()}));
    let files = result["artifacts"].as_array().unwrap();
    let expected = [("notes.txt", notes), ("report.txt", fixture::report(SEED))];
    assert_eq!(files.len(), expected.len(), "{result}");
    for (file, (name, content)) in files.iter().zip(&expected) {
        assert_eq!(file["name"], *name);
        assert_eq!(file["sha256"], sha256(content.as_bytes()), "{name}");
        assert_eq!(file["size"], content.len(), "{name}");
        let bytes = client.download(file["url"].as_str().unwrap()).await;
        assert!(bytes == content.as_bytes(), "`{name}` holds other bytes");
    }
    let primary = client.download(result["url"].as_str().unwrap()).await;
    assert!(primary == expected[0].1.as_bytes(), "not the primary file");
}
