//! Removes what a crash left on its way, and what nobody needs any more.

use std::{collections::HashMap, io, time::Duration};

use cap_std::fs::{Dir, DirEntry};
use farcall_core::id::JobId;

use crate::{Artifacts, Place, error::ArtifactError, location::Location, unblocked};

/// What a job still needs, as the job store knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Needed {
    /// The job.
    pub job: JobId,
    /// Whether it is over, so that it has no use for a work folder.
    pub is_over: bool,
    /// The epoch of its last claim; files of an earlier one are strays unless recorded.
    pub epoch: i64,
    /// Where its recorded artifacts are, published or still to be.
    pub locations: Vec<String>,
}

/// What a sweep removed, in numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Swept {
    /// Files that were never finished.
    pub parts: u64,
    /// Files and objects that were finished, but not recorded.
    pub unrecorded: u64,
    /// Folders of jobs with no file in them.
    pub folders: u64,
    /// Work folders of jobs that are over.
    pub work_dirs: u64,
    /// What should have gone and could not be removed; the log has the reasons.
    pub failed: u64,
}

/// About so many jobs are asked for at once.
pub(crate) const BATCH: usize = 500;

impl Artifacts {
    /// Removes what no job needs, also while jobs run, here and on other machines: files of jobs
    /// that are gone; files that are not recorded, of jobs that are over or of claims before the
    /// last one; work folders on this machine of jobs that are over or gone.
    ///
    /// Only what is at least `older_than` is looked at, to the second and by the clock of the
    /// place itself. Take
    /// longer than a worker needs to notice that it lost its claim. `needed` is asked for up to
    /// 500 jobs at a time; a job that is missing from its answer is gone. Names that this crate
    /// would not write are left alone, and so is everything that is a link. So a place belongs
    /// to one job store: what another one has recorded there is a stray here.
    ///
    /// # Errors
    /// What `needed` says, and what the system or the store says where nothing can be listed;
    /// what cannot be removed is counted and logged.
    pub async fn strays<F, E>(
        &self,
        older_than: Duration,
        mut needed: impl FnMut(Vec<JobId>) -> F,
    ) -> Result<Swept, E>
    where
        F: Future<Output = Result<Vec<Needed>, E>>,
        E: From<ArtifactError>,
    {
        let mut swept = Swept::default();
        match &self.0.place {
            Place::Folder(folder) => {
                let listed = folder.clone();
                let list = move || Ok((listed.touch()?, listed.jobs()?));
                let (now, jobs) = unblocked(list).await?;
                let until = now - older_than;
                for jobs in jobs.chunks(BATCH) {
                    let known = Known::new(needed(jobs.to_vec()).await?);
                    let (folder, jobs) = (folder.clone(), jobs.to_vec());
                    let sweep = move || folder.sweep(&jobs, &known, until);
                    swept.add(unblocked(sweep).await?);
                }
                let folder = folder.clone();
                swept.add(unblocked(move || folder.sweep_checks(until)).await?);
            }
            Place::Objects(objects) => {
                swept.add(objects.sweep(older_than, &mut needed).await?);
            }
        }
        let artifacts = self.clone();
        let jobs = unblocked(move || artifacts.work_jobs()).await?;
        for jobs in jobs.chunks(BATCH) {
            let known = Known::new(needed(jobs.to_vec()).await?);
            let (artifacts, jobs) = (self.clone(), jobs.to_vec());
            swept.add(unblocked(move || Ok(artifacts.sweep_work(&jobs, &known))).await?);
        }
        Ok(swept)
    }

    /// The jobs that have a work folder on this machine.
    fn work_jobs(&self) -> Result<Vec<JobId>, ArtifactError> {
        job_folders(&self.0.work, "work")
    }

    fn sweep_work(&self, jobs: &[JobId], known: &Known) -> Swept {
        let mut swept = Swept::default();
        for job in jobs.iter().filter(|job| known.is_over(job)) {
            let name = job.to_string();
            let removed = self.0.work.remove_dir_all(&name);
            count(removed, &name, &mut swept.work_dirs, &mut swept.failed);
        }
        swept
    }
}

impl Swept {
    fn add(&mut self, more: Self) {
        self.parts += more.parts;
        self.unrecorded += more.unrecorded;
        self.folders += more.folders;
        self.work_dirs += more.work_dirs;
        self.failed += more.failed;
    }
}

/// What the job store said about the jobs that it was asked for.
pub(crate) struct Known(HashMap<JobId, Needed>);

impl Known {
    pub(crate) fn new(needed: Vec<Needed>) -> Self {
        Self(
            needed
                .into_iter()
                .map(|needed| (needed.job, needed))
                .collect(),
        )
    }

    /// Whether the job is over or gone.
    pub(crate) fn is_over(&self, job: &JobId) -> bool {
        self.0.get(job).is_none_or(|needed| needed.is_over)
    }

    /// Whether nobody writes to `location` any more.
    pub(crate) fn is_past(&self, location: &Location) -> bool {
        self.0
            .get(&location.job())
            .is_none_or(|needed| needed.is_over || location.epoch() < needed.epoch)
    }

    /// Whether the finished file at `location` is of no use to anybody. One of the last claim of
    /// a job that is not over may be about to be recorded.
    pub(crate) fn is_stray(&self, location: &Location) -> bool {
        let is_recorded = |needed: &Needed| needed.locations.contains(&location.to_string());
        self.is_past(location) && !self.0.get(&location.job()).is_some_and(is_recorded)
    }
}

/// The jobs that have a folder of their own in `parent`.
pub(crate) fn job_folders(parent: &Dir, name: &str) -> Result<Vec<JobId>, ArtifactError> {
    let entries = entries(parent, name)?.into_iter();
    let folders = entries.filter(|(_, entry)| entry.file_type().is_ok_and(|kind| kind.is_dir()));
    Ok(folders
        .filter_map(|(name, _)| JobId::parse(&name).ok())
        .collect())
}

/// The entries of `folder`; a name that is no text has signs in it that ours never have.
pub(crate) fn entries(folder: &Dir, name: &str) -> Result<Vec<(String, DirEntry)>, ArtifactError> {
    let list = || -> io::Result<Vec<DirEntry>> { folder.entries()?.collect() };
    let entries = list().map_err(|error| ArtifactError::io("list the folder", name, error))?;
    let named = |entry: DirEntry| (entry.file_name().to_string_lossy().into_owned(), entry);
    Ok(entries.into_iter().map(named).collect())
}

/// Counts one removal, and says whether it happened.
pub(crate) fn count(removed: io::Result<()>, name: &str, done: &mut u64, failed: &mut u64) -> bool {
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
