//! Finds what a crash left in the folder.

use std::time::SystemTime;

use cap_std::fs::DirEntry;
use farcall_core::id::JobId;

use super::{Folder, check::is_check};
use crate::{
    error::ArtifactError,
    location::{self, Location},
    sweep::{Known, Swept, count, entries, job_folders},
};

impl Folder {
    /// The jobs that have a folder here.
    pub(crate) fn jobs(&self) -> Result<Vec<JobId>, ArtifactError> {
        job_folders(&self.0.root, "artifacts")
    }

    /// Removes the strays of `jobs` that have not been touched since `until`.
    pub(crate) fn sweep(
        &self,
        jobs: &[JobId],
        known: &Known,
        until: SystemTime,
    ) -> Result<Swept, ArtifactError> {
        let mut swept = Swept::default();
        for job in jobs {
            let is_empty = self.sweep_files(&job.to_string(), known, until, &mut swept)?;
            // While the job may go on, somebody may be about to write a file there.
            if is_empty && known.is_over(job) {
                let name = job.to_string();
                let removed = self.0.root.remove_dir(&name);
                count(removed, &name, &mut swept.folders, &mut swept.failed);
            }
        }
        Ok(swept)
    }

    /// Removes what checks left that did not come to their end.
    pub(crate) fn sweep_checks(&self, until: SystemTime) -> Result<Swept, ArtifactError> {
        let mut swept = Swept::default();
        for (name, entry) in entries(&self.0.root, "artifacts")? {
            if is_check(&name) && is_old_file(&entry, until) {
                let removed = self.0.root.remove_file(&name);
                count(removed, &name, &mut swept.parts, &mut swept.failed);
            }
        }
        Ok(swept)
    }

    /// Returns whether the folder of `job` is empty now.
    fn sweep_files(
        &self,
        job: &str,
        known: &Known,
        until: SystemTime,
        swept: &mut Swept,
    ) -> Result<bool, ArtifactError> {
        let folder = super::open(&self.0.root, job)
            .map_err(|error| ArtifactError::io("open the folder", job, error))?;
        let mut is_empty = true;
        for (file, entry) in entries(&folder, job)? {
            let finished = location::finished(&file);
            let location = Location::parse(&format!("{job}/{}", finished.unwrap_or(&file)));
            let goes = location.is_some_and(|location| match finished {
                // A part is recorded nowhere, whatever became of its name.
                Some(_) => known.is_past(&location),
                None => known.is_stray(&location),
            });
            if !goes || !is_old_file(&entry, until) {
                is_empty = false;
                continue;
            }
            let tally = if finished.is_some() {
                &mut swept.parts
            } else {
                &mut swept.unrecorded
            };
            is_empty &= count(folder.remove_file(&file), &file, tally, &mut swept.failed);
        }
        Ok(is_empty)
    }
}

/// Whether it is a file, no link, and has not been touched since `until`.
fn is_old_file(entry: &DirEntry, until: SystemTime) -> bool {
    let is_old =
        |entry: &DirEntry| Some(entry.metadata().ok()?.modified().ok()?.into_std() <= until);
    entry.file_type().is_ok_and(|kind| kind.is_file()) && is_old(entry).unwrap_or(false)
}
