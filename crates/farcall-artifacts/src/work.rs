//! Work folders, where a job keeps what is too large to pass from stage to stage.

use std::{
    fs,
    io::{self, Write},
    path::{Path, PathBuf},
};

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

    /// Whether there is anything in the job's own folder. Blocks on the disk.
    ///
    /// # Errors
    /// What the system says.
    pub fn has_work(&self, job: JobId) -> Result<bool, ArtifactError> {
        let name = job.to_string();
        let look = || -> io::Result<bool> {
            let folder = folder::open(&self.0.work, &name)?;
            Ok(folder.entries()?.next().transpose()?.is_some())
        };
        match look() {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            found => {
                found.map_err(|error| ArtifactError::io("look into the work folder", &name, error))
            }
        }
    }

    /// What tells these work folders from those of other machines, 32 hexadecimal digits: processes
    /// that have the same folders have the same one.
    pub fn work_place(&self) -> &str {
        &self.0.work_place
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

/// Where it is written which place of work folders this is.
const PLACE: &str = "place";

/// The name that the work folders in `data` have among those of other machines; a fresh one where
/// there is none yet.
pub(crate) fn place(data: &Path) -> Result<String, ArtifactError> {
    let path = data.join(PLACE);
    let failed = |error| ArtifactError::io("name the work folders in", path.display(), error);
    match fs::read_to_string(&path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => create_place(data, &path)
            .and_then(|()| fs::read_to_string(&path))
            .map_err(failed),
        found => found.map_err(failed),
    }
}

/// Another process may do the same at this moment, so the name is there at once and whole, and only
/// where there is none.
fn create_place(data: &Path, path: &Path) -> io::Result<()> {
    let mut bits = [0; 16];
    getrandom::fill(&mut bits)?;
    let name = format!("{:032x}", u128::from_ne_bytes(bits));
    let draft = data.join(format!("{PLACE}-{name}"));
    let mut file = fs::File::create_new(&draft)?;
    let linked = file
        .write_all(name.as_bytes())
        .and_then(|()| file.sync_all())
        .and_then(|()| fs::hard_link(&draft, path));
    fs::remove_file(&draft)?;
    match linked {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
        _ => Ok(()),
    }
}
