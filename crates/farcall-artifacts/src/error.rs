//! What can go wrong with the bytes of artifacts.

use std::{fmt, io};

use farcall_core::problem::{ErrorCode, Problem};

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
        /// The length on disk in bytes.
        found: u64,
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
