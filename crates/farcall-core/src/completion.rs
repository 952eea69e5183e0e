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

/// Values for an argument.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Suggestions {
    /// The values; only the first [`MAX_SUGGESTIONS`] are sent.
    pub values: Vec<String>,
    /// How many there are in all, where it is known.
    pub total: Option<u32>,
    /// Whether there are more than the values, where it is known.
    pub has_more: Option<bool>,
}

impl Suggestions {
    /// These values, and no others.
    pub fn all(values: Vec<String>) -> Self {
        Self {
            total: u32::try_from(values.len()).ok(),
            has_more: Some(values.len() > MAX_SUGGESTIONS),
            values,
        }
    }
}

type Suggester = Arc<
    dyn Fn(CallContext, String, Arguments) -> BoxFuture<Result<Suggestions, Problem>> + Send + Sync,
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
        Self::imported(target, argument, move |context, typed, filled| {
            let suggested = suggest(context, typed, filled);
            async move { suggested.await.map(Suggestions::all) }
        })
    }

    /// The same of somebody else, who says itself how many there are.
    pub fn imported<F, A>(target: Target, argument: impl Into<String>, suggest: F) -> Self
    where
        F: Fn(CallContext, String, Arguments) -> A + Send + Sync + 'static,
        A: Future<Output = Result<Suggestions, Problem>> + Send + 'static,
    {
        Self {
            target,
            argument: argument.into(),
            suggester: Arc::new(move |context, typed, filled| {
                Box::pin(suggest(context, typed, filled))
            }),
        }
    }

    /// The suggestions for what has been typed.
    pub fn suggest(
        &self,
        context: CallContext,
        typed: String,
        filled: Arguments,
    ) -> BoxFuture<Result<Suggestions, Problem>> {
        (self.suggester)(context, typed, filled)
    }
}
