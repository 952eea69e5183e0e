//! What becomes of what a program prints.

use std::sync::atomic::{AtomicU64, Ordering};

use farcall_config::file::Output;
use farcall_core::{
    JsonObject,
    content::ToolOutput,
    problem::{ErrorCode, Problem},
    schema::CheckedSchema,
};
use serde_json::Value;
use tokio::io::{AsyncRead, AsyncReadExt};

use crate::{lines::Lines, text};

/// The longest text that an agent is given, in bytes.
pub const MAX_TEXT: usize = 64 << 10;

/// The longest JSON that is read, in bytes: what a value of a job may have.
pub const MAX_JSON: usize = farcall_core::job::MAX_STAGE_VALUE;

/// How much of the output of a program is taken where its declaration says nothing, in bytes.
pub const DEFAULT_LIMIT: u64 = 100 << 20;

/// How much is read from a pipe at once, in bytes.
pub(crate) const PIECE: usize = 16 << 10;

/// How many of the last lines of an error are told, and how long they are together, in bytes.
const TOLD_LINES: usize = 10;
const TOLD_BYTES: usize = 2 << 10;

/// What a program prints, judged by its declaration.
#[derive(Debug)]
pub(crate) enum Printed {
    Text,
    Json(Option<CheckedSchema>),
    Nothing,
}

impl Printed {
    /// What `output` declares.
    ///
    /// # Errors
    /// What is wrong with the schema.
    pub(crate) fn new(output: &Output) -> Result<Self, String> {
        Ok(match output {
            Output::Text => Self::Text,
            Output::Json(schema) => {
                Self::Json(schema.as_ref().map(CheckedSchema::compile).transpose()?)
            }
            Output::Status => Self::Nothing,
        })
    }

    /// How many bytes of it have to be kept.
    pub(crate) fn kept(&self) -> usize {
        match self {
            Self::Text => MAX_TEXT,
            Self::Json(_) => MAX_JSON,
            Self::Nothing => 0,
        }
    }

    /// The answer of a tool whose program ended well and printed `head`.
    ///
    /// # Errors
    /// A problem where it printed no JSON, too much of it, or another value than its schema has.
    pub(crate) fn answer(&self, head: &Head) -> Result<ToolOutput, Problem> {
        Ok(match self {
            Self::Text => ToolOutput::text(head.text()),
            Self::Json(_) => ToolOutput::structured(self.value(head)?),
            Self::Nothing => ToolOutput::text("done"),
        })
    }

    /// The JSON value that was printed, [clean](text::clean_value).
    ///
    /// # Errors
    /// As [`answer`](Self::answer).
    pub(crate) fn value(&self, head: &Head) -> Result<Value, Problem> {
        if head.left_out() > 0 {
            return Err(Problem::new(
                ErrorCode::OutputLimit,
                format!(
                    "the program printed {} bytes of JSON, at most {MAX_JSON} are read",
                    head.total
                ),
            ));
        }
        let value = serde_json::from_slice(&head.bytes).map_err(|error| {
            Problem::user("the program did not print JSON, as its declaration says it would")
                .hint("the operator finds what it printed in the server's log")
                .because(format!("{error}, in {}", text::shown(&head.text())))
        })?;
        let value = text::clean_value(value);
        self.check(&value)?;
        Ok(value)
    }

    /// Whether `value` is what the declaration says.
    ///
    /// # Errors
    /// A problem where it is not.
    pub(crate) fn check(&self, value: &Value) -> Result<(), Problem> {
        let Self::Json(Some(schema)) = self else {
            return Ok(());
        };
        schema.check(value).map_err(|violation| {
            Problem::user("the program printed another value than its declaration promises")
                .hint("the operator finds what is wrong in the server's log")
                .because(violation)
        })
    }
}

/// The schema that clients are told of, where every answer follows one. Clients before 2026-07-28 take
/// objects only, so nothing else is promised.
pub(crate) fn promised(output: &Output) -> Option<JsonObject> {
    match output {
        Output::Json(Some(schema)) => {
            (schema.get("type").and_then(Value::as_str) == Some("object")).then(|| schema.clone())
        }
        _ => None,
    }
}

