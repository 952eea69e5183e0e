//! The limit: axum that parses a JSON-RPC body with serde_json and answers, without any MCP.
//!
//! `bare-axum PORT [FILE]`: FILE holds the ready answer to `tools/list`.

use std::{path::PathBuf, sync::Arc};

use axum::{
    Router,
    body::Bytes,
    extract::State,
    http::{HeaderValue, header},
    response::{IntoResponse, Response},
    routing::{get, post},
    serve::ListenerExt,
};
use serde::Serialize;
use serde_json::Value;
use tokio::net::TcpListener;

/// The same allocator as the example server's: the limit must not lose on that.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let mut arguments = std::env::args().skip(1);
    let port: u16 = arguments.next().unwrap_or_default().parse()?;
    let tools = match arguments.next().map(PathBuf::from) {
        Some(file) => Bytes::from(std::fs::read(file)?),
        None => Bytes::new(),
    };
    let routes = Router::new()
        .route("/mcp", post(answer))
        .route("/healthz", get(alive))
        .with_state(Arc::new(tools));
    let listener = TcpListener::bind(("127.0.0.1", port)).await?;
    let listener = listener.tap_io(|stream| {
        let _ = stream.set_nodelay(true);
    });
    axum::serve(listener, routes).await?;
    Ok(())
}

async fn alive() -> Response {
    json_response(Bytes::from_static(b"{\"ok\": true}"))
}

async fn answer(State(tools): State<Arc<Bytes>>, body: Bytes) -> Response {
    let Ok(request) = serde_json::from_slice::<Value>(&body) else {
        return axum::http::StatusCode::BAD_REQUEST.into_response();
    };
    if request["method"] == "tools/list" {
        return json_response(tools.as_ref().clone());
    }
    let arguments = &request["params"]["arguments"];
    let sum = Sum {
        sum: arguments["a"].as_f64().unwrap_or(0.0) + arguments["b"].as_f64().unwrap_or(0.0),
    };
    let text = serde_json::to_string(&sum).unwrap_or_default();
    let answer = Answer {
        jsonrpc: "2.0",
        id: &request["id"],
        result: Called {
            content: [Block {
                r#type: "text",
                text,
            }],
            structured_content: sum,
            is_error: false,
            result_type: "complete",
        },
    };
    json_response(Bytes::from(serde_json::to_vec(&answer).unwrap_or_default()))
}

#[derive(Serialize)]
struct Answer<'a> {
    jsonrpc: &'static str,
    id: &'a Value,
    result: Called,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Called {
    content: [Block; 1],
    structured_content: Sum,
    is_error: bool,
    result_type: &'static str,
}

#[derive(Serialize)]
struct Block {
    r#type: &'static str,
    text: String,
}

#[derive(Serialize)]
struct Sum {
    sum: f64,
}

fn json_response(json: Bytes) -> Response {
    let kind = HeaderValue::from_static("application/json");
    ([(header::CONTENT_TYPE, kind)], json).into_response()
}
