//! What can go wrong with the bytes of artifacts.

use std::{fmt, io};

use farcall_core::{
    artifact::Artifact,
    problem::{ErrorCode, Problem},
};

use crate::location::Location;

/// Why an artifact could not be written or read.
///
/// The sentences are for the log: they name places on the disk. What a caller may read
/// comes from [`into_problem`](Self::into_problem).
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ArtifactError {
    /// The name is no plain file name.
    #[error("an artifact cannot be called `{}`: {fault}", .name.escape_debug())]
    BadName {
        /// The name as it was asked for.
        name: String,
        /// What is wrong with it.
        fault: String,
    },

    /// The location is not one that this crate wrote, or something else lies there.
    #[error("`{}` is no place of an artifact: {reason}", .location.escape_debug())]
    BadLocation {
        /// The location as it was recorded.
        location: String,
        /// What is wrong with it.
        reason: &'static str,
    },

    /// The same attempt of the job has an artifact of this name already.
    #[error("this attempt of the job has an artifact called `{name}` already")]
    NameTaken {
        /// The name of both.
        name: String,
    },

    /// There is no file where one was recorded.
    #[error("there is no file at `{location}`")]
    NotFound {
        /// The location as it was recorded.
        location: String,
    },

    /// The file is not as long as was recorded.
    #[error("the file at `{location}` has {found} bytes, {expected} were recorded")]
    WrongSize {
        /// The location as it was recorded.
        location: String,
        /// The recorded length in bytes.
        expected: u64,
        /// The length of what is there, in bytes.
        found: u64,
    },

    /// The file does not have the bytes that were recorded.
    #[error("the file at `{location}` does not have the checksum that was recorded")]
    OtherBytes {
        /// The location as it was recorded.
        location: String,
    },

    /// The URL names no place that artifacts can be kept in.
    #[error("artifacts cannot be kept in `{url}`: {reason}")]
    BadUrl {
        /// The URL, without what could be secret.
        url: String,
        /// What is wrong with it.
        reason: String,
    },

    /// The object store refused, or was not reached however often it was asked.
    #[error("could not {action} `{what}`: {cause}")]
    Store {
        /// What was being done.
        action: &'static str,
        /// To which object, or in which place.
        what: String,
        /// What the store said.
        cause: Box<dyn std::error::Error + Send + Sync>,
    },

    /// The disk or the quota is full.
    #[error("could not {action} `{what}`: {cause}")]
    StorageFull {
        /// What was being done.
        action: &'static str,
        /// To which file or folder.
        what: String,
        /// What the system said.
        cause: io::Error,
    },

    /// The system refused for another reason.
    #[error("could not {action} `{what}`: {cause}")]
    Io {
        /// What was being done.
        action: &'static str,
        /// To which file or folder.
        what: String,
        /// What the system said.
        cause: io::Error,
    },
}

impl ArtifactError {
    pub(crate) fn io(
        action: &'static str,
        what: impl fmt::Display,
        cause: impl Into<io::Error>,
    ) -> Self {
        let (what, cause) = (what.to_string(), cause.into());
        match cause.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Self::StorageFull {
                action,
                what,
                cause,
            },
            _ => Self::Io {
                action,
                what,
                cause,
            },
        }
    }

    pub(crate) fn store(
        action: &'static str,
        what: impl fmt::Display,
        cause: impl Into<Box<dyn std::error::Error + Send + Sync>>,
    ) -> Self {
        Self::Store {
            action,
            what: what.to_string(),
            cause: cause.into(),
        }
    }

    pub(crate) fn taken(location: &Location) -> Self {
        Self::NameTaken {
            name: location.name().to_owned(),
        }
    }

    pub(crate) fn bad_location(artifact: &Artifact, reason: &'static str) -> Self {
        Self::BadLocation {
            location: artifact.location.clone(),
            reason,
        }
    }

    /// Refuses bytes that are not as many as were recorded.
    pub(crate) fn check_size(artifact: &Artifact, found: u64) -> Result<(), Self> {
        if found == artifact.size {
            return Ok(());
        }
        Err(Self::WrongSize {
            location: artifact.location.clone(),
            expected: artifact.size,
            found,
        })
    }

    /// The problem to tell a caller; this error becomes its cause for the log.
    ///
    /// Use it rather than `?`, which makes every error an
    /// [`Internal`](ErrorCode::Internal) problem.
    pub fn into_problem(self) -> Problem {
        match &self {
            Self::BadName { .. } => Problem::user(self.to_string()),
            Self::NameTaken { .. } => Problem::user(self.to_string())
                .hint("give each artifact of a job a name of its own"),
            Self::StorageFull { .. } => Problem::new(
                ErrorCode::StorageFull,
                "the server has no room left to keep this artifact",
            )
            .hint("try again when its operator has freed some")
            .because(self),
            Self::Store { .. } => Problem::new(
                ErrorCode::Internal,
                "the server cannot reach the place where it keeps files",
            )
            .hint("try again in a few minutes")
            .because(self),
            _ => Problem::internal(self),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_disk_and_a_full_quota_are_told_to_the_caller() {
        for errno in [rustix::io::Errno::NOSPC, rustix::io::Errno::DQUOT] {
            let problem = ArtifactError::io("write", "a", errno).into_problem();
            assert_eq!(problem.code(), ErrorCode::StorageFull);
            assert!(problem.cause().is_some());
        }
    }

    #[test]
    fn other_failures_do_not_show_a_caller_where_things_lie() {
        let problem = ArtifactError::io("write", "/secret", rustix::io::Errno::IO).into_problem();
        assert_eq!(problem.code(), ErrorCode::Internal);
        assert!(!problem.public_message().contains("secret"));
        assert!(problem.cause().unwrap().to_string().contains("/secret"));
    }
}
