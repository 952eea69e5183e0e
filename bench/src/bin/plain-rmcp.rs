//! rmcp as its users write it at best: stateless, JSON answers, one handler behind an `Arc`,
//! TCP_NODELAY. No bearer check, no limits, no validation of arguments, the system's allocator.
//!
//! `plain-rmcp PORT`

use std::sync::Arc;

use axum::{Router, serve::ListenerExt};
use rmcp::{
    ErrorData, RoleServer, ServerHandler,
    model::{
        CallToolRequestParams, CallToolResponse, CallToolResult, ListToolsResult,
        PaginatedRequestParams, ServerCapabilities, ServerConfig, Tool,
    },
    service::RequestContext,
    transport::streamable_http_server::{
        StreamableHttpServerConfig, StreamableHttpService, session::never::NeverSessionManager,
    },
};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::net::TcpListener;

#[derive(Deserialize)]
struct Numbers {
    a: f64,
    b: f64,
}

struct Handler {
    tools: Vec<Tool>,
}

impl Handler {
    fn new() -> Self {
        let number = |description| json!({"type": "number", "description": description});
        let schema = json!({
            "type": "object",
            "properties": {"a": number("First number to add."), "b": number("Second number to add.")},
            "required": ["a", "b"],
        });
        let schema = schema.as_object().cloned().unwrap_or_default();
        Self {
            tools: vec![Tool::new(
                "add",
                "Add two numbers and return {\"sum\": a+b}.",
                schema,
            )],
        }
    }
}

impl ServerHandler for Handler {
    fn get_info(&self) -> ServerConfig {
        ServerConfig::new(ServerCapabilities::builder().enable_tools().build())
    }

    async fn list_tools(
        &self,
        _: Option<PaginatedRequestParams>,
        _: RequestContext<RoleServer>,
    ) -> Result<ListToolsResult, ErrorData> {
        Ok(ListToolsResult::with_all_items(self.tools.clone()))
    }

    fn get_tool(&self, name: &str) -> Option<Tool> {
        self.tools.iter().find(|tool| tool.name == name).cloned()
    }

    async fn call_tool(
        &self,
        params: CallToolRequestParams,
        _: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        if params.name != "add" {
            return Err(ErrorData::invalid_params("there is no such tool", None));
        }
        let arguments = Value::Object(params.arguments.unwrap_or_default());
        let numbers: Numbers = serde_json::from_value(arguments)
            .map_err(|error| ErrorData::invalid_params(error.to_string(), None))?;
        let sum = json!({"sum": numbers.a + numbers.b});
        Ok(CallToolResponse::Complete(CallToolResult::structured(sum)))
    }
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let port: u16 = std::env::args().nth(1).unwrap_or_default().parse()?;
    let handler = Arc::new(Handler::new());
    let config = StreamableHttpServerConfig::default()
        .with_legacy_session_mode(false)
        .with_json_response(true);
    let service = StreamableHttpService::new(
        move || Ok(Arc::clone(&handler)),
        Arc::new(NeverSessionManager::default()),
        config,
    );
    let routes = Router::new()
        .route(
            "/healthz",
            axum::routing::get(|| async { "{\"ok\": true}" }),
        )
        .nest_service("/mcp", service);
    let listener = TcpListener::bind(("127.0.0.1", port)).await?;
    let listener = listener.tap_io(|stream| {
        let _ = stream.set_nodelay(true);
    });
    axum::serve(listener, routes).await?;
    Ok(())
}
