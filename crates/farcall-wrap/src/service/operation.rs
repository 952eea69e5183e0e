//! One thing that a service does: a request, and what is made of its answer.

use std::sync::Arc;

use farcall_core::{
    JsonObject,
    content::ToolOutput,
    job::{Pipeline, Program},
    problem::Problem,
    tool::{Tool, ToolDeclaration},
    trace::TraceParent,
};

use super::{
    client::Client,
    exchange::{Answer, Failure, Outgoing},
    patience::unless_stopped,
    request::Template,
    response::Reading,
};
use crate::parameter::Parameters;

/// One thing that a service does.
pub(super) struct Operation {
    pub(super) client: Arc<Client>,
    /// What is looked at besides the schema, where the parameters are declared here.
    pub(super) parameters: Option<Parameters>,
    pub(super) template: Template,
    pub(super) reading: Reading,
}

impl Operation {
    /// The tool that does it.
    pub(super) fn into_tool(self: Arc<Self>, declaration: ToolDeclaration) -> Tool {
        Tool::dynamic(declaration, move |context, arguments| {
            let operation = Arc::clone(&self);
            async move { operation.call(&arguments, context.trace()).await }
        })
    }

    /// The program that does it as one stage.
    pub(super) fn into_program(self: Arc<Self>, stage: String) -> Program {
        Pipeline::<JsonObject, JsonObject>::new()
            .stage_async(stage, move |context, arguments: JsonObject| {
                let operation = Arc::clone(&self);
                async move {
                    let answer =
                        unless_stopped(&context, operation.send(&arguments, context.trace()))
                            .await?;
                    operation.reading.value(operation.client.name(), &answer?)
                }
            })
            .into_program()
    }

    /// Whether the request can be made of these arguments.
    ///
    /// # Errors
    /// A problem for the caller.
    pub(super) fn check(&self, arguments: &JsonObject) -> Result<(), Problem> {
        self.request(arguments).map(drop)
    }

    async fn call(
        &self,
        arguments: &JsonObject,
        trace: Option<TraceParent>,
    ) -> Result<ToolOutput, Problem> {
        let answer = self.send(arguments, trace).await?;
        self.reading.output(self.client.name(), &answer)
    }

    /// Sends the request, of somebody who stands there in a trace.
    pub(super) async fn send(
        &self,
        arguments: &JsonObject,
        trace: Option<TraceParent>,
    ) -> Result<Answer, Failure> {
        let request = self.request(arguments).map_err(Failure::lasting)?;
        self.client.send(request.traced(trace)).await
    }

    fn request(&self, arguments: &JsonObject) -> Result<Outgoing, Problem> {
        let base_url = self.client.base_url();
        match &self.parameters {
            Some(parameters) => {
                let values = parameters.read(arguments)?;
                self.template.render(&values.to_json(), base_url)
            }
            None => self.template.render(arguments, base_url),
        }
    }
}
