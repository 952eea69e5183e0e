//! The files of a backup, one after the other, each held against its checksum on the way.

use std::io;

use farcall_artifacts::{ArtifactError, Artifacts, Originals};
use farcall_core::clock::{Clock, SystemClock};
use farcall_store::PublishedArtifact;
use indicatif::ProgressBar;
use tokio_util::sync::CancellationToken;

use super::{cut_off, report::Damaged};
use crate::{Failure, bar::bar};

/// Copies files, and remembers how many there were and which are not what was recorded.
pub(super) struct Copying {
    from: Originals,
    to: Artifacts,
    stop: CancellationToken,
    bar: ProgressBar,
    copied: u64,
    damaged: Vec<Damaged>,
}

impl Copying {
    /// From one place to the other, until `stop`; `bytes` is how many there are to come.
    pub(super) fn new(from: Originals, to: Artifacts, bytes: u64, stop: CancellationToken) -> Self {
        let template = "copying files {bar:24} {bytes} of {total_bytes}, {eta} to go";
        Self {
            from,
            to,
            stop,
            bar: bar(bytes, template),
            copied: 0,
            damaged: Vec::new(),
        }
    }

    /// Copies `files`, on a thread that may wait for the disk.
    pub(super) async fn copy(mut self, files: Vec<PublishedArtifact>) -> Result<Self, Failure> {
        let copying = tokio::task::spawn_blocking(move || {
            for file in &files {
                self.copy_one(file)?;
            }
            Ok(self)
        });
        copying.await.unwrap_or_else(|lost| {
            Err(Failure::failed(format!("the files are not copied: {lost}")))
        })
    }

    /// How many files were copied, and which were not what they should be.
    pub(super) fn end(self) -> (u64, Vec<Damaged>) {
        self.bar.finish_and_clear();
        (self.copied, self.damaged)
    }

    fn copy_one(&mut self, file: &PublishedArtifact) -> Result<(), Failure> {
        let artifact = &file.artifact;
        let going_on = |bytes: usize| {
            self.bar.inc(bytes as u64);
            if self.stop.is_cancelled() {
                return Err(io::Error::other("the backup was cut off"));
            }
            Ok(())
        };
        match self.from.copy(artifact, &self.to, going_on) {
            _ if self.stop.is_cancelled() => Err(cut_off()),
            Ok(()) => {
                self.copied += 1;
                Ok(())
            }
            // Deleted since the records were copied, and as gone there.
            Err(ArtifactError::NotFound { .. }) if has_expired(file) => Ok(()),
            Err(
                error @ (ArtifactError::BadLocation { .. }
                | ArtifactError::NotFound { .. }
                | ArtifactError::OtherBytes { .. }
                | ArtifactError::WrongSize { .. }),
            ) => {
                self.damaged.push(Damaged::new(artifact, &error));
                Ok(())
            }
            Err(error @ ArtifactError::StorageFull { .. }) => Err(Failure::failed(format!(
                "there is no room for the backup: {error}"
            ))
            .hint("make some, or name a folder on another disk")),
            Err(error) => Err(Failure::failed(error.to_string())),
        }
    }
}

fn has_expired(file: &PublishedArtifact) -> bool {
    file.expires_at.is_some_and(|at| at <= SystemClock.now())
}

#[cfg(test)]
mod tests {
    use farcall_core::{artifact::Artifact, clock::Timestamp};

    use super::*;

    fn file(expires_at: i64) -> PublishedArtifact {
        let location = format!("{}/1-film.gif", "ab".repeat(16));
        PublishedArtifact {
            owner: "alice".to_owned(),
            expires_at: Some(Timestamp(expires_at)),
            artifact: Artifact::new("film.gif", "image/gif", 3, "ab".repeat(32), location),
        }
    }

    #[tokio::test]
    async fn what_was_deleted_because_it_expired_is_not_missed_and_anything_else_is() {
        let (from, to) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        drop(Artifacts::open(from.path()).unwrap());
        let copying = Copying::new(
            Originals::open(from.path()).unwrap(),
            Artifacts::open(to.path()).unwrap(),
            0,
            CancellationToken::new(),
        );
        let copying = copying.copy(vec![file(0)]).await.unwrap();
        let copying = copying.copy(vec![file(i64::MAX)]).await.unwrap();
        let (copied, damaged) = copying.end();
        assert_eq!((copied, damaged.len()), (0, 1));
        assert!(damaged[0].to_string().contains("there is no file"));
    }
}
