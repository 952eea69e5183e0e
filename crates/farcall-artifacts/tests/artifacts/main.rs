//! What the crate promises, seen from outside: through its API and through the disk.

#![expect(
    clippy::unwrap_used,
    reason = "clippy's own exception ends at `#[test]` functions"
)]

mod body;
mod check;
mod crash;
mod killed_upload;
mod memory_use;
mod objects;
mod pieces;
mod places;
mod read;
mod rig;
mod s3;
mod sweep;
mod work;
mod write;

use std::{
    collections::HashSet,
    fs,
    future::{Ready, ready},
    io::Write,
    ops::Range,
    path::{Path, PathBuf},
    time::Duration,
};

use farcall_artifacts::{ArtifactError, ArtifactFile, Artifacts, Needed, Swept};
use farcall_core::{artifact::Artifact, id::JobId};
use http_body_util::BodyExt;
use tempfile::TempDir;

/// A store in a data folder that goes away.
struct Store {
    data: TempDir,
    artifacts: Artifacts,
}

impl Store {
    fn new() -> Self {
        // Beside the build rather than in `/tmp`, which may be no disk at all.
        let data = TempDir::new_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
        let artifacts = Artifacts::open(data.path()).unwrap();
        Self { data, artifacts }
    }

    fn write(&self, job: JobId, epoch: i64, name: &str, bytes: &[u8]) -> Artifact {
        let mut sink = self
            .artifacts
            .create(job, epoch, name, "image/gif")
            .unwrap();
        sink.write_all(bytes).unwrap();
        sink.finish().unwrap()
    }

    fn open(&self, artifact: &Artifact) -> Result<ArtifactFile, ArtifactError> {
        runtime().block_on(self.artifacts.read(artifact))
    }

    fn read(&self, artifact: &Artifact, range: Range<u64>) -> Vec<u8> {
        let body = self.open(artifact).unwrap().body(range);
        runtime()
            .block_on(body.collect())
            .unwrap()
            .to_bytes()
            .into()
    }

    /// The sweep at start, when nothing runs.
    fn sweep(&self, keep: &HashSet<String>, unfinished: &HashSet<JobId>) -> Swept {
        let needed = at_start(keep.clone(), unfinished.clone());
        let swept = self.artifacts.strays(Duration::ZERO, needed);
        runtime().block_on(swept).unwrap()
    }

    fn artifacts_path(&self) -> PathBuf {
        self.data.path().join("artifacts")
    }

    fn path_of(&self, artifact: &Artifact) -> PathBuf {
        self.artifacts_path().join(&artifact.location)
    }
}

fn job(number: u8) -> JobId {
    JobId::from_random([number; 16])
}

/// What the job store says when nothing runs, so that no claim is one that may still write.
fn at_start(
    keep: HashSet<String>,
    unfinished: HashSet<JobId>,
) -> impl FnMut(Vec<JobId>) -> Ready<Result<Vec<Needed>, ArtifactError>> {
    move |jobs| {
        let needed = jobs.into_iter().map(|job| Needed {
            job,
            is_over: !unfinished.contains(&job),
            epoch: i64::MAX,
            locations: keep
                .iter()
                .filter(|kept| kept.starts_with(&job.to_string()))
                .cloned()
                .collect(),
        });
        ready(Ok(needed.collect()))
    }
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap()
}

/// Bytes in which every shift by less than 251 shows.
fn pattern(length: usize) -> Vec<u8> {
    (0..=250).cycle().take(length).collect()
}

fn put(path: &Path, bytes: &[u8]) {
    fs::File::create(path).unwrap().write_all(bytes).unwrap();
}

/// The paths of everything below `folder`, relative to it, in order.
fn tree(folder: &Path) -> Vec<String> {
    let mut found = Vec::new();
    let mut open = vec![folder.to_owned()];
    while let Some(next) = open.pop() {
        for entry in fs::read_dir(&next).unwrap() {
            let entry = entry.unwrap();
            if entry.file_type().unwrap().is_dir() {
                open.push(entry.path());
            }
            let path = entry.path();
            found.push(path.strip_prefix(folder).unwrap().display().to_string());
        }
    }
    found.sort();
    found
}
