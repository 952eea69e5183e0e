//! Whether files can be written to the folder just now, and what its clock says.

use std::{
    fs::File,
    io::{self, Write},
    sync::atomic::Ordering,
    time::SystemTime,
};

use rustix::fs::{Mode, OFlags};

use super::Folder;
use crate::error::ArtifactError;

const PREFIX: &str = ".check-";

impl Folder {
    /// Writes a small file through to the disk and removes it. Returns when that was by the
    /// clock of the file system, which is another machine's where the folder is shared.
    pub(crate) fn touch(&self) -> Result<SystemTime, ArtifactError> {
        let number = self.0.checks.fetch_add(1, Ordering::Relaxed);
        let name = format!("{PREFIX}{:020}{number}", self.0.instance);
        let written = self.write_and_sync(&name);
        let removed = self.0.root.remove_file(&name);
        let at = written.map_err(|error| ArtifactError::io("write the file", &name, error))?;
        removed.map_err(|error| ArtifactError::io("remove the file", &name, error))?;
        Ok(at)
    }

    fn write_and_sync(&self, name: &str) -> io::Result<SystemTime> {
        // A file that a crash left behind may have the name of this one.
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let mode = Mode::RUSR | Mode::WUSR;
        let mut file = File::from(rustix::fs::openat(&self.0.root, name, flags, mode)?);
        file.write_all(&[0; 4096])?;
        file.sync_all()?;
        file.metadata()?.modified()
    }
}

/// Whether `file` is the name of a file that a check writes.
pub(super) fn is_check(file: &str) -> bool {
    file.strip_prefix(PREFIX).is_some_and(|number| {
        !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit())
    })
}
