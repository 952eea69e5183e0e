//! An MCP server over standard input and output that does nothing but add: what is mounted. It answers one
//! line after the other, so that what is measured is who stands in front of it.

use std::io::{BufRead, Write, stdin, stdout};

use anyhow::Result;
use serde_json::{Value, json};

fn main() -> Result<()> {
    let mut answers = stdout().lock();
    for line in stdin().lock().lines() {
        let message: Value = serde_json::from_str(&line?)?;
        // Notifications have none.
        let Some(id) = message.get("id") else {
            continue;
        };
        let answer = json!({"jsonrpc": "2.0", "id": id, "result": result(&message)});
        writeln!(answers, "{answer}")?;
        answers.flush()?;
    }
    Ok(())
}

fn result(message: &Value) -> Value {
    let params = &message["params"];
    match message["method"].as_str().unwrap_or_default() {
        "initialize" => json!({
            "protocolVersion": params["protocolVersion"],
            "capabilities": {"tools": {}},
            "serverInfo": {"name": "adder", "version": "1"},
        }),
        "tools/list" => json!({"tools": [{
            "name": "add",
            "description": "Add two numbers.",
            "inputSchema": {
                "type": "object",
                "properties": {"a": {"type": "number"}, "b": {"type": "number"}},
                "required": ["a", "b"],
            },
        }]}),
        "tools/call" => {
            let number = |name: &str| params["arguments"][name].as_f64().unwrap_or_default();
            let sum = json!({"sum": number("a") + number("b")});
            json!({
                "content": [{"type": "text", "text": sum.to_string()}],
                "structuredContent": sum,
            })
        }
        _ => json!({}),
    }
}
