//! The four states of a job, and the only ways from one to another.
//!
//! ```text
//!            claim                 succeed
//! queued ───────────▶ running ───────────────▶ succeeded
//!   │  ▲                 │ │
//!   │  └─────────────────┘ │
//!   │   recover, release,  │ fail
//!   │   retry              │
//!   │                      ▼
//!   └──────────────────▶ failed
//!          fail
//! ```
//!
//! Terminal states never change. The database holds the same rules as triggers, so that
//! no statement, however wrong, can break them.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Where a job stands; exactly four, as clients know them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum JobState {
    /// Accepted and durable, waiting for a worker.
    Queued,
    /// A worker is at it.
    Running,
    /// Done; its result and files can be fetched.
    Succeeded,
    /// Over without a result; its error says why.
    Failed,
}

/// What can happen to a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Transition {
    /// A worker takes it.
    Claim,
    /// Its worker is gone; it waits for another one, and the loss is counted.
    Recover,
    /// Its worker hands it back unfinished, because the server stops; nothing is counted.
    Release,
    /// Its program gave up, and it is tried again after a pause; only the attempt is counted.
    Retry,
    /// Its program came to its end.
    Succeed,
    /// Its program, or the server on its behalf, gave up.
    Fail,
}

/// A transition that its state does not allow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a job that is `{from}` cannot {transition:?}")]
pub struct IllegalTransition {
    /// Where the job stands.
    pub from: JobState,
    /// What should have happened.
    pub transition: Transition,
}

impl JobState {
    /// Every state.
    pub const ALL: [Self; 4] = [Self::Queued, Self::Running, Self::Succeeded, Self::Failed];

    /// The state as it stands on the wire and in the store, for example `queued`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Running => "running",
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
        }
    }

    /// The state whose [`as_str`](Self::as_str) is `text`, if there is one.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == text)
    }

    /// Whether nothing will happen to the job any more.
    pub fn is_terminal(self) -> bool {
        matches!(self, Self::Succeeded | Self::Failed)
    }

    /// The state after `transition`.
    ///
    /// # Errors
    /// [`IllegalTransition`] where this state does not allow it.
    pub fn after(self, transition: Transition) -> Result<Self, IllegalTransition> {
        match (self, transition) {
            (Self::Queued, Transition::Claim) => Ok(Self::Running),
            (Self::Running, Transition::Recover | Transition::Release | Transition::Retry) => {
                Ok(Self::Queued)
            }
            (Self::Running, Transition::Succeed) => Ok(Self::Succeeded),
            (Self::Queued | Self::Running, Transition::Fail) => Ok(Self::Failed),
            (from, transition) => Err(IllegalTransition { from, transition }),
        }
    }
}

impl fmt::Display for JobState {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TRANSITIONS: [Transition; 6] = [
        Transition::Claim,
        Transition::Recover,
        Transition::Release,
        Transition::Retry,
        Transition::Succeed,
        Transition::Fail,
    ];

    #[test]
    fn terminal_states_allow_nothing() {
        for state in JobState::ALL
            .into_iter()
            .filter(|state| state.is_terminal())
        {
            for transition in TRANSITIONS {
                assert!(state.after(transition).is_err(), "{state} {transition:?}");
            }
        }
    }

    #[test]
    fn only_a_running_job_succeeds() {
        for state in JobState::ALL {
            let succeeds = state.after(Transition::Succeed).is_ok();
            assert_eq!(succeeds, state == JobState::Running);
        }
    }

    #[test]
    fn states_read_what_they_write() {
        for state in JobState::ALL {
            assert_eq!(JobState::parse(state.as_str()), Some(state));
        }
    }
}
