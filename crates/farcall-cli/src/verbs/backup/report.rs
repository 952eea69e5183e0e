//! What came of a backup.

use std::{
    fmt,
    path::{Path, PathBuf},
};

use farcall_artifacts::ArtifactError;
use farcall_core::artifact::Artifact;
use farcall_store::Volume;
use serde_json::{Value, json};

use crate::{
    Failure,
    terminal::printable,
    words::{bytes, count},
};

/// What is in a backup, or was to be.
pub(super) struct Report {
    folder: PathBuf,
    pub(super) volume: Volume,
    /// How many files were copied.
    pub(super) files: u64,
    pub(super) damaged: Vec<Damaged>,
}

/// A file that is not what its record says.
pub(super) struct Damaged {
    job: String,
    name: String,
    what: String,
}

impl Damaged {
    pub(super) fn new(artifact: &Artifact, error: &ArtifactError) -> Self {
        let job = artifact.location.split('/').next().unwrap_or_default();
        Self {
            job: job.to_owned(),
            name: artifact.name.clone(),
            what: error.to_string(),
        }
    }
}

impl fmt::Display for Damaged {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = format!("`{}` of the job `{}`: {}", self.name, self.job, self.what);
        formatter.write_str(&printable(&text))
    }
}

impl Report {
    pub(super) fn new(folder: &Path) -> Self {
        Self {
            folder: folder.to_owned(),
            volume: Volume::default(),
            files: 0,
            damaged: Vec::new(),
        }
    }

    pub(super) fn text(&self) -> String {
        let folder = self.folder.to_string_lossy();
        let size = self.volume.record_bytes + self.volume.file_bytes;
        format!(
            "{}: {}, {} not over, {}, {}",
            printable(&folder),
            count(self.volume.jobs, "job"),
            self.volume.unfinished,
            count(self.files, "file"),
            bytes(size)
        )
    }

    pub(super) fn json(&self, outcome: &Result<(), Failure>) -> Value {
        let damaged = self.damaged.iter().map(
            |damaged| json!({"job_id": damaged.job, "name": damaged.name, "error": damaged.what}),
        );
        let mut view = json!({
            "ok": outcome.is_ok(),
            "folder": self.folder.to_string_lossy(),
            "jobs": self.volume.jobs,
            "unfinished": self.volume.unfinished,
            "files": self.files,
            "bytes": self.volume.record_bytes + self.volume.file_bytes,
            "damaged": damaged.collect::<Value>(),
        });
        if let Err(failure) = outcome {
            view["error"] = failure.message.clone().into();
            view["hint"] = failure.hint.clone().into();
        }
        view
    }
}

/// Refuses a disk that has no room for all of it.
pub(super) fn room(volume: &Volume, folder: &Path) -> Result<(), Failure> {
    let Ok(disk) = rustix::fs::statvfs(folder) else {
        // Then writing will tell.
        return Ok(());
    };
    let free = disk.f_bavail.saturating_mul(disk.f_frsize);
    // A file takes whole blocks.
    let files = volume.file_bytes + volume.files * disk.f_frsize;
    let needed = volume.record_bytes + files;
    if needed <= free {
        return Ok(());
    }
    Err(Failure::failed(format!(
        "the backup needs about {}, and its disk has {} left",
        bytes(needed),
        bytes(free)
    ))
    .hint("make room, or name a folder on another disk"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_disk_without_room_is_refused_before_anything_is_copied() {
        let folder = tempfile::tempdir().unwrap();
        let of = |file_bytes| Volume {
            file_bytes,
            ..Volume::default()
        };
        assert!(room(&of(1), folder.path()).is_ok());
        let failure = room(&of(1 << 60), folder.path()).unwrap_err();
        assert!(
            failure.message.contains("needs about 1048576.0 TiB"),
            "{failure}"
        );
    }
}
