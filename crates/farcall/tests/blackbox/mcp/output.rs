//! What tools answer.

use farcall::{App, Content, Tool, ToolDeclaration, ToolOutput, json, prelude::*};

use crate::{
    harness::{Era, Setup},
    offers::{open_server, tools},
};

/// A tool called `give` that answers `output`, whose schema wants an integer `n`.
fn giving(output: &ToolOutput) -> App {
    let mut declaration = ToolDeclaration::new("give", "Give what it has.");
    let schema = json!({
        "type": "object",
        "properties": {"n": {"type": "integer"}},
        "required": ["n"],
    });
    declaration.output_schema = schema.as_object().cloned();
    let output = output.clone();
    tools().add_tool(Tool::dynamic(declaration, move |_, _| {
        std::future::ready(Ok(output.clone()))
    }))
}

#[tokio::test]
async fn a_value_is_structured_and_the_same_json_as_text() {
    let server = open_server().await;
    for era in Era::ALL {
        let params = json!({"name": "add", "arguments": {"a": 0.5, "b": 2}});
        let call = match era {
            Era::Modern => server.rpc("tools/call", params),
            Era::Legacy => server.legacy("tools/call", params),
        };
        // `structured` holds both forms against each other.
        assert_eq!(
            call.send().await.structured(),
            json!({"sum": 2.5}),
            "{era:?}"
        );
    }
}

#[tokio::test]
async fn a_text_is_text_and_nothing_else() {
    let server = open_server().await;
    let result = server.call("paint", json!({"coats": 1})).await.result();
    assert_eq!(
        result["content"],
        json!([{"type": "text", "text": "1 on "}])
    );
    assert!(result.get("structuredContent").is_none(), "{result}");
}

#[tokio::test]
async fn a_result_that_breaks_its_schema_is_a_fault_of_the_server() {
    for wrong in [json!({"n": "one"}), json!({}), json!([1])] {
        let app = giving(&ToolOutput::structured(wrong.clone()));
        let server = Setup::new(app).start().await;
        let failure = server.call("give", json!({})).await.tool_failure();
        assert_eq!(failure["error_code"], "internal", "{wrong}: {failure}");
    }
}

#[tokio::test]
async fn a_result_without_the_structure_it_promised_is_a_fault_of_the_server() {
    let server = Setup::new(giving(&ToolOutput::text("one"))).start().await;
    let failure = server.call("give", json!({})).await.tool_failure();
    assert_eq!(failure["error_code"], "internal", "{failure}");
}

#[tokio::test]
async fn an_error_is_structured_only_where_the_schema_admits_it() {
    let server = open_server().await;
    // `add` promises a sum, so an error beside it would break its schema in strict clients.
    let result = server.call("add", json!({})).await.result();
    assert!(result.get("structuredContent").is_none(), "{result}");
    // `paint` promises nothing.
    let reply = server
        .call("paint", json!({"coats": 1, "colour": "Blue"}))
        .await;
    assert_eq!(reply.result()["structuredContent"], reply.tool_failure());
    assert_eq!(
        reply.tool_failure(),
        json!({"error": "there is no blue left; take red"})
    );
}

#[tokio::test]
async fn a_tool_may_say_itself_that_it_failed() {
    let output = ToolOutput::text("no luck").failed();
    let server = Setup::new(giving(&output)).start().await;
    let result = server.call("give", json!({})).await.result();
    assert_eq!(result["isError"], true);
    assert_eq!(result["content"][0]["text"], "no luck");
}

#[tokio::test]
async fn blocks_and_metadata_arrive_as_they_were_made() {
    let meta = json!({"example.com/cost": 3});
    let output = ToolOutput::blocks([
        Content::text("a picture"),
        Content::image(b"GIF89a", "image/gif").with("annotations", json!({"priority": 0.5})),
        Content::audio(b"RIFF", "audio/wav"),
        Content::link("notes://today", "today"),
    ])
    .with_meta(meta.as_object().unwrap().clone());
    let give = Tool::dynamic(ToolDeclaration::new("show", "Show it."), move |_, _| {
        std::future::ready(Ok(output.clone()))
    });
    let server = Setup::new(tools().add_tool(give)).start().await;
    let result = server.call("show", json!({})).await.result();
    let kinds: Vec<_> = result["content"]
        .as_array()
        .unwrap()
        .iter()
        .map(|block| &block["type"])
        .collect();
    assert_eq!(kinds, ["text", "image", "audio", "resource_link"]);
    assert_eq!(result["content"][1]["data"], "R0lGODlh");
    assert_eq!(result["content"][1]["annotations"]["priority"], 0.5);
    assert_eq!(result["_meta"]["example.com/cost"], 3);
}

/// Fail with an error of a library.
#[tool]
async fn library() -> Result<String, Problem> {
    Ok(std::fs::read_to_string("/src/secret/of/sqlx.rs:1")?)
}

#[tokio::test]
async fn the_cause_of_a_fault_stays_inside() {
    let server = Setup::new(tools().tool::<library>()).start().await;
    // The harness looks into every answer for paths and the like.
    let failure = server.call("library", json!({})).await.tool_failure();
    assert_eq!(failure["error_code"], "internal");
}

#[tokio::test]
async fn tools_are_listed_in_the_order_of_registration_with_closed_schemas() {
    let server = open_server().await;
    let first = server.rpc("tools/list", json!({})).send().await.result();
    let tools = first["tools"].as_array().unwrap();
    let names: Vec<_> = tools.iter().map(|tool| &tool["name"]).collect();
    assert_eq!(names, ["add", "echo", "paint"]);
    for tool in tools {
        assert_eq!(tool["inputSchema"]["type"], "object", "{tool}");
        assert_eq!(tool["inputSchema"]["additionalProperties"], false, "{tool}");
    }
    assert_eq!(tools[0]["annotations"]["readOnlyHint"], true);
    let second = server.rpc("tools/list", json!({})).send().await.result();
    assert_eq!(first["tools"], second["tools"]);
}
