//! A job as a task of MCP: the same record, seen by a client that knows tasks.
//!
//! A task is a job whose kind is exposed as one; its id is the job's. Nothing is kept beside the
//! record, so task and contract cannot disagree.

use std::collections::BTreeMap;

use farcall_core::{
    JsonObject,
    context::CallContext,
    id::JobId,
    job::{Job, state::JobState},
    principal::Principal,
    problem::{ErrorCode, Problem},
    question::{Askable, Asking, Question},
};
use farcall_store::{JobError, JobRecord, Reach, StoreError};
use serde_json::Value;

use crate::{
    Links, Queue,
    contract::{self, result, start, status},
};

/// Starts tasks and tells about them; cheap to clone.
#[derive(Clone)]
pub struct Tasks {
    pub(crate) queue: Queue,
    links: Links,
}

/// Where a task stands.
#[derive(Debug)]
pub struct Task {
    /// Its identity, which is the job's.
    pub id: JobId,
    /// The kind of job, which is the name of the tool that started it.
    pub job: String,
    /// What it is to its client.
    pub view: View,
    /// One line about it.
    pub message: String,
    /// When it was accepted, RFC 3339.
    pub created_at: String,
    /// When something about it changed last, RFC 3339.
    pub updated_at: String,
    /// How long after its beginning it is kept at least, in milliseconds.
    pub ttl_ms: u64,
    /// When to ask again, in milliseconds; none where it is over.
    pub poll_after_ms: Option<u64>,
}

/// What a task is to its client.
#[derive(Debug)]
pub enum View {
    /// It waits for a worker, or runs.
    Working,
    /// It waits for answers to these questions, by their keys.
    InputRequired(Vec<(String, Question)>),
    /// It has a result, or an error that a tool may have.
    Completed(Result<Value, Problem>),
    /// The server failed it.
    Failed(JobError),
    /// It was cancelled.
    Cancelled,
}

impl Tasks {
    /// The tasks of `queue`, with files at `links`.
    pub fn new(queue: Queue, links: Links) -> Self {
        Self { queue, links }
    }

    /// Starts a job of the kind `job` for a client that knows tasks, and can be asked as the call
    /// says.
    ///
    /// # Errors
    /// As a start has them, and what has to be asked before there is a job.
    pub async fn start(
        &self,
        job: &str,
        context: &CallContext,
        arguments: JsonObject,
    ) -> Result<Task, Problem> {
        let ways = Asking::ALL.into_iter().filter(|way| context.can_ask(*way));
        let can_ask = ways.fold(Askable::NOBODY, Askable::with);
        let started = start::begin(&self.queue, job, context, arguments, can_ask).await?;
        // Whoever may begin it is told of it, also where it may not look after it.
        let (id, caller) = (started.id.to_string(), context.principal());
        match self.find(&id, caller, Access::Answer).await? {
            Some((record, _)) => self.seen(record, caller).await,
            None => Err(Problem::internal(
                "a task was gone before its client heard of it",
            )),
        }
    }

    /// Where the task stands; `None` where there is none for this caller.
    ///
    /// # Errors
    /// A problem where the store cannot be read.
    pub async fn get(&self, id: &str, caller: &Principal) -> Result<Option<Task>, Problem> {
        match self.find(id, caller, Access::Look).await? {
            Some((record, _)) => self.seen(record, caller).await.map(Some),
            None => Ok(None),
        }
    }

    /// The task that `record` is, of this caller's.
    pub(crate) async fn seen(
        &self,
        record: JobRecord,
        caller: &Principal,
    ) -> Result<Task, Problem> {
        let view = match record.state {
            JobState::Running if record.is_asking => self.questions(&record, caller).await?,
            JobState::Queued | JobState::Running => View::Working,
            JobState::Succeeded => {
                let (job, id) = (&record.job, record.id.to_string());
                let outcome = self.queue.outcome(job, &id, caller).await?;
                View::Completed(Ok(result::payload(&self.queue, &self.links, outcome).await))
            }
            JobState::Failed => failed(&record),
        };
        Ok(Task::new(record, view))
    }

    async fn questions(&self, record: &JobRecord, caller: &Principal) -> Result<View, Problem> {
        let reach = Reach::of(caller);
        let open = self.queue.store().questions(record.id, reach).await;
        let open = open.map_err(StoreError::problem)?;
        // They may have been answered since the record was read.
        Ok(if open.is_empty() {
            View::Working
        } else {
            View::InputRequired(open)
        })
    }

