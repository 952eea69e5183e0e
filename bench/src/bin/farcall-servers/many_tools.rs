//! A farcall server with 200 tools, as one that wraps a large API has.

use farcall::{App, Tool, ToolDeclaration, ToolOutput, json};

const TOOLS: usize = 200;

pub(crate) fn app() -> App {
    (1..=TOOLS)
        .map(tool)
        .fold(App::new("many-tools"), App::add_tool)
}

fn tool(number: usize) -> Tool {
    let mut declaration = ToolDeclaration::new(
        format!("search_catalog_{number}"),
        format!("Search catalog {number} and return the best matches, best first."),
    );
    let schema = json!({
        "type": "object",
        "properties": {
            "query": {"type": "string", "description": "What to look for, a few words.", "minLength": 1},
            "limit": {"type": "integer", "description": "How many matches to return.", "minimum": 1, "maximum": 100, "default": 10},
            "newest_first": {"type": "boolean", "description": "Order by date instead.", "default": false},
        },
        "required": ["query"],
        "additionalProperties": false,
    });
    declaration.input_schema = schema.as_object().cloned().unwrap_or_default();
    Tool::dynamic(declaration, |_, _| async {
        Ok(ToolOutput::text("nothing"))
    })
}
