//! The reference of the tools that a job makes, from the code that makes them.

use std::fmt::Write as _;

use farcall_core::job::{Expose, Job, Program};
use farcall_jobs::contract;
use serde_json::{Map, Value, json};

/// The page, with the job of the example server, and what a job may have besides.
pub(crate) fn page(generated: &str) -> String {
    let mut text = format!(
        "# The tools of a job\n\n{generated}\nA job is declared once, and clients see tools that are made of the declaration. These are those of \
         a job `render`, with everything that a job may have; for a job of your own put its name instead of `render`. \
         What the answers mean is in [the contract](../contract.md#jobs).\n\n\
         | tool | there, if |\n| --- | --- |\n\
         | `start_render`, `get_render_status`, `get_render_result` | always, unless `expose` names the task alone |\n\
         | `get_render_log` | `log = true` |\n\
         | `cancel_render` | always, unless `cancel = false` |\n\
         | `render` | `expose` names the task, for clients that know MCP Tasks |\n"
    );
    for tool in contract::declarations(&job()) {
        let _ = write!(text, "\n## `{}`\n\n{}\n", tool.name, tool.description);
        add(&mut text, "It takes", &tool.input_schema);
        if let Some(schema) = &tool.output_schema {
            add(&mut text, "It answers with", schema);
        }
    }
    text
}

/// A job as the example has it, but for what only some have.
fn job() -> Job {
    let scene = json!({
        "type": "object",
        "properties": {
            "frames": {"type": "integer", "minimum": 1, "maximum": 240, "default": 24, "description": "Frames to render; the animation is one turn."},
        },
        "additionalProperties": false,
    });
    let Value::Object(scene) = scene else {
        unreachable!("it is written as one");
    };
    let stages = ["preparing assets", "rendering frames", "encoding output"];
    let program = Program::dynamic(stages, "1", |_, arguments| Ok(arguments));
    Job::dynamic(
        "render",
        "Render an animated scene to a GIF.",
        scene,
        program,
    )
    .with(|options| {
        options.log = true;
        options.wait = true;
        options.expose = Expose::ContractAndTask;
    })
}

fn add(text: &mut String, what: &str, schema: &Map<String, Value>) {
    let schema = Value::Object(schema.clone());
    let _ = write!(text, "\n{what}\n\n```json\n{schema:#}\n```\n");
}
