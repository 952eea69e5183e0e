//! Whether artifacts can be written just now, and how many bytes of them.

use std::{fs::File, io::Write, sync::atomic::Ordering};

use rustix::fs::{Mode, OFlags};

use crate::{Artifacts, error::ArtifactError};

const PREFIX: &str = ".check-";

impl Artifacts {
    /// Writes a small file through to the disk and removes it, then returns
    /// [`free_space`](Self::free_space). Blocks on the disk, for some milliseconds.
    ///
    /// # Errors
    /// What stands in the way of writing an artifact.
    pub fn check(&self) -> Result<u64, ArtifactError> {
        let name = format!("{PREFIX}{}", self.0.checks.fetch_add(1, Ordering::Relaxed));
        let written = self.write_and_sync(&name);
        let removed = self.0.artifacts.remove_file(&name);
        written.map_err(|error| ArtifactError::io("write the file", &name, error))?;
        removed.map_err(|error| ArtifactError::io("remove the file", &name, error))?;
        self.free_space()
    }

    /// How many bytes this user can still write.
    ///
    /// # Errors
    /// What the system says.
    pub fn free_space(&self) -> Result<u64, ArtifactError> {
        let status = rustix::fs::fstatvfs(&self.0.artifacts)
            .map_err(|errno| ArtifactError::io("ask for the free space of", "artifacts", errno))?;
        Ok(status.f_bavail.saturating_mul(status.f_frsize))
    }

    fn write_and_sync(&self, name: &str) -> std::io::Result<()> {
        // A file that a crash left behind may have the name of this one.
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let mode = Mode::RUSR | Mode::WUSR;
        let mut file = File::from(rustix::fs::openat(&self.0.artifacts, name, flags, mode)?);
        file.write_all(&[0; 4096])?;
        file.sync_all()
    }
}

/// Whether `file` is the name of a file that a check writes.
pub(crate) fn is_check(file: &str) -> bool {
    file.strip_prefix(PREFIX).is_some_and(|number| {
        !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit())
    })
}
