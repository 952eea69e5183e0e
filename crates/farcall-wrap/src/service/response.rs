//! From what a service answers to a result.

use farcall_config::file::Output;
use farcall_core::{
    content::ToolOutput,
    problem::{ErrorCode, Problem},
    schema::CheckedSchema,
};
use serde_json::{Value, json};

use super::exchange::Answer;
use crate::text::{clean, clean_value, of_bytes};

/// What is made of answers.
#[derive(Debug)]
pub(super) struct Reading {
    form: Form,
    pointer: Option<String>,
}

#[derive(Debug)]
enum Form {
    /// JSON or text, as each answer says by its media type.
    Any,
    Json(Option<CheckedSchema>),
    Status,
    Text,
}

impl Reading {
    /// What `output` asks for, of the part at `pointer`.
    ///
    /// # Errors
    /// One sentence where the schema is no schema.
    pub(super) fn new(output: &Output, pointer: Option<&str>) -> Result<Self, String> {
        let form = match output {
            Output::Json(None) => Form::Json(None),
            Output::Json(Some(schema)) => {
                let schema = CheckedSchema::compile(schema);
                Form::Json(Some(schema.map_err(|reason| {
                    format!("the schema of its output is invalid {reason}")
                })?))
            }
            Output::Status => Form::Status,
            Output::Text => Form::Text,
        };
        let pointer = pointer.map(str::to_owned);
        Ok(Self { form, pointer })
    }

    /// Whatever it is.
    pub(super) fn any() -> Self {
        Self {
            form: Form::Any,
            pointer: None,
        }
    }

    /// JSON that somebody else judges.
    pub(super) fn json() -> Self {
        Self {
            form: Form::Json(None),
            pointer: None,
        }
    }

    /// The answer of a tool.
    ///
    /// # Errors
    /// As [`value`](Self::value).
    pub(super) fn output(&self, service: &str, answer: &Answer) -> Result<ToolOutput, Problem> {
        Ok(match self.value(service, answer)? {
            Value::String(text) => ToolOutput::text(text),
            value => ToolOutput::structured(value),
        })
    }

    /// The result: a JSON value, or a text. An answer without a body says nothing but its status.
    ///
    /// # Errors
    /// A problem that says how the answer is not what was declared.
    pub(super) fn value(&self, service: &str, answer: &Answer) -> Result<Value, Problem> {
        let says_nothing = answer.body.is_empty() && self.pointer.is_none();
        match &self.form {
            Form::Status => return Ok(status(answer)),
            Form::Any | Form::Json(None) if says_nothing => return Ok(status(answer)),
            Form::Any if !is_json(answer) => return text(service, answer).map(Value::String),
            Form::Text if self.pointer.is_none() => {
                return text(service, answer).map(Value::String);
            }
            Form::Any | Form::Json(_) | Form::Text => {}
        }
        let part = clean_value(self.part(service, parse(service, answer)?)?);
        match &self.form {
            Form::Text if !part.is_string() => Ok(Value::String(part.to_string())),
            Form::Json(Some(schema)) => {
                schema.check(&part).map_err(|violation| {
                    let sentence = format!(
                        "the service `{service}` answered another value than its declaration promises"
                    );
                    Problem::new(ErrorCode::Internal, sentence)
                        .hint("the operator finds what is wrong in the server's log")
                        .because(violation)
                })?;
                Ok(part)
            }
            _ => Ok(part),
        }
    }

    fn part(&self, service: &str, mut value: Value) -> Result<Value, Problem> {
        let Some(pointer) = &self.pointer else {
            return Ok(value);
        };
        match value.pointer_mut(pointer) {
            Some(part) => Ok(part.take()),
            None => Err(nothing_at(service, pointer)),
        }
    }
}

/// The problem of an answer that has nothing at `pointer`.
pub(super) fn nothing_at(service: &str, pointer: &str) -> Problem {
    Problem::new(
        ErrorCode::Internal,
        format!("the answer of the service `{service}` has nothing at `{pointer}`"),
    )
    .hint("the operator should compare the pointer with an answer")
}

/// The answer as JSON.
///
/// # Errors
/// A problem where it is none, or was cut.
pub(super) fn parse(service: &str, answer: &Answer) -> Result<Value, Problem> {
    if answer.is_cut {
        return Err(Problem::new(
            ErrorCode::OutputLimit,
            format!(
                "the service `{service}` answered more than {} bytes",
                answer.body.len()
            ),
        )
        .hint("ask for less, or the operator raises `max_answer`"));
    }
    serde_json::from_slice(&answer.body).map_err(|fault| {
        let mut sentence = format!("the service `{service}` did not answer with JSON");
        if !answer.media_type.is_empty() && !is_json(answer) {
            sentence = format!("{sentence}, but with `{}`", clean(&answer.media_type));
        }
        Problem::new(ErrorCode::Internal, sentence)
            .hint("the operator should compare `output` with an answer")
            .because(fault)
    })
}

fn text(service: &str, answer: &Answer) -> Result<String, Problem> {
    let text = of_bytes(&answer.body, answer.is_cut);
    // Text in another encoding has a few signs that are none; what is no text has nothing else.
    let strange = text
        .chars()
        .filter(|&sign| sign == '\u{fffd}' || sign == '\0')
        .count();
    if strange > text.chars().count() / 8 {
        let sentence = format!("the service `{service}` did not answer with text");
        return Err(Problem::new(ErrorCode::Internal, sentence)
            .hint("declare `output = \"status\"` where the answer does not matter"));
    }
    let mut text = clean(&text);
    if answer.is_cut {
        text = format!("{text}\n[cut: only the first {} bytes]", answer.body.len());
    }
    Ok(text)
}

fn status(answer: &Answer) -> Value {
    json!({"status": answer.status.as_u16()})
}

fn is_json(answer: &Answer) -> bool {
    answer.media_type == "application/json" || answer.media_type.ends_with("+json")
}
