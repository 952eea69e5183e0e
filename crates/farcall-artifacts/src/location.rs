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

/// Whether `file` is the name of a finished file.
pub(crate) fn is_file(file: &str) -> bool {
    name_in(file).is_some()
}

/// Whether `file` is the name of an unfinished file.
pub(crate) fn is_part(file: &str) -> bool {
    file.strip_prefix('.')
        .and_then(|rest| rest.strip_suffix(".part"))
        .is_some_and(is_file)
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
        assert!(is_part(".7-a.part") && !is_file(".7-a.part"));
        assert!(is_file("7-a.part") && !is_part("7-a.part"));
        assert!(!is_part(".part") && !is_part(".a.part") && !is_part(".7-a"));
    }
}
