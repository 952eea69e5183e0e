//! The vocabulary of farcall, with no I/O.
//!
//! Everything that can be said about a tool, a job, an artifact or a caller is
//! said with the types of this crate; what is *done* about it lives in the crates
//! above. The tree follows the way of a call: a [`catalog`] holds declarations,
//! a call arrives with a [`context`] and a [`principal`], is checked against a
//! [`schema`], and ends in [`content`] or a [`problem`]; work too long for a call
//! is a [`job`], and what it leaves behind is an [`artifact`].

pub mod allowance;
pub mod artifact;
pub mod catalog;
pub mod clock;
pub mod completion;
pub mod content;
pub mod context;
pub mod crash;
#[doc(hidden)]
pub mod fuzzing;
pub mod host;
pub mod id;
pub mod job;
pub mod name;
pub mod panic;
pub mod principal;
pub mod problem;
pub mod prompt;
pub mod question;
pub mod rate;
pub mod resource;
pub mod schema;
pub mod tool;
pub mod trace;
pub mod updates;

use std::{future::Future, pin::Pin};

/// An owned future that can move between threads; what every handler returns.
pub type BoxFuture<T> = Pin<Box<dyn Future<Output = T> + Send + 'static>>;

/// A JSON object, in the order its keys were written.
pub type JsonObject = serde_json::Map<String, serde_json::Value>;
