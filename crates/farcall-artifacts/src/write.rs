//! Begins an artifact, and removes those of a job.

use farcall_core::{artifact::ArtifactSink, id::JobId};

use crate::{Artifacts, Place, error::ArtifactError, location::Location, unblocked};

impl Artifacts {
    /// Begins the artifact `name` of the attempt `epoch` of `job`; 0 is the lowest epoch.
    ///
    /// The sink's `finish` returns the artifact with its location, once all of it is kept: a
    /// file and its folder are on the disk, an object was completed and has been asked for its
    /// size. Dropping the sink before that removes what was written. Everything here and in the
    /// sink waits for the disk or the network, so it belongs on a thread of its own.
    ///
    /// A sink into a bucket holds at most 32 MiB, or a hundredth of the file where that is more.
    ///
    /// # Errors
    /// [`BadName`](ArtifactError::BadName), [`NameTaken`](ArtifactError::NameTaken),
    /// [`Store`](ArtifactError::Store), or what the system says. A full disk makes the sink's
    /// `write` fail with [`StorageFull`](std::io::ErrorKind::StorageFull) or `QuotaExceeded`, and
    /// its `finish` with the code `storage_full`.
    pub fn create(
        &self,
        job: JobId,
        epoch: i64,
        name: &str,
        media_type: &str,
    ) -> Result<Box<dyn ArtifactSink>, ArtifactError> {
        let location = Location::new(job, epoch, name)?;
        match &self.0.place {
            Place::Folder(folder) => folder.create(location, media_type),
            Place::Objects(objects) => objects.create(location, media_type),
        }
    }

    /// Removes every file of a job, finished or not; fine where there is none. For jobs whose
    /// files nobody can fetch any more. An unfinished upload to a bucket is not seen by this: it
    /// ends with its sink.
    ///
    /// # Errors
    /// What the system or the store says; some of the files may be gone then.
    pub async fn remove(&self, job: JobId) -> Result<(), ArtifactError> {
        match &self.0.place {
            Place::Folder(folder) => {
                let folder = folder.clone();
                unblocked(move || folder.remove(job)).await
            }
            Place::Objects(objects) => objects.remove(job).await,
        }
    }

    /// As [`remove`](Self::remove), on a thread that may wait for the disk or the network.
    ///
    /// # Errors
    /// As [`remove`](Self::remove).
    pub fn remove_files(&self, job: JobId) -> Result<(), ArtifactError> {
        match &self.0.place {
            Place::Folder(folder) => folder.remove(job),
            Place::Objects(objects) => objects.wait(objects.remove(job)),
        }
    }
}
