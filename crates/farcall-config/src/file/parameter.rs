//! What a caller may say to a wrapped tool or job.

use std::path::PathBuf;

use serde_json::Value;

/// A parameter of a tool or a job.
#[derive(Clone, Debug, PartialEq)]
pub struct Parameter {
    /// Its name, as callers write it: `^[A-Za-z_][A-Za-z0-9_]{0,63}$`.
    pub name: String,
    /// What an agent chooses its value by; not empty.
    pub description: String,
    /// What values it takes.
    pub kind: Kind,
    /// Whether it may be left out.
    pub presence: Presence,
    /// The option that stands before its value, as an element of its own: `--days`. Of a boolean it
    /// is all there is, and of an array it is repeated before each value.
    pub flag: Option<String>,
    /// Whether its text may begin with `-` where nothing in the template stops it from being taken for
    /// an option.
    pub allow_leading_dash: bool,
    /// Values for a form or for an agent to look at, may be empty.
    pub examples: Vec<Value>,
}

/// Whether a parameter may be left out.
#[derive(Clone, Debug, PartialEq)]
pub enum Presence {
    /// It may not.
    Required,
    /// What stands for it where it is left out.
    Default(Value),
    /// Where it is left out, the elements that name it are left out.
    Optional,
}

/// The type of a parameter, with its bounds.
#[derive(Clone, Debug, PartialEq)]
pub enum Kind {
    /// Text.
    String {
        /// A regular expression that it must match, in the syntax of the `regex` crate.
        pattern: Option<String>,
        /// The only values there are; empty for any.
        choices: Vec<String>,
        /// What it must be besides.
        format: Option<Format>,
        /// The least number of characters.
        min_length: Option<u64>,
        /// The greatest number of characters.
        max_length: Option<u64>,
    },
    /// A whole number.
    Integer {
        /// The least value.
        minimum: Option<i64>,
        /// The greatest value.
        maximum: Option<i64>,
    },
    /// A number.
    Number {
        /// The least value.
        minimum: Option<f64>,
        /// The greatest value.
        maximum: Option<f64>,
    },
    /// Yes or no.
    Boolean,
    /// Several values of one kind, which is no array.
    Array {
        /// Of what.
        items: Box<Kind>,
        /// The least number of them.
        min_items: Option<u64>,
        /// The greatest number of them.
        max_items: Option<u64>,
    },
    /// A file beneath `root`, which callers name by its path from there.
    File {
        /// An absolute folder.
        root: PathBuf,
    },
}

/// What a text must be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// A day, RFC 3339.
    Date,
    /// A moment, RFC 3339.
    DateTime,
    /// An address of e-mail.
    Email,
    /// An absolute URL of the schemes http or https.
    Url,
    /// A UUID.
    Uuid,
}
