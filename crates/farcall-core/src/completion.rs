//! Completion: suggestions for an argument while a person types it.

use std::sync::Arc;

use crate::{BoxFuture, context::CallContext, problem::Problem, prompt::Arguments};

/// The most suggestions that one answer may hold (MCP `completion/complete`).
pub const MAX_SUGGESTIONS: usize = 100;

/// What an argument belongs to.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Target {
    /// An argument of the prompt with this name.
    Prompt(String),
    /// A variable of the resource template with this pattern.
    ResourceTemplate(String),
}

type Suggester = Arc<
    dyn Fn(CallContext, String, Arguments) -> BoxFuture<Result<Vec<String>, Problem>> + Send + Sync,
>;

/// Suggests values for one argument.
#[derive(Clone)]
pub struct Completion {
    /// What the argument belongs to.
    pub target: Target,
    /// The argument's name.
    pub argument: String,
    suggester: Suggester,
}

impl Completion {
    /// Suggestions for an argument; `suggest` gets the call, what has been typed so far, and
    /// the other arguments that are filled in already.
    pub fn new<F, A>(target: Target, argument: impl Into<String>, suggest: F) -> Self
    where
        F: Fn(CallContext, String, Arguments) -> A + Send + Sync + 'static,
        A: Future<Output = Result<Vec<String>, Problem>> + Send + 'static,
    {
        Self {
            target,
            argument: argument.into(),
            suggester: Arc::new(move |context, typed, filled| {
                Box::pin(suggest(context, typed, filled))
            }),
        }
    }

    /// The suggestions for what has been typed; only the first [`MAX_SUGGESTIONS`] are sent.
    pub fn suggest(
        &self,
        context: CallContext,
        typed: String,
        filled: Arguments,
    ) -> BoxFuture<Result<Vec<String>, Problem>> {
        (self.suggester)(context, typed, filled)
    }
}