/// The beginning of what was printed.
#[derive(Debug, Default)]
pub(crate) struct Head {
    bytes: Vec<u8>,
    total: u64,
}

impl Head {
    /// Takes what comes, and keeps of it what fits into `limit` bytes.
    pub(crate) fn push(&mut self, bytes: &[u8], limit: usize) {
        self.total += bytes.len() as u64;
        let room = limit.saturating_sub(self.bytes.len());
        self.bytes
            .extend_from_slice(&bytes[..bytes.len().min(room)]);
    }

    fn left_out(&self) -> u64 {
        self.total - self.bytes.len() as u64
    }

    /// What is kept as clean text, and a sentence about what is not.
    pub(crate) fn text(&self) -> String {
        let left_out = self.left_out();
        let text = text::clean(&text::of_bytes(&self.bytes, left_out > 0));
        if left_out == 0 {
            return text;
        }
        format!(
            "{text}\n(the output goes on: {left_out} of {} bytes were left out here)",
            self.total
        )
    }
}

/// The last lines of what was printed as an error.
#[derive(Debug, Default)]
pub(crate) struct Tail {
    lines: Lines,
    last: std::collections::VecDeque<String>,
}

impl Tail {
    pub(crate) fn push(&mut self, bytes: &[u8]) {
        for line in self.lines.push(bytes) {
            self.keep(line.text);
        }
    }

    pub(crate) fn keep(&mut self, line: String) {
        if line.trim().is_empty() {
            return;
        }
        self.last.push_back(line);
        if self.last.len() > TOLD_LINES {
            self.last.pop_front();
        }
    }

    /// The last lines, cut at their beginning.
    pub(crate) fn text(&mut self) -> String {
        if let Some(line) = self.lines.finish() {
            self.keep(line.text);
        }
        let all: Vec<_> = self.last.iter().map(String::as_str).collect();
        let all = all.join("\n");
        let start = all.ceil_char_boundary(all.len().saturating_sub(TOLD_BYTES));
        if start == 0 {
            all
        } else {
            format!("…{}", &all[start..])
        }
    }
}

/// How much a program may print, on both of its outputs together.
#[derive(Debug)]
pub(crate) struct Budget {
    limit: u64,
    taken: AtomicU64,
}

/// A program printed more than it may.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Exceeded;

impl Budget {
    pub(crate) fn new(limit: Option<u64>) -> Self {
        Self {
            limit: limit.unwrap_or(DEFAULT_LIMIT),
            taken: AtomicU64::new(0),
        }
    }

    /// Reads what there is into `bytes`, and says how much it was: nothing at the end.
    pub(crate) async fn read(
        &self,
        from: &mut (impl AsyncRead + Unpin),
        bytes: &mut [u8],
    ) -> Result<usize, Exceeded> {
        // Whatever is wrong with a pipe, there is no more to read from it.
        let count = from.read(bytes).await.unwrap_or(0);
        let before = self.taken.fetch_add(count as u64, Ordering::Relaxed);
        if before.saturating_add(count as u64) > self.limit {
            return Err(Exceeded);
        }
        Ok(count)
    }

    /// Reads to the end, and keeps the beginning: `limit` bytes of it.
    pub(crate) async fn keep_head(
        &self,
        from: Option<impl AsyncRead + Unpin>,
        head: &mut Head,
        limit: usize,
    ) -> Result<(), Exceeded> {
        let Some(mut from) = from else { return Ok(()) };
        let mut bytes = vec![0; PIECE];
        loop {
            match self.read(&mut from, &mut bytes).await? {
                0 => return Ok(()),
                count => head.push(&bytes[..count], limit),
            }
        }
    }

