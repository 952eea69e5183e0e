//! A folder for one run of a program.

use std::{fs::Permissions, os::unix::fs::PermissionsExt, path::Path};

use farcall_core::problem::Problem;
use tempfile::TempDir;

/// A new folder that only this user may enter (0700), in the system's place for temporary files.
/// Dropped, it is removed with all that is in it, away from the threads that answer requests.
pub(crate) struct RunFolder(Option<TempDir>);

impl RunFolder {
    /// Makes one; blocks on the disk.
    pub(crate) fn create() -> Result<Self, Problem> {
        let folder = tempfile::Builder::new()
            .prefix("farcall-")
            .permissions(Permissions::from_mode(0o700))
            .tempdir()?;
        Ok(Self(Some(folder)))
    }

    pub(crate) fn path(&self) -> &Path {
        self.0.as_ref().map_or(Path::new(""), TempDir::path)
    }
}

impl Drop for RunFolder {
    fn drop(&mut self) {
        let folder = self.0.take();
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn_blocking(move || drop(folder));
        }
    }
}
