//! What happens in the call that starts a job, before there is one.

use std::{fmt, sync::Arc};

use crate::{BoxFuture, JsonObject, context::CallContext, problem::Problem};

type Run = dyn Fn(CallContext, JsonObject) -> BoxFuture<Result<JsonObject, Problem>> + Send + Sync;

/// Completes or refuses the arguments of a start; cheap to clone.
#[derive(Clone)]
pub struct BeforeStart(Arc<Run>);

impl BeforeStart {
    pub(super) fn new<F, A>(run: F) -> Self
    where
        F: Fn(CallContext, JsonObject) -> A + Send + Sync + 'static,
        A: Future<Output = Result<JsonObject, Problem>> + Send + 'static,
    {
        Self(Arc::new(move |context, arguments| {
            Box::pin(run(context, arguments))
        }))
    }

    /// The arguments that the job is started with.
    ///
    /// # Errors
    /// Why it is not started, or what its caller is asked first.
    pub fn run(
        &self,
        context: CallContext,
        arguments: JsonObject,
    ) -> BoxFuture<Result<JsonObject, Problem>> {
        (self.0)(context, arguments)
    }
}

impl fmt::Debug for BeforeStart {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("BeforeStart")
    }
}
