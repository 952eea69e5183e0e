//! What a program offers, and how it starts.

use std::{ffi::OsString, sync::Arc};

use axum::routing::MethodRouter;
use farcall_core::{
    completion::Completion,
    job::{Job, JobFunction},
    prompt::Prompt,
    resource::{Resource, ResourceTemplate},
    tool::{Tool, ToolFunction},
    updates::Updates,
};
use farcall_jobs::RunnerOptions;
use farcall_server::{Identity, Sessions, auth::TokenVerifier};
use farcall_wrap::mount::Mounted;

use crate::{Exit, command, offer::Offer, routes::Routes};

/// A server: what it offers, and how.
///
/// Registration never fails by itself: everything that is wrong with what was registered is
/// reported together, when the program starts.
#[derive(Clone)]
pub struct App {
    pub(crate) identity: Identity,
    pub(crate) offer: Offer,
    pub(crate) updates: Option<Updates>,
    pub(crate) sessions: Option<Sessions>,
    pub(crate) verifiers: Vec<Arc<dyn TokenVerifier>>,
    pub(crate) routes: Routes,
    pub(crate) runner: RunnerOptions,
    /// Servers that are stopped with this one.
    pub(crate) mounts: Vec<Mounted>,
}

impl App {
    /// A server called `name`, which offers nothing yet.
    pub fn new(name: impl Into<String>) -> Self {
        Self {
            identity: Identity {
                name: name.into(),
                version: "0.0.0".to_owned(),
                title: None,
                instructions: None,
            },
            offer: Offer::default(),
            updates: None,
            sessions: None,
            verifiers: Vec::new(),
            routes: Routes::default(),
            runner: RunnerOptions::default(),
            mounts: Vec::new(),
        }
    }

    /// The version that clients are told, usually `env!("CARGO_PKG_VERSION")`; defaults to 0.0.0.
    #[must_use]
    pub fn version(mut self, version: impl Into<String>) -> Self {
        self.identity.version = version.into();
        self
    }

    /// A name for people; defaults to none.
    #[must_use]
    pub fn title(mut self, title: impl Into<String>) -> Self {
        self.identity.title = Some(title.into());
        self
    }

    /// What an agent should know before it calls anything; it is sent with every handshake, so
    /// keep it short. Defaults to none.
    #[must_use]
    pub fn instructions(mut self, instructions: impl Into<String>) -> Self {
        self.identity.instructions = Some(instructions.into());
        self
    }

    /// Adds the tool that `#[tool]` made of a function: `.tool::<add>()`.
    #[must_use]
    pub fn tool<T: ToolFunction>(self) -> Self {
        self.add_tool(T::tool())
    }

    /// Adds a tool that was made when the program runs.
    #[must_use]
    pub fn add_tool(mut self, tool: Tool) -> Self {
        self.offer.tool(tool);
        self
    }

    /// Adds the job that `#[job]` made of a function: `.job::<render>()`.
    #[must_use]
    pub fn job<J: JobFunction>(self) -> Self {
        self.add_job(J::job())
    }

    /// Adds a job that was made when the program runs.
    #[must_use]
    pub fn add_job(mut self, job: Job) -> Self {
        self.offer.job(job);
        self
    }

    /// Adds a resource.
    #[must_use]
    pub fn resource(mut self, resource: Resource) -> Self {
        self.offer.others.resources.push(resource);
        self
    }

    /// Adds resources by the pattern of their URIs.
    #[must_use]
    pub fn resource_template(mut self, template: ResourceTemplate) -> Self {
        self.offer.others.templates.push(template);
        self
    }

    /// Adds a prompt.
    #[must_use]
    pub fn prompt(mut self, prompt: Prompt) -> Self {
        self.offer.others.prompts.push(prompt);
        self
    }

    /// Adds suggestions for an argument of a prompt or a variable of a template.
    #[must_use]
    pub fn completion(mut self, completion: Completion) -> Self {
        self.offer.others.completions.push(completion);
        self
    }

    /// Lets clients subscribe to the news that the program sends through `updates`. Without it
    /// no subscription is offered.
    #[must_use]
    pub fn updates(mut self, updates: &Updates) -> Self {
        self.updates = Some(updates.clone());
        self
    }

    /// Keeps sessions for clients before 2026-07-28, so that tools can ask them questions. They
    /// need memory, and stickiness in front of several servers; off by default.
    #[must_use]
    pub fn sessions(mut self, sessions: Sessions) -> Self {
        self.sessions = Some(sessions);
        self
    }

    /// Adds a route behind the same authentication as `/mcp`; a handler finds the caller in its
    /// extensions, as a [`Principal`](farcall_core::principal::Principal).
    #[must_use]
    pub fn route(mut self, path: &str, handler: MethodRouter) -> Self {
        self.routes.gated.push((path.to_owned(), handler));
        self
    }

    /// Adds a route that anyone may call, like `/healthz`.
    #[must_use]
    pub fn public_route(mut self, path: &str, handler: MethodRouter) -> Self {
        self.routes.public.push((path.to_owned(), handler));
        self
    }

    /// Adds an authenticator of the program's own; it is asked where `MCP_BEARER_TOKEN` does not
    /// match. The principals it returns own the jobs they start.
    #[must_use]
    pub fn token_verifier(mut self, verifier: impl TokenVerifier + 'static) -> Self {
        self.verifiers.push(Arc::new(verifier));
        self
    }

    /// How many jobs run at once, and what happens when they lose their worker.
    #[must_use]
    pub fn runner(mut self, options: RunnerOptions) -> Self {
        self.runner = options;
        self
    }

    /// Reads the command line and does what it says; `serve` where it says nothing.
    #[must_use]
    pub fn run(self) -> Exit {
        self.run_with(std::env::args_os())
    }

    /// The same for a command line of your own, the program's name first.
    #[must_use]
    pub fn run_with<I, A>(self, arguments: I) -> Exit
    where
        I: IntoIterator<Item = A>,
        A: Into<OsString> + Clone,
    {
        command::run(self, arguments)
    }
}
