//! What the server and the process of a step say to each other.

use std::{path::PathBuf, time::Duration};

use farcall_core::{
    JsonObject,
    artifact::Artifact,
    id::JobId,
    job::StopReason,
    problem::{ErrorCode, Problem},
    question::Question,
};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// What to run: the first line that the process reads.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Order {
    /// The name of the job.
    pub(super) job: String,
    /// Which of its steps, from 0.
    pub(super) step: usize,
    /// The job's program, so that no other one takes the order.
    pub(super) fingerprint: String,
    /// What the step is given.
    pub(super) value: Value,
    pub(super) standing: Standing,
}

/// What a stage can ask about its job without the server.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Standing {
    pub(super) id: String,
    pub(super) attempt: u32,
    pub(super) tries_left: u32,
    pub(super) losses: u32,
    pub(super) is_alone: bool,
    pub(super) work_dir: PathBuf,
    /// Where files are written that the server takes.
    pub(super) spool: PathBuf,
    /// The methods by which its caller can be asked.
    pub(super) can_ask: Vec<String>,
    /// Where the stage that the step begins with stands in a trace.
    pub(super) trace: Option<String>,
}

impl Standing {
    pub(super) fn job_id(&self) -> Option<JobId> {
        JobId::parse(&self.id).ok()
    }
}

/// What a stage does. Of those marked with *, it waits for the answer.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Said {
    /// * Enters the stage of this name.
    Stage(String),
    /// How far it is.
    Report {
        fraction: Option<f64>,
        message: Option<String>,
    },
    /// A line for the job's log.
    Log(String),
    /// * Keeps this for a step that begins again.
    Checkpoint(Value),
    /// * Asks the job's caller.
    Ask(Vec<Asked>),
    /// * Has finished the file with this number in the spool.
    Artifact { name: String, number: u64 },
    /// The step is over, and this is its value.
    Done(Value),
    /// The step has failed.
    Failed(Fault),
}

/// A question with its key.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Asked {
    pub(super) key: String,
    method: String,
    params: JsonObject,
}

impl Asked {
    pub(super) fn new(key: String, question: &Question) -> Self {
        Self {
            key,
            method: question.method().to_owned(),
            params: question.params().clone(),
        }
    }

    pub(super) fn read(self) -> Option<(String, Question)> {
        let question = Question::parse(&self.method, self.params)?;
        Some((self.key, question))
    }
}

/// What the server tells the process: an answer to the one thing that it waits for, or that it should
/// stop.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Told {
    Kept,
    Answers(Vec<Value>),
    Artifact(Artifact),
    Refused(Fault),
    Stop(Stop),
}

/// A [`StopReason`].
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Stop {
    Cancelled,
    TimedOut,
    Stopping,
    Lost,
}

impl From<StopReason> for Stop {
    fn from(reason: StopReason) -> Self {
        match reason {
            StopReason::Cancelled => Self::Cancelled,
            StopReason::TimedOut => Self::TimedOut,
            StopReason::Stopping => Self::Stopping,
            _ => Self::Lost,
        }
    }
}

impl From<Stop> for StopReason {
    fn from(stop: Stop) -> Self {
        match stop {
            Stop::Cancelled => Self::Cancelled,
            Stop::TimedOut => Self::TimedOut,
            Stop::Stopping => Self::Stopping,
            Stop::Lost => Self::Lost,
        }
    }
}

/// A [`Problem`], what its caller reads and what the log gets apart.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Fault {
    code: String,
    /// What its caller reads, the hint included.
    message: String,
    details: JsonObject,
    cause: Option<String>,
    retry_after: Option<Duration>,
    is_final: bool,
}

impl From<&Problem> for Fault {
    fn from(problem: &Problem) -> Self {
        Self {
            code: problem.code().as_str().to_owned(),
            message: problem.public_message(),
            details: problem.details().clone(),
            cause: problem.cause().map(ToString::to_string),
            retry_after: problem.retry_after(),
            is_final: problem.is_final(),
        }
    }
}

impl From<Fault> for Problem {
    fn from(fault: Fault) -> Self {
        let code = ErrorCode::parse(&fault.code).unwrap_or(ErrorCode::Internal);
        let mut problem = Self::new(code, fault.message);
        for (name, detail) in fault.details {
            problem = problem.with(name, detail);
        }
        if let Some(cause) = fault.cause {
            problem = problem.because(cause);
        }
        if let Some(pause) = fault.retry_after {
            problem = problem.try_again_after(pause);
        }
        if fault.is_final {
            problem = problem.no_retry();
        }
        problem
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_problem_travels_whole_and_its_cause_stays_out_of_its_sentence() {
        let problem = Problem::new(ErrorCode::StorageFull, "it is full")
            .hint("free some")
            .with("place", "attic")
            .because("ENOSPC in /srv")
            .try_again_after(Duration::from_secs(3))
            .no_retry();
        let line = serde_json::to_string(&Fault::from(&problem)).unwrap();
        let read = Problem::from(serde_json::from_str::<Fault>(&line).unwrap());
        assert_eq!(read.code(), ErrorCode::StorageFull);
        assert_eq!(read.public_message(), "it is full; free some");
        assert_eq!(read.cause().unwrap().to_string(), "ENOSPC in /srv");
        assert_eq!(read.details(), problem.details());
        assert_eq!(read.retry_after(), Some(Duration::from_secs(3)));
        assert!(read.is_final());
    }
}
