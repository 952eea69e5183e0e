//! A place to keep artifacts in, and the runtime that it needs.

use std::{
    collections::HashSet,
    time::{Duration, Instant},
};

use farcall_core::artifact::ArtifactSink;
use tokio::runtime::Runtime;
use url::Url;

use super::{s3::S3, *};

pub(crate) struct Rig {
    pub(crate) artifacts: Artifacts,
    pub(crate) runtime: Runtime,
    pub(crate) s3: Option<S3>,
    pub(crate) data: TempDir,
}

impl Rig {
    pub(crate) fn folder() -> Self {
        let folder = TempDir::new_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
        let url = Url::from_directory_path(folder.path().join("artifacts")).unwrap();
        // The folder goes with the data.
        Self::at(url.as_str(), None, threads(), folder)
    }

    pub(crate) fn memory() -> Self {
        Self::at("memory:", None, threads(), data())
    }

    pub(crate) fn s3() -> Self {
        let runtime = threads();
        let s3 = runtime.block_on(S3::start());
        Self::at("s3://bucket/some/prefix", Some(s3), runtime, data())
    }

    fn at(url: &str, s3: Option<S3>, runtime: Runtime, data: TempDir) -> Self {
        let options = s3.as_ref().map(|s3| s3.options.clone()).unwrap_or_default();
        let url = url.parse().unwrap();
        let entered = runtime.enter();
        let artifacts = Artifacts::open_url(data.path(), &url, options).unwrap();
        drop(entered);
        Self {
            artifacts,
            runtime,
            s3,
            data,
        }
    }

    pub(crate) fn begin(
        &self,
        job: JobId,
        epoch: i64,
        name: &str,
    ) -> Result<Box<dyn ArtifactSink>, ArtifactError> {
        self.artifacts.create(job, epoch, name, "image/gif")
    }

    pub(crate) fn write(&self, job: JobId, epoch: i64, name: &str, bytes: &[u8]) -> Artifact {
        let mut sink = self.begin(job, epoch, name).unwrap();
        sink.write_all(bytes).unwrap();
        sink.finish().unwrap()
    }

    pub(crate) fn open(&self, artifact: &Artifact) -> Result<ArtifactFile, ArtifactError> {
        self.runtime.block_on(self.artifacts.read(artifact))
    }

    pub(crate) fn read(&self, artifact: &Artifact, range: Range<u64>) -> std::io::Result<Vec<u8>> {
        let body = self.open(artifact).unwrap().body(range);
        let bytes = self.runtime.block_on(body.collect())?.to_bytes();
        Ok(bytes.into())
    }

    /// Removes the strays where the job store knows only `jobs`.
    pub(crate) fn strays(&self, older_than: Duration, jobs: &[Needed]) -> Swept {
        let needed = |asked: Vec<JobId>| {
            assert!(!asked.is_empty());
            let known = jobs.iter().filter(|known| asked.contains(&known.job));
            ready(Ok::<_, ArtifactError>(known.cloned().collect()))
        };
        let swept = self.artifacts.strays(older_than, needed);
        self.runtime.block_on(swept).unwrap()
    }

    /// The sweep at start, with only `kept` recorded.
    pub(crate) fn sweep(&self, kept: &[&Artifact]) -> Swept {
        let kept = kept.iter().map(|artifact| artifact.location.clone());
        let needed = at_start(kept.collect(), HashSet::new());
        let swept = self.artifacts.strays(Duration::ZERO, needed);
        self.runtime.block_on(swept).unwrap()
    }

    /// Waits until the server knows of so many uploads that are not over.
    pub(crate) fn wait_for_unfinished(&self, uploads: usize) {
        let Some(s3) = &self.s3 else { return };
        let deadline = Instant::now() + Duration::from_secs(20);
        while s3.unfinished() != uploads {
            assert!(
                Instant::now() < deadline,
                "not {uploads} uploads, {}",
                s3.unfinished()
            );
            std::thread::yield_now();
        }
    }
}

fn data() -> TempDir {
    TempDir::new_in(env!("CARGO_TARGET_TMPDIR")).unwrap()
}

fn threads() -> Runtime {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap()
}
