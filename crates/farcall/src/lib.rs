//! Put your own code online as a remote MCP server.
//!
//! A program says what it offers and runs; the rest is here: MCP over HTTP for clients of every
//! version in use, arguments judged by schemas that follow from types, long work as durable jobs
//! with progress, files by URL, authentication, and a command line.
//!
//! ```no_run
//! use farcall::prelude::*;
//!
//! /// The answer of `add`.
//! #[data]
//! struct Sum {
//!     /// The sum of both numbers.
//!     sum: f64,
//! }
//!
//! /// Add two numbers and return {"sum": a+b}.
//! #[tool]
//! async fn add(
//!     /// First number to add.
//!     a: f64,
//!     /// Second number to add.
//!     b: f64,
//! ) -> Sum {
//!     Sum { sum: a + b }
//! }
//!
//! fn main() -> farcall::Exit {
//!     App::new("calculator").tool::<add>().run()
//! }
//! ```
//!
//! Run, it serves on `http://127.0.0.1:8900/mcp`; `--help` says what else it can do, and the
//! environment variables are those of the remote server guide (`MCP_HOST`, `MCP_PORT`,
//! `PUBLIC_BASE_URL`, `MCP_BEARER_TOKEN`).
//!
//! | to offer | write | see |
//! | --- | --- | --- |
//! | a function | `#[tool]` | [`tool`](macro@tool), [`CallContext`], [`ToolOutput`] |
//! | long work | `#[job]` | [`job`](macro@job), [`Pipeline`], [`JobContext`], [`Artifact`] |
//! | a tool known only at run time | [`Tool::dynamic`] | [`ToolDeclaration`] |
//! | readable data | [`App::resource`], [`App::resource_template`] | [`Resource`], [`Updates`] |
//! | a prompt | [`App::prompt`] | [`Prompt`], [`Completion`] |
//! | a question to the caller | [`CallContext::ask`] | [`Question`], [`Sessions`] |
//! | another route | [`App::route`], [`App::public_route`] | [`axum`] |
//! | your own authentication | [`App::token_verifier`] | [`TokenVerifier`], [`Principal`] |
//!
//! Errors are [`Problem`]s: one sentence that the caller reads, a hint, and a cause that only the
//! log gets. [`testing`] serves an app and calls it over the real protocol.

pub use async_trait::async_trait;
pub use axum;
pub use farcall_cli::{App, Exit, command::run_binary};
pub use farcall_core::{
    JsonObject,
    artifact::{Artifact, ArtifactSink},
    completion::{Completion, Target},
    content::{Content, ResourceContent, ToolOutput},
    context::{CallContext, LogLevel},
    job::{Expose, Isolation, Job, JobContext, JobOptions, OnLost, Pipeline, StopReason},
    principal::{Principal, Scope},
    problem::{ErrorCode, Problem},
    prompt::{Message, Prompt},
    question::{Answer, Asking, Question},
    resource::{Resource, ResourceTemplate},
    tool::{Annotations, SchemaOrigin, Tool, ToolDeclaration},
    updates::{Update, Updates},
};
pub use farcall_jobs::RunnerOptions;
#[doc = include_str!("docs/data.md")]
pub use farcall_macros::data;
#[doc = include_str!("docs/job.md")]
pub use farcall_macros::job;
#[doc = include_str!("docs/tool.md")]
pub use farcall_macros::tool;
pub use farcall_server::{Sessions, auth::TokenVerifier};
pub use serde_json::{Value, json};

pub mod testing;

/// What nearly every program needs.
pub mod prelude {
    pub use crate::{
        App, Artifact, CallContext, Content, JobContext, Pipeline, Problem, ToolOutput, data, job,
        tool,
    };
}

/// What the macros write, and nobody else should use.
#[doc(hidden)]
pub mod __private {
    pub use farcall_core as core;
    pub use schemars;
    pub use serde;
    pub use serde_json;
}
