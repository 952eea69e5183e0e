//! What clients are told beside the answer: progress, log entries, changed lists.

use std::time::Duration;

use farcall::{
    App, CallContext, LogLevel, Tool, ToolDeclaration, ToolOutput, Update, Updates, tool,
};

/// Between two notifications, so that they arrive one by one.
const PAUSE: Duration = Duration::from_millis(50);

/// Adds the tools of this module.
pub(super) fn register(app: App, updates: &Updates) -> App {
    let tools = ToolDeclaration::new(
        "test_trigger_tool_change",
        "Tell subscribers that the tool list changed.",
    );
    let prompts = ToolDeclaration::new(
        "test_trigger_prompt_change",
        "Tell subscribers that the prompt list changed.",
    );
    app.tool::<test_tool_with_logging>()
        .tool::<test_tool_with_progress>()
        .tool::<test_logging_tool>()
        .add_tool(trigger(tools, Update::Tools, updates))
        .add_tool(trigger(prompts, Update::Prompts, updates))
}

/// Log three lines while it runs.
#[tool(read_only)]
async fn test_tool_with_logging(ctx: CallContext) -> String {
    ctx.log(LogLevel::Info, "Tool execution started").await;
    tokio::time::sleep(PAUSE).await;
    ctx.log(LogLevel::Info, "Tool processing data").await;
    tokio::time::sleep(PAUSE).await;
    ctx.log(LogLevel::Info, "Tool execution completed").await;
    "Tool with logging executed successfully.".to_owned()
}

/// Report its progress.
#[tool(read_only)]
async fn test_tool_with_progress(ctx: CallContext) -> String {
    for done in [0.0, 50.0, 100.0] {
        ctx.progress(done, Some(100.0), "").await;
        tokio::time::sleep(PAUSE).await;
    }
    "Tool with progress executed successfully.".to_owned()
}

/// Log only for a caller that asked for logs.
#[tool(read_only)]
async fn test_logging_tool(ctx: CallContext) -> String {
    ctx.log(LogLevel::Info, "This entry was asked for").await;
    "Log entries go to callers that ask for them.".to_owned()
}

/// A tool that sends one piece of news; nothing really changes.
fn trigger(declaration: ToolDeclaration, update: Update, updates: &Updates) -> Tool {
    let updates = updates.clone();
    Tool::dynamic(declaration, move |_context, _arguments| {
        updates.send(update.clone());
        std::future::ready(Ok(ToolOutput::text("The news are sent.")))
    })
}
