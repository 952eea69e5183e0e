//! One line.

use std::{borrow::Cow, net::IpAddr, time::Instant};

use farcall_core::{
    artifact::hexadecimal, clock::Timestamp, context::CallContext, id::JobId, principal::Principal,
    problem::ErrorCode,
};
use rmcp::{
    ErrorData,
    model::{CallToolResponse, CallToolResult, ContentBlock},
};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::Audit;

/// How long a caller's own words may be in a line, in bytes; of longer ones there is the hash alone.
const MAX_VALUES: usize = 64 << 10;

/// A call that is under way. Its line is written when it ends; where nobody waits for it any more, when
/// it is dropped.
pub(crate) struct Call {
    audit: Audit,
    begun: Instant,
    line: Value,
    is_told: bool,
}

/// Whose call it is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Who<'a> {
    pub(crate) request_id: &'a str,
    /// Nobody, where a link was all that was asked for.
    pub(crate) caller: Option<&'a Principal>,
    /// Nowhere, on standard input.
    pub(crate) address: Option<IpAddr>,
}

impl<'a> Who<'a> {
    pub(crate) fn of(context: &'a CallContext, address: Option<IpAddr>) -> Self {
        Self {
            request_id: context.request_id(),
            caller: Some(context.principal()),
            address,
        }
    }
}

/// What a call came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Outcome {
    /// `ok`, `input_required`, `refused`, `abandoned`, or an error code.
    pub(crate) outcome: &'static str,
    /// The job that it was about.
    pub(crate) job: Option<String>,
}

impl Call {
    /// A call of `tool`; of what it is called with there is the hash of its shortest JSON.
    pub(crate) fn begin(audit: &Audit, who: Who<'_>, tool: &str, arguments: &Value) -> Self {
        let text = arguments.to_string();
        let mut line = json!({
            "time": audit.now().rfc3339(),
            "event": "call",
            "request_id": who.request_id,
            "caller": who.caller.map(Principal::id),
            "address": who.address,
            "tool": tool.chars().take(128).collect::<String>(),
            "arguments_sha256": hexadecimal(&Sha256::digest(&text)),
        });
        if audit.has_values() && text.len() <= MAX_VALUES {
            line["arguments"] = arguments.clone();
        }
        if let Some(job) = arguments.get("job_id").and_then(Value::as_str) {
            line["job_id"] = job.chars().take(64).collect::<String>().into();
        }
        Self {
            audit: audit.clone(),
            begun: Instant::now(),
            line,
            is_told: false,
        }
    }

    /// Writes what it came to.
    pub(crate) fn end(mut self, outcome: Outcome) {
        self.tell(outcome);
    }

    fn tell(&mut self, Outcome { outcome, job }: Outcome) {
        if std::mem::replace(&mut self.is_told, true) {
            return;
        }
        if let Some(job) = job {
            self.line["job_id"] = job.into();
        }
        self.line["outcome"] = outcome.into();
        let passed = u64::try_from(self.begun.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.line["ms"] = passed.into();
        self.audit.write(written(&self.line));
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        self.tell(Outcome::new("abandoned"));
    }
}

impl Outcome {
    pub(crate) fn new(outcome: &'static str) -> Self {
        Self { outcome, job: None }
    }

    /// What a call of a tool was answered with.
    pub(crate) fn of(answer: &Result<CallToolResponse, ErrorData>) -> Self {
        match answer {
            Ok(CallToolResponse::Complete(result)) => Self::of_result(result),
            Ok(CallToolResponse::Task(created)) => Self {
                job: Some(created.task.task_id.clone()),
                ..Self::new("ok")
            },
            Ok(_) => Self::new("input_required"),
            Err(_) => Self::new("refused"),
        }
    }

    fn of_result(result: &CallToolResult) -> Self {
        let said = match (&result.structured_content, result.content.first()) {
            (Some(value), _) => Cow::Borrowed(value),
            // Of an error whose tool has a schema there is the text alone.
            (None, Some(ContentBlock::Text(text))) if result.is_error == Some(true) => {
                Cow::Owned(serde_json::from_str(&text.text).unwrap_or_default())
            }
            _ => Cow::Owned(Value::Null),
        };
        let of = |key: &str| said.get(key).and_then(Value::as_str);
        // A tool may say what it likes: only what has a form of ours gets into a line.
        let outcome = if result.is_error == Some(true) {
            let code = of("error_code");
            let mut known = ErrorCode::ALL.into_iter().map(ErrorCode::as_str);
            known
                .find(|known| Some(*known) == code)
                .unwrap_or(ErrorCode::UserError.as_str())
        } else {
            "ok"
        };
        let job = of("job_id").filter(|id| JobId::parse(id).is_ok());
        Self {
            job: job.map(str::to_owned),
            ..Self::new(outcome)
        }
    }
}

/// Writes that somebody has asked for a file, and got the status `status`.
pub(crate) fn fetched(
    audit: &Audit,
    who: Who<'_>,
    (job, name): (JobId, Option<&str>),
    status: http::StatusCode,
) {
    let line = json!({
        "time": audit.now().rfc3339(),
        "event": "file",
        "request_id": who.request_id,
        // Whoever has a link has no name.
        "caller": who.caller.map(Principal::id),
        "address": who.address,
        "job_id": job,
        "file": name.map(|name| name.chars().take(128).collect::<String>()),
        "status": status.as_u16(),
    });
    audit.write(written(&line));
}

/// The line that tells of lines which found no room.
pub(super) fn lost(lines: u64, now: Timestamp) -> Vec<u8> {
    written(&json!({
        "time": now.rfc3339(),
        "event": "lost",
        "lines": lines,
    }))
}

fn written(line: &Value) -> Vec<u8> {
    let mut line = line.to_string().into_bytes();
    line.push(b'\n');
    line
}
