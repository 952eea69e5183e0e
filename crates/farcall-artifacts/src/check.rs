//! Whether artifacts can be written just now, and how many bytes of them.

use crate::{Artifacts, Place, error::ArtifactError, unblocked};

impl Artifacts {
    /// Writes something small through to where artifacts are kept and removes it, then returns
    /// [`free_space`](Self::free_space). Takes some milliseconds; minutes where a store does not
    /// answer, so limit it.
    ///
    /// # Errors
    /// What stands in the way of writing an artifact.
    pub async fn check(&self) -> Result<Option<u64>, ArtifactError> {
        match &self.0.place {
            Place::Folder(folder) => {
                let folder = folder.clone();
                unblocked(move || {
                    folder.touch()?;
                    folder.free_space().map(Some)
                })
                .await
            }
            Place::Objects(objects) => objects.touch().await.map(|_| None),
        }
    }

    /// How many bytes this user can still write; `None` for a bucket, which has no end.
    ///
    /// # Errors
    /// What the system says.
    pub fn free_space(&self) -> Result<Option<u64>, ArtifactError> {
        match &self.0.place {
            Place::Folder(folder) => folder.free_space().map(Some),
            Place::Objects(_) => Ok(None),
        }
    }
}
