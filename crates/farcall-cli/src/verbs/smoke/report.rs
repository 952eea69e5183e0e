//! What was seen, as `--json` prints it.

use serde::Serialize;
use serde_json::Value;

use crate::{
    Failure,
    client::{Endpoint, jobs::Status},
};

/// Everything that was seen.
#[derive(Debug, Serialize)]
pub(super) struct Report {
    pub(super) ok: bool,
    pub(super) url: String,
    /// One for each version of the protocol.
    pub(super) runs: Vec<Run>,
    /// The version that the server does not speak.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) not_spoken: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) error: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) hint: Option<String>,
}

/// What was seen over one version of the protocol.
#[derive(Debug, Serialize)]
pub(super) struct Run {
    /// The version that was agreed on.
    pub(super) version: String,
    pub(super) tools: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) call: Option<CallReport>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) job: Option<JobReport>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) left_out: Option<String>,
}

/// One call of a tool.
#[derive(Debug, Serialize)]
pub(super) struct CallReport {
    pub(super) tool: String,
    pub(super) arguments: Value,
    pub(super) answer: Value,
}

/// One job.
#[derive(Debug, Serialize)]
pub(super) struct JobReport {
    pub(super) name: String,
    pub(super) job_id: String,
    /// Every change that was seen.
    pub(super) statuses: Vec<Status>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) result: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) file: Option<FileReport>,
}

/// The file that a job left.
#[derive(Debug, Serialize)]
pub(super) struct FileReport {
    pub(super) url: String,
    pub(super) size: u64,
    pub(super) sha256: String,
    /// Whether it is what the result says it is.
    pub(super) ok: bool,
}

impl Report {
    pub(super) fn new(endpoint: &Endpoint) -> Self {
        Self {
            ok: false,
            url: endpoint.to_string(),
            runs: Vec::new(),
            not_spoken: None,
            error: None,
            hint: None,
        }
    }

    pub(super) fn ended(mut self, outcome: &Result<(), Failure>) -> Self {
        match outcome {
            Ok(()) => self.ok = true,
            Err(failure) => {
                self.error = Some(failure.message.clone());
                self.hint.clone_from(&failure.hint);
            }
        }
        self
    }
}

impl Run {
    pub(super) fn new(version: String) -> Self {
        Self {
            version,
            tools: Vec::new(),
            call: None,
            job: None,
            left_out: None,
        }
    }
}
