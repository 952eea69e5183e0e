//! Removes at start what a crash left on its way.

use std::{collections::HashSet, io};

use cap_std::fs::{Dir, DirEntry, FileType};
use farcall_core::id::JobId;

use crate::{Artifacts, check::is_check, error::ArtifactError, folder, location};

/// What a sweep removed, in numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Swept {
    /// Files that were never finished.
    pub parts: u64,
    /// Files that were finished, but not recorded.
    pub unrecorded: u64,
    /// Folders of jobs with no file in them.
    pub folders: u64,
    /// Work folders of jobs that are over.
    pub work_dirs: u64,
    /// What should have gone and could not be removed; the log has the reasons.
    pub failed: u64,
}

impl Artifacts {
    /// The jobs that have a folder of files or a work folder. Blocks on the disk.
    ///
    /// # Errors
    /// What the system says where a folder cannot be listed.
    pub fn jobs(&self) -> Result<HashSet<JobId>, ArtifactError> {
        let mut jobs = HashSet::new();
        for (folder, what) in [(&self.0.artifacts, "artifacts"), (&self.0.work, "work")] {
            let names = entries(folder, what)?.into_iter();
            jobs.extend(names.filter_map(|(name, _)| JobId::parse(&name).ok()));
        }
        Ok(jobs)
    }

    /// Removes what no job and no row needs; only while no job is running. Blocks on
    /// the disk.
    ///
    /// `keep` holds the locations of all recorded artifacts, `unfinished` the jobs that
    /// still need their work folder. Names that this crate would not write are left
    /// alone, and so is everything that is a link.
    ///
    /// # Errors
    /// What the system says where a folder cannot be listed; a file that cannot be
    /// removed is counted and logged.
    pub fn sweep(
        &self,
        keep: &HashSet<String>,
        unfinished: &HashSet<JobId>,
    ) -> Result<Swept, ArtifactError> {
        let mut swept = Swept::default();
        for (name, entry) in entries(&self.0.artifacts, "artifacts")? {
            let kind = entry.file_type();
            if JobId::parse(&name).is_ok() && kind.as_ref().is_ok_and(FileType::is_dir) {
                self.sweep_folder(&name, keep, &mut swept)?;
            } else if is_check(&name) && kind.is_ok_and(|kind| kind.is_file()) {
                let removed = self.0.artifacts.remove_file(&name);
                count(removed, &name, &mut swept.parts, &mut swept.failed);
            }
        }
        for (name, entry) in entries(&self.0.work, "work")? {
            let is_over = JobId::parse(&name).is_ok_and(|job| !unfinished.contains(&job));
            if is_over && entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                let removed = self.0.work.remove_dir_all(&name);
                count(removed, &name, &mut swept.work_dirs, &mut swept.failed);
            }
        }
        Ok(swept)
    }

    fn sweep_folder(
        &self,
        job: &str,
        keep: &HashSet<String>,
        swept: &mut Swept,
    ) -> Result<(), ArtifactError> {
        let folder = folder::open(&self.0.artifacts, job)
            .map_err(|error| ArtifactError::io("open the folder", job, error))?;
        let mut is_empty = true;
        for (file, entry) in entries(&folder, job)? {
            let is_part = location::is_part(&file);
            let is_stray = location::is_file(&file) && !keep.contains(&format!("{job}/{file}"));
            let goes = (is_part || is_stray) && entry.file_type().is_ok_and(|kind| kind.is_file());
            if !goes {
                is_empty = false;
                continue;
            }
            let tally = if is_part {
                &mut swept.parts
            } else {
                &mut swept.unrecorded
            };
            is_empty &= count(folder.remove_file(&file), &file, tally, &mut swept.failed);
        }
        if is_empty {
            let removed = self.0.artifacts.remove_dir(job);
            count(removed, job, &mut swept.folders, &mut swept.failed);
        }
        Ok(())
    }
}

/// The entries of `folder`; a name that is no text has signs in it that ours never have.
fn entries(folder: &Dir, name: &str) -> Result<Vec<(String, DirEntry)>, ArtifactError> {
    let list = || -> io::Result<Vec<DirEntry>> { folder.entries()?.collect() };
    let entries = list().map_err(|error| ArtifactError::io("list the folder", name, error))?;
    let named = |entry: DirEntry| (entry.file_name().to_string_lossy().into_owned(), entry);
    Ok(entries.into_iter().map(named).collect())
}

/// Counts one removal, and says whether it happened.
fn count(removed: io::Result<()>, name: &str, done: &mut u64, failed: &mut u64) -> bool {
    match removed {
        Ok(()) => *done += 1,
        Err(error) => {
            *failed += 1;
            tracing::warn!(name, %error, "a left-over could not be removed");
            return false;
        }
    }
    true
}
