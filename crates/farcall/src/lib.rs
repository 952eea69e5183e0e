//! Put your own code online as a remote MCP server.

pub use async_trait::async_trait;
pub use axum;
pub use farcall_cli::{App, Exit, command::run_binary};
pub use farcall_core::{
    artifact::{Artifact, ArtifactSink},
    completion::{Completion, Target},
    content::{Content, ResourceContent, ToolOutput},
    context::{CallContext, LogLevel},
    job::{Job, JobContext, Pipeline},
    principal::{Principal, Scope},
    problem::{ErrorCode, Problem},
    prompt::{Message, Prompt},
    question::{Answer, Asking, Question},
    resource::{Resource, ResourceTemplate},
    tool::{Annotations, SchemaOrigin, Tool, ToolDeclaration},
    updates::Updates,
};
pub use farcall_jobs::RunnerOptions;
pub use farcall_macros::{data, job, tool};
pub use farcall_server::{Sessions, auth::TokenVerifier};
pub use serde_json::{Value, json};

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
