//! Sends the parts of a large object, two at a time.

use bytes::Bytes;
use farcall_core::crash_point;
use futures_util::{StreamExt, stream::FuturesUnordered};
use object_store::{MultipartUpload, ObjectStore, ObjectStoreExt, PutMultipartOptions, path::Path};
use tokio::{sync::mpsc, task::JoinHandle};

use super::Objects;
use crate::error::ArtifactError;

/// The places in a write to a bucket where a test can end the process, in the order that a
/// write of several parts passes them; a write of one part passes the last.
pub const OBJECT_CRASH_POINTS: &[&str] = &[
    "artifacts.objects.begun",
    "artifacts.objects.sent",
    "artifacts.objects.completed",
];

/// How many parts are on the wire at once. With the one that waits and the one that is being
/// filled a sink holds four.
const IN_FLIGHT: usize = 2;

/// A part of an object.
enum Part {
    More(Bytes),
    Last(Bytes),
}

/// An upload of several parts. Dropped before it is finished, it is aborted.
pub(super) struct Upload {
    objects: Objects,
    parts: mpsc::Sender<Part>,
    task: JoinHandle<object_store::Result<()>>,
}

impl Upload {
    pub(super) fn begin(objects: &Objects, path: Path, options: PutMultipartOptions) -> Self {
        let (parts, received) = mpsc::channel(1);
        let store = objects.store.clone();
        let task = async move { run(&*store, path, options, received).await };
        Self {
            objects: objects.clone(),
            parts,
            task: objects.runtime.spawn(task),
        }
    }

    /// Waits until there is room for one more part.
    pub(super) fn send(&mut self, part: Bytes) -> Result<(), ArtifactError> {
        self.pass(Part::More(part))
    }

    /// Waits until the object is there.
    pub(super) fn finish(mut self, last: Bytes) -> Result<(), ArtifactError> {
        self.pass(Part::Last(last))?;
        self.ended()
    }

    fn pass(&mut self, part: Part) -> Result<(), ArtifactError> {
        match self.objects.wait(self.parts.send(part)) {
            Ok(()) => Ok(()),
            Err(_) => self.ended(),
        }
    }

    /// What the task came to, which is over or about to be.
    fn ended(&mut self) -> Result<(), ArtifactError> {
        let place = &self.objects.name;
        // A task that is lost went with its runtime.
        let ended = self.objects.wait(&mut self.task);
        ended
            .map_err(|lost| ArtifactError::store("upload to", place, lost))?
            .map_err(|error| ArtifactError::store("upload to", place, error))
    }
}

async fn run(
    store: &dyn ObjectStore,
    path: Path,
    options: PutMultipartOptions,
    mut parts: mpsc::Receiver<Part>,
) -> object_store::Result<()> {
    let mut upload = store.put_multipart_opts(&path, options).await?;
    crash_point!("artifacts.objects.begun");
    let outcome = match send(&mut *upload, &mut parts).await {
        Ok(Some(size)) => {
            crash_point!("artifacts.objects.sent");
            match upload.complete().await {
                // Where the answer was lost, the next try finds no such upload any more.
                Err(error) if !is_there(store, &path, size).await => Err(error),
                _ => Ok(()),
            }
        }
        // The sink was dropped; nobody asks for the outcome.
        Ok(None) => Err(aborted()),
        Err(error) => Err(error),
    };
    if outcome.is_err()
        && let Err(error) = upload.abort().await
    {
        tracing::warn!(%path, %error, "an unfinished upload stays until the store's lifecycle rule removes it");
    }
    outcome
}

/// Whether the object is there after all. Before the upload it was not, and nobody else writes it.
async fn is_there(store: &dyn ObjectStore, path: &Path, size: u64) -> bool {
    let found = store.head(path).await;
    found.is_ok_and(|found| found.size == size)
}

fn aborted() -> object_store::Error {
    object_store::Error::Generic {
        store: "artifacts",
        source: "the upload was given up".into(),
    }
}

/// Sends parts as they come, and waits for all of them; returns their size in bytes, or `None` where
/// the last one never came.
async fn send(
    upload: &mut dyn MultipartUpload,
    parts: &mut mpsc::Receiver<Part>,
) -> object_store::Result<Option<u64>> {
    let mut in_flight = FuturesUnordered::new();
    let mut size = 0;
    loop {
        tokio::select! {
            Some(sent) = in_flight.next() => sent?,
            part = parts.recv(), if in_flight.len() < IN_FLIGHT => {
                let Some(part) = part else { return Ok(None) };
                let (bytes, is_last) = match part {
                    Part::More(bytes) => (bytes, false),
                    Part::Last(bytes) => (bytes, true),
                };
                size += bytes.len() as u64;
                in_flight.push(upload.put_part(bytes.into()));
                if is_last {
                    break;
                }
            },
        }
    }
    while let Some(sent) = in_flight.next().await {
        sent?;
    }
    Ok(Some(size))
}
