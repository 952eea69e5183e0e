//! Somebody who calls a server.

use std::time::Duration;

use farcall_cli::{
    Failure,
    client::{
        CallError, Connection, Endpoint, Wire,
        download::Download,
        jobs::{self, JobTools, Pace, Status},
    },
};
use farcall_core::{JsonObject, job::state::JobState};
use serde_json::Value;
use tokio::sync::OnceCell;

/// How a test watches its jobs: closely, and not for ever.
const PACE: Pace = Pace {
    at_most: Duration::from_millis(10),
    give_up_after: Duration::from_mins(1),
};

/// Somebody who calls a [`Server`](super::Server), as a client of MCP 2026-07-28.
pub struct Caller {
    endpoint: Endpoint,
    connection: OnceCell<Connection>,
}

/// Why a tool gave no result.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error("{message}")]
#[non_exhaustive]
pub struct ToolError {
    /// The sentence that clients read.
    pub message: String,
    /// The tool's whole answer, `{"error": …}` with what belongs to it. `null` where no tool
    /// answered: there is none of that name, the caller is not let in, the server is gone.
    pub payload: Value,
}

/// How a job ended.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct JobOutcome {
    /// Its identity.
    pub job_id: String,
    /// `Succeeded` or `Failed`.
    pub state: JobState,
    /// What its status tool said on the way, each change once, the end included. Short stages
    /// can be over before anybody looks.
    pub statuses: Vec<Status>,
    /// The whole answer of its result tool: `url`, `artifacts` and `result` where it has
    /// succeeded, `error` and `error_code` where it has failed.
    pub result: Value,
}

impl Caller {
    pub(super) fn new(url: &str, token: Option<&str>) -> Result<Self, Failure> {
        let mut endpoint = Endpoint::new(url)?;
        if let Some(token) = token {
            endpoint = endpoint.bearer(token)?;
        }
        Ok(Self {
            endpoint,
            connection: OnceCell::new(),
        })
    }

    /// Calls a tool with `arguments`, a JSON object, `null` for none.
    ///
    /// Returns the structured result, else the JSON in the answer's text, else the text itself
    /// as a JSON string.
    ///
    /// # Errors
    /// A [`ToolError`] where the tool says that it failed, the arguments are refused, or no tool
    /// answers.
    pub async fn call(&self, tool: &str, arguments: Value) -> Result<Value, ToolError> {
        let arguments = object(arguments)?;
        Ok(self.connection().await?.call(tool, arguments).await?)
    }

    /// Starts the job called `job` (not `start_…`) with its parameters, a JSON object, and
    /// returns its `job_id`.
    ///
    /// # Errors
    /// A [`ToolError`] where it is refused.
    pub async fn start_job(&self, job: &str, arguments: Value) -> Result<String, ToolError> {
        let arguments = object(arguments)?;
        let connection = self.connection().await?;
        let started = jobs::start(connection, &JobTools::of(job), arguments).await?;
        Ok(started.job_id)
    }

    /// Waits for the end of a job, at most a minute; whether it has succeeded is in the outcome.
    ///
    /// # Errors
    /// A [`ToolError`] where the job is unknown to this caller, does not end, or an answer is
    /// not what the job contract says.
    pub async fn finish_job(&self, job: &str, job_id: &str) -> Result<JobOutcome, ToolError> {
        let connection = self.connection().await?;
        let tools = JobTools::of(job);
        let mut statuses: Vec<Status> = Vec::new();
        let last = jobs::follow(connection, &tools, job_id, PACE, |status| {
            if statuses.last() != Some(status) {
                statuses.push(status.clone());
            }
        });
        let state = last.await?.state;
        Ok(JobOutcome {
            job_id: job_id.to_owned(),
            state,
            statuses,
            result: jobs::result(connection, &tools, job_id).await?,
        })
    }

    /// Starts a job and waits for its end: [`start_job`](Self::start_job), then
    /// [`finish_job`](Self::finish_job).
    ///
    /// # Errors
    /// A [`ToolError`] where either has one. A job that fails is an outcome, no error.
    pub async fn run_job(&self, job: &str, arguments: Value) -> Result<JobOutcome, ToolError> {
        let job_id = self.start_job(job, arguments).await?;
        self.finish_job(job, &job_id).await
    }

    /// The bytes of the file at `url`, as a job's result names it.
    ///
    /// # Errors
    /// A [`Failure`] where the server does not give it out.
    pub async fn download(&self, url: &str) -> Result<Vec<u8>, Failure> {
        let mut download = Download::open(&self.endpoint, url).await?;
        let mut bytes = Vec::new();
        while let Some(chunk) = download.chunk().await? {
            bytes.extend_from_slice(chunk.as_ref());
        }
        Ok(bytes)
    }

    pub(super) fn without_token(&self) -> Self {
        Self {
            endpoint: self.endpoint.without_headers(),
            connection: OnceCell::new(),
        }
    }

    pub(super) fn url(&self) -> &str {
        self.endpoint.url().as_str()
    }

    pub(super) async fn leave(self) {
        if let Some(connection) = self.connection.into_inner() {
            connection.close().await;
        }
    }

    async fn connection(&self) -> Result<&Connection, ToolError> {
        let open = || async {
            let opened = Connection::open(&self.endpoint, Wire::Stateless).await;
            opened.map_err(|error| ToolError::unanswered(error.into()))
        };
        self.connection.get_or_try_init(open).await
    }
}

impl ToolError {
    /// The class of the failure, for example `user_error`, where the tool says it.
    pub fn code(&self) -> Option<&str> {
        self.payload["error_code"].as_str()
    }

    fn unanswered(failure: Failure) -> Self {
        Self {
            message: failure.message,
            payload: Value::Null,
        }
    }
}

impl From<CallError> for ToolError {
    fn from(error: CallError) -> Self {
        match error {
            CallError::Refused { message, payload } => Self { message, payload },
            CallError::Failed(failure) => Self::unanswered(failure),
        }
    }
}

impl JobOutcome {
    /// URL of the job's primary file, where it has succeeded.
    pub fn url(&self) -> Option<&str> {
        self.result["url"].as_str()
    }
}

fn object(arguments: Value) -> Result<JsonObject, ToolError> {
    match arguments {
        Value::Null => Ok(JsonObject::new()),
        Value::Object(arguments) => Ok(arguments),
        other => Err(ToolError::unanswered(Failure::usage(format!(
            "arguments are a JSON object, not {other}"
        )))),
    }
}
