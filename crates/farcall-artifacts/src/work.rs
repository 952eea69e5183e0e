//! Work folders, where a job keeps what is too large to pass from stage to stage.

use std::{io, path::PathBuf};

use farcall_core::id::JobId;

use crate::{Artifacts, error::ArtifactError, folder};

impl Artifacts {
    /// The absolute path of the job's own folder, created where missing (0700) and
    /// otherwise left as an earlier attempt left it. Blocks on the disk.
    ///
    /// # Errors
    /// What the system says; also where a link lies in its place.
    pub fn work_dir(&self, job: JobId) -> Result<PathBuf, ArtifactError> {
        let name = job.to_string();
        folder::create(&self.0.work, &name)
            .map_err(|error| ArtifactError::io("create the work folder", &name, error))?;
        Ok(self.0.work_path.join(name))
    }

    /// Removes the job's own folder with all that is in it; fine where there is none.
    /// Blocks on the disk.
    ///
    /// # Errors
    /// What the system says; some of the folder may be gone then.
    pub fn remove_work_dir(&self, job: JobId) -> Result<(), ArtifactError> {
        let name = job.to_string();
        match self.0.work.remove_dir_all(&name) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                Err(ArtifactError::io("remove the work folder", &name, error))
            }
            _ => Ok(()),
        }
    }
}
