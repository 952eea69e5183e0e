//! Where an artifact lies: `<job>/<epoch>-<name>`, and nothing else.

use std::fmt;

use farcall_core::{id::JobId, name::file_name_fault};

use crate::error::ArtifactError;

/// A location that this crate could have written; has no link, no `..`, no third part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Location {
    job: JobId,
    /// `<epoch>-<name>`.
    file: String,
    name_at: usize,
}

impl Location {
    /// Where the attempt `epoch` of `job` keeps its file `name`.
    pub(crate) fn new(job: JobId, epoch: i64, name: &str) -> Result<Self, ArtifactError> {
        if let Some(fault) = file_name_fault(name) {
            return Err(ArtifactError::BadName {
                name: name.to_owned(),
                fault,
            });
        }
        let file = format!("{epoch}-{name}");
        let name_at = name_in(&file).ok_or_else(|| ArtifactError::BadLocation {
            location: format!("{job}/{file}"),
            reason: "an epoch is never negative",
        })?;
        Ok(Self { job, file, name_at })
    }

    /// Reads what [`Display`](fmt::Display) writes, and refuses everything else.
    pub(crate) fn parse(location: &str) -> Option<Self> {
        let (job, file) = location.split_once('/')?;
        Some(Self {
            job: JobId::parse(job).ok()?,
            file: file.to_owned(),
            name_at: name_in(file)?,
        })
    }

    /// The job that it belongs to.
    pub(crate) fn job(&self) -> JobId {
        self.job
    }

    /// The attempt that wrote it.
    pub(crate) fn epoch(&self) -> i64 {
        // The digits were read when the location was made.
        self.file[..self.name_at - 1].parse().unwrap_or(i64::MAX)
    }

    /// The name of the job's folder.
    pub(crate) fn folder(&self) -> String {
        self.job.to_string()
    }

    /// The name of the finished file in the job's folder.
    pub(crate) fn file(&self) -> &str {
        &self.file
    }

    /// The name of the unfinished file in the job's folder.
    pub(crate) fn part(&self) -> String {
        format!(".{}.part", self.file)
    }

    /// The name that the job gave the artifact.
    pub(crate) fn name(&self) -> &str {
        &self.file[self.name_at..]
    }
}

impl fmt::Display for Location {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}/{}", self.job, self.file)
    }
}

/// The name of the finished file that `part` was to become, if it is the name of a part.
pub(crate) fn finished(part: &str) -> Option<&str> {
    part.strip_prefix('.')
        .and_then(|rest| rest.strip_suffix(".part"))
        .filter(|file| name_in(file).is_some())
}

/// Where in `<epoch>-<name>` the name begins, if both halves are what we would write.
fn name_in(file: &str) -> Option<usize> {
    let (digits, name) = file.split_once('-')?;
    let epoch: u64 = digits.parse().ok()?;
    let canonical = i64::try_from(epoch).is_ok() && epoch.to_string() == digits;
    (canonical && file_name_fault(name).is_none()).then_some(digits.len() + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    const JOB: &str = "0123456789abcdef0123456789abcdef";

    #[test]
    fn a_location_reads_what_it_writes() {
        let job = JobId::parse(JOB).unwrap();
        let location = Location::new(job, 7, "a-b.gif").unwrap();
        assert_eq!(location.to_string(), format!("{JOB}/7-a-b.gif"));
        assert_eq!(location.name(), "a-b.gif");
        assert_eq!((location.job(), location.epoch()), (job, 7));
        assert_eq!(Location::parse(&location.to_string()), Some(location));
        assert!(Location::new(job, -1, "a").is_err());
    }

    #[test]
    fn only_names_of_ours_are_read() {
        for file in [
            "",
            "a",
            "7",
            "7-",
            "-a",
            "07-a",
            "+7-a",
            "-1-a",
            "7-../a",
            "7-..",
            "7-.a",
            "7-a/b",
            "7-a\0",
            "99999999999999999999-a",
            ".7-a.part",
            "..",
        ] {
            assert_eq!(Location::parse(&format!("{JOB}/{file}")), None, "{file:?}");
        }
        for location in [
            "7-a",
            "/7-a",
            "//7-a",
            "../7-a",
            "x/7-a",
            &format!("/{JOB}/7-a"),
        ] {
            assert_eq!(Location::parse(location), None, "{location:?}");
        }
    }

    #[test]
    fn parts_and_finished_files_are_told_apart() {
        assert_eq!(finished(".7-a.part"), Some("7-a"));
        for file in ["7-a.part", ".part", ".a.part", ".7-a"] {
            assert_eq!(finished(file), None, "{file}");
        }
    }
}
