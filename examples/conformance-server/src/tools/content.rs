//! What an answer can hold.

use std::time::Duration;

use farcall::{App, Content, ResourceContent, ToolOutput, json, tool};

use crate::samples::{PICTURE, SOUND};

/// Adds the tools of this module.
pub(super) fn register(app: App) -> App {
    app.tool::<test_simple_text>()
        .tool::<test_image_content>()
        .tool::<test_audio_content>()
        .tool::<test_embedded_resource>()
        .tool::<test_multiple_content_types>()
        .tool::<test_error_handling>()
        .tool::<test_reconnection>()
}

/// Answer one line of text.
#[tool(read_only)]
async fn test_simple_text() -> String {
    "This is a simple text response for testing.".to_owned()
}

/// Answer a picture.
#[tool(read_only)]
async fn test_image_content() -> ToolOutput {
    ToolOutput::blocks([Content::image(PICTURE, "image/png")])
}

/// Answer a sound.
#[tool(read_only)]
async fn test_audio_content() -> ToolOutput {
    ToolOutput::blocks([Content::audio(SOUND, "audio/wav")])
}

/// Answer an embedded resource.
#[tool(read_only)]
async fn test_embedded_resource() -> ToolOutput {
    let text = "This is an embedded resource content.";
    let resource = ResourceContent::text("test://embedded-resource", "text/plain", text);
    ToolOutput::blocks([Content::embedded(resource)])
}

/// Answer text, a picture and a resource.
#[tool(read_only)]
async fn test_multiple_content_types() -> ToolOutput {
    let data = json!({"test": "data", "value": 123}).to_string();
    let resource = ResourceContent::text("test://mixed-content-resource", "application/json", data);
    ToolOutput::blocks([
        Content::text("Multiple content types test:"),
        Content::image(PICTURE, "image/png"),
        Content::embedded(resource),
    ])
}

/// Always fail.
#[tool(read_only)]
async fn test_error_handling() -> ToolOutput {
    ToolOutput::text("This tool intentionally returns an error for testing").failed()
}

/// Answer after a while, long enough for a connection to be lost.
#[tool(read_only)]
async fn test_reconnection() -> String {
    tokio::time::sleep(Duration::from_millis(100)).await;
    "Reconnection test completed successfully.".to_owned()
}
