//! From what a caller says to a request.
//!
//! A [`Template`] comes from `farcall.toml` or from a description of the service; `render` fills it in.

mod declared;
mod render;

use farcall_core::JsonObject;
use reqwest::{Method, header::HeaderName};
use serde_json::Value;

pub(super) use self::render::MAX_URL;

/// A request with places for arguments.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Template {
    pub(super) method: Method,
    /// Segments after the path of the base URL.
    pub(super) path: Vec<Vec<Part>>,
    pub(super) query: Vec<Pair>,
    pub(super) headers: Vec<(HeaderName, Argument)>,
    pub(super) body: Body,
}

/// A part of a segment or of a value in the query.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Part {
    /// As it stands, not yet encoded.
    Text(String),
    Argument(Argument),
}

/// A place for the argument that callers call this.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Argument(String);

impl Argument {
    pub(super) fn named(name: impl Into<String>) -> Self {
        Self(name.into())
    }

    /// What was said; `None` where it was left out.
    fn value<'a>(&self, arguments: &'a JsonObject) -> Option<&'a Value> {
        arguments.get(&self.0)
    }

    /// The same where `null` cannot be said, and counts as left out.
    fn said<'a>(&self, arguments: &'a JsonObject) -> Option<&'a Value> {
        self.value(arguments).filter(|value| !value.is_null())
    }
}

/// A name and a value in the query.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Pair {
    pub(super) name: String,
    /// Left out where an argument in it was left out.
    pub(super) value: Vec<Part>,
    pub(super) style: Style,
}

/// What becomes of several values of one argument that is a pair's only part, as OpenAPI names it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Style {
    /// A pair for each (`form`, exploded).
    #[default]
    Repeated,
    /// One pair, with this between the values (`form`, `pipeDelimited`, `spaceDelimited`).
    Joined(&'static str),
    /// One pair, whose value is JSON.
    Json,
    /// A pair for each, called `name[key]` (`deepObject`).
    Keyed,
}

/// What is sent as JSON.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Body {
    /// Nothing.
    None,
    /// An object: what each field is called, and what it holds.
    Object(Vec<(String, Argument)>),
    /// One argument.
    Whole(Argument),
}
