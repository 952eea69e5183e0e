//! What the attributes make: schemas, answers, defaults, and functions that stay callable.

extern crate self as farcall;

#[doc(hidden)]
#[path = "../facade/private.rs"]
pub mod __private;

mod data;
mod elsewhere;
mod job;
mod tool;

use farcall_core::{
    context::CallContext,
    problem::Problem,
    tool::{Tool, ToolFunction},
};
use serde_json::Value;

/// The tool that `F` declares.
fn declared<F: ToolFunction>() -> Tool {
    F::tool()
}

/// Calls the tool that `F` declares, as the server does once the arguments are checked.
async fn called<F: ToolFunction>(arguments: Value) -> Result<Value, Problem> {
    let Value::Object(arguments) = arguments else {
        panic!("arguments are an object");
    };
    let handler = F::tool().handler;
    let output = handler.call(CallContext::detached(), arguments).await?;
    Ok(output
        .structured
        .or_else(|| Some(output.content.first()?.as_text()?.into()))
        .unwrap_or(Value::Null))
}