    /// Keeps answers to its open questions; others are dropped. `false` where there is no such
    /// task for this caller.
    ///
    /// # Errors
    /// A problem where the store cannot keep them.
    pub async fn answer(
        &self,
        id: &str,
        caller: &Principal,
        answers: &BTreeMap<String, Value>,
    ) -> Result<bool, Problem> {
        let Some((record, _)) = self.find(id, caller, Access::Answer).await? else {
            return Ok(false);
        };
        let reach = Reach::of(caller);
        let is_there = self.queue.store().answer(record.id, reach, answers).await;
        is_there.map_err(StoreError::problem)
    }

    /// Cancels it, where its kind lets callers do that. `false` where there is no such task for
    /// this caller.
    ///
    /// # Errors
    /// A problem where the store cannot keep that.
    pub async fn cancel(&self, id: &str, caller: &Principal) -> Result<bool, Problem> {
        let Some((record, job)) = self.find(id, caller, Access::Cancel).await? else {
            return Ok(false);
        };
        if !job.options.cancel {
            return Ok(true);
        }
        let reach = Reach::of(caller);
        let cancelled = self.queue.store().cancel(record.id, reach).await;
        Ok(cancelled.map_err(StoreError::problem)?.is_some())
    }

    /// The job behind a task, for a caller that may do that with it. Every miss is the same.
    pub(crate) async fn find(
        &self,
        id: &str,
        caller: &Principal,
        access: Access,
    ) -> Result<Option<(JobRecord, &Job)>, Problem> {
        let Ok(id) = JobId::parse(id) else {
            return Ok(None);
        };
        let record = self.queue.store().record(id, Reach::of(caller)).await;
        let Some(record) = record.map_err(StoreError::problem)? else {
            return Ok(None);
        };
        let job = self.queue.job(&record.job);
        let job = job.filter(|job| job.options.expose.has_task());
        // The task of a tool that a caller may not call is none of its.
        let job = job.filter(|_| caller.may_call(&record.job));
        let job = job.filter(|_| !access.is_withheld(caller, &record.job));
        Ok(job.map(|job| (record, job)))
    }
}

/// What a caller does with a task. A tool of the job contract does the same, and its token may not be enough
/// for that one.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Access {
    Look,
    Answer,
    Cancel,
}

impl Access {
    fn is_withheld(self, caller: &Principal, job: &str) -> bool {
        let same = match self {
            Self::Look => vec![format!("get_{job}_status"), format!("get_{job}_result")],
            Self::Answer => Vec::new(),
            Self::Cancel => vec![format!("cancel_{job}")],
        };
        caller.is_withheld(job) || same.iter().any(|tool| caller.is_withheld(tool))
    }
}

impl Task {
    fn new(record: JobRecord, view: View) -> Self {
        let message = match &record.error {
            Some(error) => error.message.clone(),
            None => status::message(&record).to_owned(),
        };
        let kept_until = match record.expires_at {
            Some(expires_at) => expires_at.0,
            None => record
                .read_at
                .0
                .saturating_add(milliseconds(record.keep_for)),
        };
        let ttl_ms = kept_until.saturating_sub(record.created_at.0).max(1);
        let is_over = record.state.is_terminal();
        Self {
            ttl_ms: ttl_ms.unsigned_abs(),
            poll_after_ms: (!is_over).then(|| status::poll_after(&record).unsigned_abs()),
            id: record.id,
            job: record.job,
            view,
            message,
            created_at: record.created_at.rfc3339(),
            updated_at: record.updated_at.rfc3339(),
        }
    }
}

fn milliseconds(time: std::time::Duration) -> i64 {
    i64::try_from(time.as_millis()).unwrap_or(i64::MAX)
}

/// A job that failed: what its own code came to is the answer of a tool that failed; what the
/// server did to it is an error of the protocol.
fn failed(record: &JobRecord) -> View {
    let Some(error) = &record.error else {
        return View::Completed(Err(contract::failure(record)));
    };
    match error.code {
        ErrorCode::Cancelled => View::Cancelled,
        ErrorCode::UserError
        | ErrorCode::ExitNonzero
        | ErrorCode::OutputLimit
        | ErrorCode::Timeout => View::Completed(Err(contract::failure(record))),
        _ => View::Failed(error.clone()),
    }
}
