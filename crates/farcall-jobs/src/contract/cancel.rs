//! `cancel_<x>`: ends a job before its time.

use farcall_core::{
    JsonObject,
    context::CallContext,
    job::Job,
    problem::Problem,
    schema,
    tool::{Annotations, ToolDeclaration},
};
use serde_json::{Value, json};

use super::{Contract, id};

pub(super) fn declaration(job: &Job) -> ToolDeclaration {
    let name = &job.name;
    let description = format!(
        "Cancel a job of start_{name}. One that runs is told to stop: get_{name}_status says failed soon after. One that is over stays as it is."
    );
    let mut declaration = ToolDeclaration::new(format!("cancel_{name}"), description);
    declaration.annotations = Annotations {
        destructive_hint: Some(true),
        idempotent_hint: Some(true),
        ..Annotations::default()
    };
    declaration.input_schema = super::schema::only_id(job);
    declaration.output_schema = Some(schema::object(json!({
        "type": "object",
        "properties": {"job_id": super::schema::id(), "state": super::schema::state()},
        "required": ["job_id", "state"],
    })));
    declaration
}

impl Contract {
    pub(super) async fn cancel(
        &self,
        context: &CallContext,
        arguments: &JsonObject,
    ) -> Result<Value, Problem> {
        let caller = context.principal();
        let record = self.queue.cancel(&self.job, id(arguments), caller).await?;
        Ok(json!({"job_id": record.id, "state": record.state}))
    }
}
