//! What is wrong with what was registered, all of it at once.

use std::time::Duration;

use farcall::axum::routing::get;
use farcall::{
    App, Completion, Job, JobContext, Pipeline, Problem, Prompt, Resource, ResourceTemplate,
    Target, Tool, ToolDeclaration, ToolOutput, Value, json,
};
use farcall_core::schema;

use super::failure;
use crate::offers::tools;

/// A tool that only declares.
fn tool(name: &str, description: &str, change: impl FnOnce(&mut ToolDeclaration)) -> Tool {
    let mut declaration = ToolDeclaration::new(name, description);
    change(&mut declaration);
    Tool::dynamic(declaration, |_, _| async { Ok(ToolOutput::text("")) })
}

#[expect(clippy::unnecessary_wraps, reason = "stages return results")]
fn keep(_: &JobContext, value: Value) -> Result<Value, Problem> {
    Ok(value)
}

fn job(name: &str, pipeline: Pipeline<Value, Value>) -> Job {
    let mut job = Job::new(name, "Do it.", pipeline);
    job.input_schema = schema::empty_object();
    job
}

fn everything_wrong() -> App {
    let prompt = |name: &str, description: &str| {
        Prompt::new(name, description, |_, _| async { Ok(Vec::new()) })
    };
    let resource = |uri: &str| Resource::new(uri, "r", |_, _| async { Ok(Vec::new()) });
    let template = |uri: &str| ResourceTemplate::new(uri, "t", |_, _, _| async { Ok(Vec::new()) });
    let completion = |target| Completion::new(target, "day", |_, _, _| async { Ok(Vec::new()) });
    App::new("wrong")
        .add_tool(tool("twice", "Do it.", |_| {}))
        .add_tool(tool("twice", "Do it again.", |_| {}))
        .add_tool(tool("with space", "Do it.", |_| {}))
        .add_tool(tool("", "Do it.", |_| {}))
        .add_tool(tool(&"x".repeat(65), "Do it.", |_| {}))
        .add_tool(tool("mute", " ", |_| {}))
        .add_tool(tool("vague", "Do it.", |declaration| {
            declaration.input_schema = schema::object(json!({
                "type": "object",
                "properties": {
                    "how": {"type": "string"},
                    "when": {"type": "string", "description": ""},
                    "why": {"type": "string", "description": "The reason."},
                },
            }));
        }))
        .add_tool(tool("broken", "Do it.", |declaration| {
            declaration.input_schema = schema::object(json!({
                "type": "object",
                "properties": {"n": {"type": "whole", "description": "A number."}},
            }));
            declaration.output_schema = Some(schema::object(json!({"type": "object", "required": "n"})));
        }))
        .add_tool(tool("abroad", "Do it.", |declaration| {
            declaration.input_schema = schema::object(json!({
                "type": "object",
                "properties": {"n": {"$ref": "https://example.com/n.json", "description": "A number."}},
            }));
        }))
        .add_tool(tool("list", "Do it.", |declaration| {
            declaration.input_schema = schema::object(json!({"type": "array"}));
        }))
        .add_tool(tool("slow", "Do it.", |declaration| declaration.time_limit = Duration::from_secs(91)))
        .add_tool(tool("start_tidy", "Do it.", |_| {}))
        .add_job(job("tidy", Pipeline::new().stage("sweeping", keep).stage("sweeping", keep).stage(" ", keep)))
        .add_job(job("idle", Pipeline::new()))
        .add_job({
            let mut job = job("locked", Pipeline::new().stage("going", keep));
            job.input_schema["properties"]["idempotency_key"] =
                json!({"type": "string", "description": "Another key."});
            job
        })
        .add_job(job("bad name", Pipeline::new().stage("going", keep)))
        .prompt(prompt("hello", "Say hello.").argument("name", ""))
        .prompt(prompt("hello", ""))
        .resource(resource("today"))
        .resource(resource("notes://today"))
        .resource(resource("notes://today"))
        .resource_template(template("notes://{day"))
        .resource_template(template("notes://{a}{b}"))
        .route("/mcp", get(|| async { "" }))
        .route("no-slash", get(|| async { "" }))
        .route("/twice", get(|| async { "" }))
        .public_route("/twice", get(|| async { "" }))
        .public_route("/files/mine", get(|| async { "" }))
        .completion(completion(Target::Prompt("hello".to_owned())))
        .completion(completion(Target::ResourceTemplate("notes://{day}".to_owned())))
}

#[tokio::test]
async fn every_fault_is_in_the_one_report() {
    insta::assert_snapshot!(failure(everything_wrong(), &[]).await);
}

#[tokio::test]
async fn one_fault_is_reported_as_one() {
    let app = tools().add_tool(tool("mute", "", |_| {}));
    let failure = failure(app, &[]).await;
    assert_eq!(
        failure.to_string(),
        "error: 1 thing is wrong with what this server offers\n  \
         tool `mute`: the description is empty; say what it does and when to use it"
    );
}

#[tokio::test]
async fn a_field_that_mcp_does_not_know_so_is_a_fault_too() {
    let app = tools().add_tool(tool("iconic", "Do it.", |declaration| {
        declaration.icons = vec![json!({"src": 7})];
    }));
    let failure = failure(app, &[]).await.to_string();
    assert!(
        failure.contains("tool `iconic`: a field does not have MCP's shape"),
        "{failure}"
    );
}
