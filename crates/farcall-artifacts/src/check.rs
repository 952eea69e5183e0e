//! Whether artifacts can be written just now.

use crate::{Artifacts, Place, error::ArtifactError, unblocked};

impl Artifacts {
    /// Writes something small through to where artifacts are kept, and removes it. Takes some
    /// milliseconds; minutes where a store does not answer, so limit it.
    ///
    /// # Errors
    /// What stands in the way of writing an artifact.
    pub async fn check(&self) -> Result<(), ArtifactError> {
        match &self.0.place {
            Place::Folder(folder) => {
                let folder = folder.clone();
                unblocked(move || folder.touch().map(drop)).await
            }
            Place::Objects(objects) => objects.touch().await.map(drop),
        }
    }
}
