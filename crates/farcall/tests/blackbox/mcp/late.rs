//! Answers that take longer than proxies and clients like to wait in silence.

use farcall::{Tool, ToolDeclaration, ToolOutput, json};
use tokio_util::sync::CancellationToken;

use crate::{harness::Setup, offers::tools};

/// The one test that takes its time: the server waits ten seconds before it gives up on silence.
#[tokio::test]
async fn an_answer_that_takes_ten_seconds_begins_as_a_stream_and_ends_as_the_answer() {
    let gate = CancellationToken::new();
    let declaration = ToolDeclaration::new("slow", "Answer when the test says so.");
    let opened = gate.clone();
    let slow = Tool::dynamic(declaration, move |_, _| {
        let opened = opened.clone();
        async move {
            opened.cancelled().await;
            Ok(ToolOutput::structured(json!({"done": true})))
        }
    });
    let server = Setup::new(tools().add_tool(slow)).start().await;
    let mut events = server.tool("slow", json!({})).events().await;
    assert_eq!(events.status, 200);
    assert_eq!(events.headers["content-type"], "text/event-stream");
    assert_eq!(events.headers["cache-control"], "no-cache");
    assert_eq!(events.headers["x-accel-buffering"], "no");
    assert!(events.headers.contains_key("x-request-id"));
    assert_eq!(events.block().await.as_deref(), Some(": still working"));
    gate.cancel();
    let answer = events.expect().await;
    assert_eq!(answer["result"]["structuredContent"], json!({"done": true}));
    assert_eq!(events.block().await, None);
}
