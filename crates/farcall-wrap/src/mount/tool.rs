//! Tools of a mounted server: declared as it declares them, answered as it answers them.

use std::sync::Arc;

use farcall_config::file::MountedTool;
use farcall_core::{
    JsonObject,
    content::{Content, ToolOutput},
    context::CallContext,
    problem::{ErrorCode, Problem},
    tool::{Annotations, SchemaOrigin, Tool, ToolDeclaration},
    trace::{TRACEPARENT, TraceParent},
};
use serde_json::{Value, json};

use super::{broken::Broken, pool::Pool};
use crate::text;

/// What `own` declares, under the name `name`, with what the file changes about it.
///
/// # Errors
/// What in it does not have the protocol's shape.
pub(super) fn declaration(
    name: String,
    mut own: JsonObject,
    changed: Option<&MountedTool>,
) -> Result<ToolDeclaration, String> {
    let mut declaration = ToolDeclaration::new(name, text_of(&own, "description"));
    declaration.title = own.get("title").and_then(Value::as_str).map(str::to_owned);
    declaration.schema_origin = SchemaOrigin::Imported;
    declaration.input_schema = match own.remove("inputSchema") {
        Some(Value::Object(schema)) => schema,
        _ => return Err("it has no input schema".to_owned()),
    };
    declaration.output_schema = match own.remove("outputSchema") {
        Some(Value::Object(schema)) => Some(schema),
        None | Some(Value::Null) => None,
        Some(_) => return Err("its output schema is no object".to_owned()),
    };
    if let Some(annotations) = own.remove("annotations").filter(|value| !value.is_null()) {
        let read: Result<Annotations, _> = serde_json::from_value(annotations);
        declaration.annotations =
            read.map_err(|error| format!("its annotations do not have MCP's shape: {error}"))?;
    }
    if let Some(Value::Array(icons)) = own.remove("icons") {
        declaration.icons = icons;
    }
    if let Some(Value::Object(meta)) = own.remove("_meta") {
        declaration.meta = meta;
    }
    if let Some(changed) = changed {
        if let Some(description) = &changed.description {
            declaration.description.clone_from(description);
        }
        if let Some(limit) = changed.timeout {
            declaration.time_limit = limit;
        }
    }
    Ok(declaration)
}

/// The tool that asks `pool` for its own tool `own`.
pub(super) fn tool(declaration: ToolDeclaration, own: &str, pool: &Arc<Pool>) -> Tool {
    let (own, pool) = (Arc::<str>::from(own), Arc::clone(pool));
    Tool::dynamic(declaration, move |context, arguments| {
        call(Arc::clone(&pool), Arc::clone(&own), context, arguments)
    })
}

async fn call(
    pool: Arc<Pool>,
    own: Arc<str>,
    context: CallContext,
    arguments: JsonObject,
) -> Result<ToolOutput, Problem> {
    let params = params(&own, arguments, context.meta(), context.trace());
    tokio::select! {
        biased;
        // The request is taken back when it is dropped.
        () = context.cancellation().cancelled() => {
            Err(Problem::new(ErrorCode::Cancelled, "the call was taken back"))
        }
        answer = pool.ask("tools/call", params, &context) => output(answer?),
    }
}

/// The parameters of `tools/call`.
pub(super) fn params(
    own: &str,
    arguments: JsonObject,
    meta: &JsonObject,
    trace: Option<TraceParent>,
) -> JsonObject {
    let mut params = JsonObject::new();
    params.insert("name".to_owned(), own.into());
    params.insert("arguments".to_owned(), arguments.into());
    add_meta(&mut params, meta, trace);
    params
}

/// Passes on what a caller says beside its request, apart from what is between it and this server, and where
/// the call stands in a trace.
pub(super) fn add_meta(params: &mut JsonObject, meta: &JsonObject, trace: Option<TraceParent>) {
    let is_passed_on =
        |name: &str| name != "progressToken" && !name.starts_with("io.modelcontextprotocol/");
    let passed = meta.iter().filter(|(name, _)| is_passed_on(name));
    let mut passed: JsonObject = passed
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect();
    if let Some(trace) = trace {
        passed.insert(TRACEPARENT.to_owned(), trace.to_string().into());
    }
    if !passed.is_empty() {
        params.insert("_meta".to_owned(), passed.into());
    }
}

