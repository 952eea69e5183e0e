//! The statements of a whole life of a job, for whoever measures what they cost without us.

use super::{claim::CLAIM_OTHERS, enqueue::ENQUEUE, finish::SUCCEED, progress::REPORT};

/// What a job without a key, files, logs and limits costs the database: one statement a step. The
/// benchmark gives them to `pgbench`. Not an interface: they change with the schema.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct LifeStatements {
    /// Takes a job in; its parameters are those of [`NewJob`](crate::NewJob), the id first.
    pub enqueue: &'static str,
    /// Gives jobs to a worker, the parameter `$1`; `$6` is how many milliseconds a job of another
    /// version is left alone, `$7` how many jobs at most.
    pub claim: &'static str,
    /// Keeps the progress of the job `$1` with the epoch `$2`. Its commit need not wait for the
    /// disk.
    pub report: &'static str,
    /// Ends the job `$1` with the epoch `$2`.
    pub succeed: &'static str,
}

impl LifeStatements {
    /// As this version runs them.
    #[must_use]
    pub const fn current() -> Self {
        Self {
            enqueue: ENQUEUE,
            claim: CLAIM_OTHERS,
            report: REPORT,
            succeed: SUCCEED,
        }
    }
}
