//! Artifacts in a bucket: one object each, `<prefix>/<location>`.

#[cfg(any(feature = "s3", feature = "gcs", feature = "azure"))]
mod clouds;
#[cfg(test)]
mod moody;
mod open;
pub(crate) mod read;
mod sign;
mod sweep;
pub(crate) mod upload;
mod write;

use std::{
    collections::HashSet,
    fmt,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, SystemTime},
};

use farcall_core::id::JobId;
use futures_util::{StreamExt, TryStreamExt, stream};
use object_store::{ObjectStore, ObjectStoreExt, PutPayload, path::Path};
use tokio::runtime::Handle;

pub(crate) use self::open::shown;
use self::sign::SharedSigner;
use crate::{error::ArtifactError, location::Location};

/// What the names of the objects begin with that a check writes.
const CHECK: &str = ".check-";

/// A bucket of artifacts; cheap to clone.
#[derive(Clone)]
pub(crate) struct Objects {
    store: Arc<dyn ObjectStore>,
    /// Signs URLs of the bucket, where it has such.
    signer: Option<SharedSigner>,
    prefix: Path,
    /// The place as people know it, without what could be secret.
    name: Arc<str>,
    /// Where uploads run, whoever writes and wherever.
    runtime: Handle,
    /// The locations that sinks of this process are writing to.
    begun: Arc<Mutex<HashSet<String>>>,
    /// Tells the checks of this process from those of others.
    instance: u64,
    checks: Arc<AtomicU64>,
}

impl Objects {
    fn path(&self, location: &Location) -> Path {
        let folder = self.prefix.clone().join(location.folder());
        folder.join(location.file())
    }

    /// Waits for the store, on a thread that may; also in an asynchronous stage of a job.
    pub(crate) fn wait<T>(&self, answer: impl Future<Output = T>) -> T {
        tokio::task::block_in_place(|| self.runtime.block_on(answer))
    }

    pub(crate) async fn remove(&self, job: JobId) -> Result<(), ArtifactError> {
        let failed = |error| ArtifactError::store("remove the files of the job", job, error);
        let folder = self.prefix.clone().join(job.to_string());
        let listed: Vec<_> = self
            .store
            .list(Some(&folder))
            .map_ok(|object| object.location)
            .try_collect()
            .await
            .map_err(failed)?;
        let (_, refused) = self.delete(listed).await;
        refused.map_or(Ok(()), |error| Err(failed(error)))
    }

    /// Deletes objects; fine where one is gone already. Returns how many are gone now, and what
    /// was said about one that is not.
    async fn delete(&self, paths: Vec<Path>) -> (u64, Option<object_store::Error>) {
        let paths = stream::iter(paths.into_iter().map(Ok)).boxed();
        let mut deleted = self.store.delete_stream(paths);
        let (mut gone, mut refused) = (0, None);
        while let Some(outcome) = deleted.next().await {
            match outcome {
                Ok(_) | Err(object_store::Error::NotFound { .. }) => gone += 1,
                Err(error) => refused = Some(error),
            }
        }
        (gone, refused)
    }

    /// Puts a small object and removes it. Returns when that was by the store's own clock, to the
    /// second.
    pub(crate) async fn touch(&self) -> Result<SystemTime, ArtifactError> {
        let number = self.checks.fetch_add(1, Ordering::Relaxed);
        let name = format!("{CHECK}{:016x}-{number}", self.instance);
        let path = self.prefix.clone().join(name);
        let touch = async {
            self.store
                .put(&path, PutPayload::from_static(b"check"))
                .await?;
            let written = self.store.head(&path).await?;
            self.store.delete(&path).await?;
            // A whole second, rounded down, where listings know parts of it.
            Ok(SystemTime::from(written.last_modified) + Duration::from_secs(1))
        };
        touch.await.map_err(|error: object_store::Error| {
            ArtifactError::store("write to", &self.name, error)
        })
    }
}

impl fmt::Debug for Objects {
    // What stands behind the trait knows secrets.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Objects in `{}`", self.name)
    }
}
