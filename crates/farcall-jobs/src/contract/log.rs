//! `get_<x>_log`: what the code of a job said.

use std::ops::ControlFlow;

use farcall_core::{
    JsonObject,
    context::CallContext,
    job::Job,
    problem::Problem,
    schema,
    tool::{Annotations, ToolDeclaration},
};
use farcall_store::{LogLine, LogPage};
use serde_json::{Value, json};

use super::{Contract, id};

/// The most lines in one answer.
const MAX_LINES: usize = 200;

/// How many lines there are in one where the caller says nothing.
const DEFAULT_LINES: usize = 50;

/// How much text there is in one answer.
const MAX_BYTES: usize = 64 << 10;

/// The most lines that one call looks through.
const MAX_SCANNED: usize = 2_000;

pub(super) fn declaration(job: &Job) -> ToolDeclaration {
    let name = &job.name;
    let description = format!(
        "Read the log of a job of start_{name}, oldest line first. Call again with next_cursor for what follows, until more is false."
    );
    let mut input = super::schema::only_id(job);
    let arguments = &mut input["properties"];
    arguments["cursor"] = json!({
        "type": "string",
        "pattern": "^[0-9]{1,18}$",
        "description": "The next_cursor of the call before; without it the log begins at its oldest line.",
    });
    arguments["lines"] = json!({
        "type": "integer",
        "minimum": 1,
        "maximum": MAX_LINES,
        "default": DEFAULT_LINES,
        "description": "The most lines to return.",
    });
    arguments["grep"] = json!({
        "type": "string",
        "maxLength": 200,
        "description": "Return only lines with this text in them, in this case.",
    });
    let mut declaration = ToolDeclaration::new(format!("get_{name}_log"), description);
    declaration.annotations = Annotations::read_only();
    declaration.input_schema = input;
    declaration.output_schema = Some(output());
    declaration
}

fn output() -> JsonObject {
    schema::object(json!({
        "type": "object",
        "properties": {
            "job_id": super::schema::id(),
            "lines": {
                "type": "array",
                "description": "Lines of the log, oldest first.",
                "items": {
                    "type": "object",
                    "properties": {
                        "n": {"type": "integer", "description": "Number of the line, from 1."},
                        "at": {"type": "string", "description": "When it was kept, RFC 3339."},
                        "text": {"type": "string", "description": "What it says."},
                    },
                    "required": ["n", "at", "text"],
                },
            },
            "next_cursor": {"type": "string", "description": "Where the next call goes on."},
            "more": {"type": "boolean", "description": "False once the job is over and has no line after these."},
        },
        "required": ["job_id", "lines", "next_cursor", "more"],
    }))
}

impl Contract {
    pub(super) async fn log(
        &self,
        context: &CallContext,
        arguments: &JsonObject,
    ) -> Result<Value, Problem> {
        let (id, caller) = (id(arguments), context.principal());
        let mut slice = Slice::of(arguments);
        loop {
            let wanted = (slice.next, slice.page());
            let page = self.queue.log(&self.job, id, caller, wanted).await?;
            if slice.take(page).is_break() {
                break;
            }
        }
        Ok(json!({
            "job_id": id,
            "lines": slice.lines,
            "next_cursor": slice.next.to_string(),
            "more": !slice.is_over,
        }))
    }
}

/// The part of a log that one call returns.
struct Slice {
    wanted: usize,
    grep: String,
    next: u64,
    lines: Vec<Value>,
    bytes: usize,
    scanned: usize,
    is_over: bool,
}

impl Slice {
    fn of(arguments: &JsonObject) -> Self {
        let text = |name| arguments.get(name).and_then(Value::as_str);
        let wanted = arguments.get("lines").and_then(Value::as_u64);
        let wanted = wanted.and_then(|wanted| wanted.try_into().ok());
        let cursor = text("cursor").and_then(|cursor| cursor.parse().ok());
        Self {
            wanted: wanted.unwrap_or(DEFAULT_LINES).clamp(1, MAX_LINES),
            grep: text("grep").unwrap_or_default().to_owned(),
            next: cursor.unwrap_or(1),
            lines: Vec::new(),
            bytes: 0,
            scanned: 0,
            is_over: false,
        }
    }

    /// How many lines to read at once.
    fn page(&self) -> u32 {
        let lines = if self.grep.is_empty() {
            self.wanted - self.lines.len()
        } else {
            MAX_LINES
        };
        u32::try_from(lines).unwrap_or(u32::MAX)
    }

    /// Takes what it wants of `page`; breaks where it has enough, or there is no more.
    fn take(&mut self, page: LogPage) -> ControlFlow<()> {
        let asked = self.page() as usize;
        let is_last = page.lines.len() < asked;
        for line in page.lines {
            let is_wanted = line.text.contains(&self.grep);
            if is_wanted && !self.lines.is_empty() && self.bytes + line.text.len() > MAX_BYTES {
                return ControlFlow::Break(());
            }
            self.next = line.number + 1;
            self.scanned += 1;
            if is_wanted {
                self.bytes += line.text.len();
                self.lines.push(shown(&line));
                if self.lines.len() == self.wanted {
                    break;
                }
            }
        }
        self.is_over = page.is_over && self.next >= page.next;
        let has_enough = self.lines.len() == self.wanted || self.scanned >= MAX_SCANNED;
        if is_last || has_enough {
            return ControlFlow::Break(());
        }
        ControlFlow::Continue(())
    }
}

fn shown(line: &LogLine) -> Value {
    json!({"n": line.number, "at": line.at.rfc3339(), "text": line.text})
}
