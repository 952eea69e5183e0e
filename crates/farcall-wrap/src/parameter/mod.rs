//! What callers may say to a wrapped tool or job: a schema for clients, and what no schema says.

mod file;
mod format;
mod schema;

use std::{ffi::OsString, path::PathBuf, sync::Arc};

use farcall_config::file::{Kind, Parameter, Presence};
use farcall_core::{JsonObject, problem::Problem};
use serde_json::{Number, Value};

use crate::text::shown;

/// The longest text that a parameter takes, in bytes: Linux gives a program no longer argument
/// (`MAX_ARG_STRLEN`).
pub const MAX_TEXT: usize = 128 << 10;

/// The parameters of a tool or a job; cheap to clone.
#[derive(Clone, Debug)]
pub struct Parameters(Arc<[Parameter]>);

impl Parameters {
    /// These parameters, in their order.
    pub fn new(parameters: &[Parameter]) -> Self {
        Self(parameters.into())
    }

    /// The parameter called `name`.
    pub fn named(&self, name: &str) -> Option<&Parameter> {
        self.0.iter().find(|parameter| parameter.name == name)
    }

    /// JSON Schema 2020-12 of the arguments; no others are taken.
    pub fn schema(&self) -> JsonObject {
        schema::of(&self.0)
    }

    /// Reads arguments that follow the [schema](Self::schema); looks for files, so it may block.
    ///
    /// # Errors
    /// A problem for the caller that names the parameter, what is wrong and what was received.
    pub fn read(&self, arguments: &JsonObject) -> Result<Values, Problem> {
        let mut values = Vec::with_capacity(self.0.len());
        for parameter in self.0.iter() {
            let default = match &parameter.presence {
                Presence::Default(value) => Some(value),
                Presence::Required | Presence::Optional => None,
            };
            let Some(value) = arguments.get(&parameter.name).or(default) else {
                continue;
            };
            let given = read(&parameter.kind, value);
            let given = given.map_err(|fault| {
                Problem::user(format!("`{}` {}", parameter.name, fault.sentence)).hint(fault.hint)
            })?;
            values.push((parameter.name.clone(), given));
        }
        Ok(Values(values))
    }
}

/// Arguments that passed every check, defaults included; what was left out is not among them.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Values(Vec<(String, Given)>);

impl Values {
    /// What was given for the parameter called `name`.
    pub fn given(&self, name: &str) -> Option<&Given> {
        let found = self.0.iter().find(|(known, _)| known == name);
        found.map(|(_, given)| given)
    }

    /// All of them as one JSON object; files by their absolute paths.
    pub fn to_json(&self) -> JsonObject {
        let values = self.0.iter();
        values
            .map(|(name, given)| (name.clone(), given.to_json()))
            .collect()
    }
}

/// A value that passed every check.
#[derive(Clone, Debug, PartialEq)]
pub enum Given {
    /// Yes or no.
    Boolean(bool),
    /// A text that stands in the declaration.
    Choice(String),
    /// The absolute path of a file beneath its root, free of links.
    File(PathBuf),
    /// A whole number.
    Integer(i64),
    /// A number, as it was written.
    Number(Number),
    /// Several values.
    Several(Vec<Given>),
    /// A text of the caller's choice.
    Text(String),
}

impl Given {
    /// The value as a text: numbers in decimal, booleans as `true` and `false`, and several values
    /// as JSON.
    pub fn to_text(&self) -> OsString {
        match self {
            Self::Boolean(yes) => yes.to_string().into(),
            Self::Choice(text) | Self::Text(text) => text.into(),
            Self::File(path) => path.into(),
            Self::Integer(number) => number.to_string().into(),
            Self::Number(number) => number.to_string().into(),
            Self::Several(_) => self.to_json().to_string().into(),
        }
    }

    /// The value as JSON; files by their absolute paths.
    pub fn to_json(&self) -> Value {
        match self {
            Self::Boolean(yes) => (*yes).into(),
            Self::Choice(text) | Self::Text(text) => text.as_str().into(),
            Self::File(path) => path.to_string_lossy().into(),
            Self::Integer(number) => (*number).into(),
            Self::Number(number) => number.clone().into(),
            Self::Several(values) => values.iter().map(Self::to_json).collect(),
        }
    }
}

/// What is wrong with a value, behind the name of its parameter.
struct Fault {
    sentence: String,
    hint: &'static str,
}

impl Fault {
    fn new(sentence: impl Into<String>, hint: &'static str) -> Self {
        Self {
            sentence: sentence.into(),
            hint,
        }
    }
}

fn read(kind: &Kind, value: &Value) -> Result<Given, Fault> {
    match (kind, value) {
        (Kind::Boolean, Value::Bool(yes)) => Ok(Given::Boolean(*yes)),
        (Kind::Integer { .. }, Value::Number(number)) => integer(number).map(Given::Integer),
        (Kind::Number { .. }, Value::Number(number)) => Ok(Given::Number(number.clone())),
        (
            Kind::String {
                choices, format, ..
            },
            Value::String(text),
        ) => {
            check_text(text)?;
            if !choices.is_empty() {
                return if choices.contains(text) {
                    Ok(Given::Choice(text.clone()))
                } else {
                    Err(Fault::new(
                        format!("is none of its values, received `{}`", shown(text)),
                        "`tools/list` has them",
                    ))
                };
            }
            if let Some(format) = format
                && !format::is(*format, text)
            {
                return Err(Fault::new(
                    format!(
                        "is not {}, received `{}`",
                        format::name(*format),
                        shown(text)
                    ),
                    format::hint(*format),
                ));
            }
            Ok(Given::Text(text.clone()))
        }
        (Kind::File { root }, Value::String(path)) => {
            check_text(path)?;
            file::find(root, path).map(Given::File)
        }
        (Kind::Array { items, .. }, Value::Array(values)) => {
            let values = values.iter().enumerate().map(|(index, value)| {
                read(items, value).map_err(|fault| Fault {
                    sentence: format!("[{index}] {}", fault.sentence),
                    ..fault
                })
            });
            values.collect::<Result<_, _>>().map(Given::Several)
        }
        _ => Err(Fault::new(
            "is of another type",
            "`tools/list` has the schema",
        )),
    }
}

/// JSON Schema takes `3.0` for a whole number, as RFC 8259 knows but one kind.
fn integer(number: &Number) -> Result<i64, Fault> {
    // Beyond 2^53 neighbours become one, so what is meant is not known.
    const EXACT: f64 = 9_007_199_254_740_992.0;
    #[expect(
        clippy::cast_possible_truncation,
        reason = "it is whole, and in the range of exact ones"
    )]
    let whole =
        |number: f64| (number.fract() == 0.0 && number.abs() <= EXACT).then_some(number as i64);
    let read = number.as_i64().or_else(|| whole(number.as_f64()?));
    read.ok_or_else(|| {
        Fault::new(
            format!("is no whole number of 64 bits, received {number}"),
            "send one between -9223372036854775808 and 9223372036854775807",
        )
    })
}

fn check_text(text: &str) -> Result<(), Fault> {
    if text.contains('\0') {
        return Err(Fault::new(
            format!("has a NUL character, received `{}`", shown(text)),
            "leave it out, no program can be given one",
        ));
    }
    if text.len() > MAX_TEXT {
        return Err(Fault::new(
            format!("has {} bytes, at most {MAX_TEXT} are taken", text.len()),
            "send less, or name a file",
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests;