    /// Reads to the end, and keeps the last lines.
    pub(crate) async fn keep_tail(
        &self,
        from: Option<impl AsyncRead + Unpin>,
        tail: &mut Tail,
    ) -> Result<(), Exceeded> {
        let Some(mut from) = from else { return Ok(()) };
        let mut bytes = vec![0; PIECE];
        loop {
            match self.read(&mut from, &mut bytes).await? {
                0 => return Ok(()),
                count => tail.push(&bytes[..count]),
            }
        }
    }

    /// What its caller reads where it was exceeded.
    pub(crate) fn problem(&self) -> Problem {
        let sentence = format!(
            "the program printed more than {} bytes and was stopped",
            self.limit
        );
        Problem::new(ErrorCode::OutputLimit, sentence)
            .hint("ask for less, or let it write what is large to a file")
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn head(bytes: &[u8], limit: usize) -> Head {
        let mut head = Head::default();
        for piece in bytes.chunks(7) {
            head.push(piece, limit);
        }
        head
    }

    #[test]
    fn text_is_cut_and_says_so() {
        assert_eq!(head(b"all of it", 100).text(), "all of it");
        let text = head("äöü".as_bytes(), 3).text();
        assert_eq!(
            text,
            "ä\n(the output goes on: 3 of 6 bytes were left out here)"
        );
    }

    #[test]
    fn json_is_cleaned_and_judged() {
        let schema = json!({"type": "object", "required": ["a"]});
        let output = Output::Json(schema.as_object().cloned());
        let printed = Printed::new(&output).unwrap();
        let answer = printed
            .answer(&head(b" {\"a\": \"x\\u001b[0m\"}\n", MAX_JSON))
            .unwrap();
        assert_eq!(answer.structured, Some(json!({"a": "x"})));
        for (printed_bytes, told) in [
            (&b"{\"b\": 1}"[..], "another value"),
            (b"{\"a\": 1", "did not print JSON"),
            (b"", "did not print JSON"),
            (b"{\"a\":1} {}", "did not print JSON"),
        ] {
            let problem = printed.answer(&head(printed_bytes, MAX_JSON)).unwrap_err();
            assert!(problem.public_message().contains(told), "{problem}");
            assert!(problem.cause().is_some());
        }
        let problem = printed.answer(&head(b"{\"a\": 1}", 4)).unwrap_err();
        assert_eq!(problem.code(), ErrorCode::OutputLimit);
    }

    #[test]
    fn only_objects_are_promised() {
        let promise = |schema: Value| promised(&Output::Json(schema.as_object().cloned()));
        assert!(promise(json!({"type": "object"})).is_some());
        assert!(promise(json!({"type": "array"})).is_none());
        assert!(promised(&Output::Json(None)).is_none() && promised(&Output::Text).is_none());
    }

    #[test]
    fn of_an_error_the_last_lines_are_told() {
        let mut tail = Tail::default();
        for number in 0..20 {
            tail.push(format!("line {number}\n\n").as_bytes());
        }
        tail.push(b"\x1b[31mthe end");
        let text = tail.text();
        assert!(
            text.starts_with("line 11\n") && text.ends_with("line 19\nthe end"),
            "{text}"
        );
        tail.push(&b"\xc3\xbc".repeat(9_000));
        assert!(tail.text().len() <= TOLD_BYTES + 4);
    }

    #[tokio::test]
    async fn a_budget_holds_for_both_outputs() {
        let budget = Budget::new(Some(10));
        let (mut head, mut tail) = (Head::default(), Tail::default());
        assert_eq!(
            budget.keep_head(Some(&b"123456"[..]), &mut head, 5).await,
            Ok(())
        );
        assert_eq!((head.bytes.as_slice(), head.total), (&b"12345"[..], 6));
        assert_eq!(
            budget.keep_tail(Some(&b"7890"[..]), &mut tail).await,
            Ok(())
        );
        assert_eq!(tail.text(), "7890");
        assert_eq!(
            budget.keep_tail(Some(&b"1"[..]), &mut tail).await,
            Err(Exceeded)
        );
        assert_eq!(budget.problem().code(), ErrorCode::OutputLimit);
    }
}