/// A result of `tools/call`, clean and otherwise as it is.
///
/// # Errors
/// A problem where it does not have the protocol's shape.
pub(super) fn output(mut answer: JsonObject) -> Result<ToolOutput, Problem> {
    let content = answer.remove("content").unwrap_or_else(|| json!([]));
    let content: Vec<Content> =
        serde_json::from_value(text::clean_value(content)).map_err(|error| {
            Broken::Unreadable(format!("its content is no list of blocks: {error}"))
        })?;
    let meta = match answer.remove("_meta") {
        Some(Value::Object(meta)) => Some(meta),
        _ => None,
    };
    Ok(ToolOutput {
        content,
        structured: answer.remove("structuredContent").map(text::clean_value),
        is_error: answer.remove("isError") == Some(Value::Bool(true)),
        meta,
    })
}

pub(super) fn text_of(own: &JsonObject, key: &str) -> String {
    let text = own.get(key).and_then(Value::as_str);
    text.unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn object(value: &Value) -> JsonObject {
        value.as_object().cloned().unwrap()
    }

    #[test]
    fn a_result_stays_as_it_is() {
        let answer = json!({
            "content": [
                {"type": "text", "text": "a\u{1b}[0m", "annotations": {"priority": 0.5}},
                {"type": "image", "data": "R0k=", "mimeType": "image/gif"},
            ],
            "structuredContent": {"a": [1, null]},
            "isError": true,
            "_meta": {"x/y": 1},
        });
        let output = output(object(&answer)).unwrap();
        let blocks: Vec<_> = output
            .content
            .into_iter()
            .map(Content::into_value)
            .collect();
        assert_eq!(
            blocks[0],
            json!({"type": "text", "text": "a", "annotations": {"priority": 0.5}})
        );
        assert_eq!(blocks[1]["data"], "R0k=");
        assert_eq!(output.structured, Some(json!({"a": [1, null]})));
        assert!(output.is_error && output.meta.is_some());
    }

    #[test]
    fn content_that_is_none_is_a_problem() {
        for content in [json!("text"), json!([1]), json!({})] {
            assert!(output(object(&json!({"content": content}))).is_err());
        }
        assert!(output(JsonObject::new()).unwrap().content.is_empty());
    }

    #[test]
    fn what_is_between_a_caller_and_this_server_stays_there() {
        let meta = json!({"progressToken": 1, "io.modelcontextprotocol/clientInfo": {}, "traceparent": "00"});
        let params = params("echo", JsonObject::new(), &object(&meta), None);
        assert_eq!(params["_meta"], json!({"traceparent": "00"}));
        let params = self::params(
            "echo",
            JsonObject::new(),
            &object(&json!({"progressToken": 1})),
            None,
        );
        assert!(!params.contains_key("_meta"));
        let place = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
        let params = self::params(
            "echo",
            JsonObject::new(),
            &object(&meta),
            TraceParent::parse(place),
        );
        assert_eq!(params["_meta"], json!({"traceparent": place}));
    }

    #[test]
    fn a_declaration_is_taken_over_and_changed_as_the_file_says() {
        let own = json!({
            "name": "echo", "title": "Echo", "description": "Say it again.",
            "inputSchema": {"$schema": "http://json-schema.org/draft-07/schema#", "type": "object"},
            "outputSchema": {"type": "object"}, "annotations": {"readOnlyHint": true, "title": "E"},
            "icons": [{"src": "data:,"}], "_meta": {"a": 1}, "execution": {"taskSupport": "optional"},
        });
        let changed = MountedTool {
            description: Some("Other.".to_owned()),
            ..MountedTool::default()
        };
        let made = declaration("e".to_owned(), object(&own), Some(&changed)).unwrap();
        assert_eq!(
            (made.name.as_str(), made.description.as_str()),
            ("e", "Other.")
        );
        assert_eq!(made.title.as_deref(), Some("Echo"));
        assert_eq!(json!(made.input_schema), own["inputSchema"]);
        assert_eq!(made.annotations.read_only_hint, Some(true));
        assert_eq!((made.icons.len(), made.meta.len()), (1, 1));
        assert!(declaration("e".to_owned(), object(&json!({"inputSchema": 1})), None).is_err());
    }
}
