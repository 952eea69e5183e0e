//! Tools: what is declared about them, and what runs when they are called.

use std::{
    fmt,
    sync::{Arc, LazyLock},
    time::Duration,
};

use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::sync::Semaphore;

use crate::{
    BoxFuture, JsonObject,
    content::ToolOutput,
    context::CallContext,
    panic,
    problem::{ErrorCode, Problem},
};

/// How long a call may take where its tool says nothing: clients in use cut at 30 seconds.
pub const DEFAULT_TIME_LIMIT: Duration = Duration::from_secs(25);

/// The longest time limit of a tool: edges cut requests that are silent for about 100 seconds.
pub const MAX_TIME_LIMIT: Duration = Duration::from_secs(90);

/// Hints for clients about what a tool does (MCP `ToolAnnotations`); nobody enforces them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Annotations {
    /// A name for people.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// It changes nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub read_only_hint: Option<bool>,
    /// It may destroy something.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub destructive_hint: Option<bool>,
    /// Calling it twice does no more than calling it once.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub idempotent_hint: Option<bool>,
    /// It reaches beyond this server.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub open_world_hint: Option<bool>,
}

impl Annotations {
    /// The hints of a tool that only looks.
    pub fn read_only() -> Self {
        Self {
            read_only_hint: Some(true),
            ..Self::default()
        }
    }
}

/// Who wrote what clients read and fill in, and so how strictly it is judged.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SchemaOrigin {
    /// Declared here: every parameter needs a description, and extra arguments are refused.
    #[default]
    Declared,
    /// Taken over from somewhere else: passed on to clients untouched, also where a description is
    /// missing.
    Imported,
}

/// Everything that clients learn about a tool, and its limits.
#[derive(Clone, Debug)]
pub struct ToolDeclaration {
    /// Unique within the server; `^[A-Za-z0-9_-]{1,64}$`.
    pub name: String,
    /// A name for people; where a tool that was declared here has none, it is that of the annotations.
    pub title: Option<String>,
    /// What an agent reads to decide when to call it; empty only where it was imported without one.
    pub description: String,
    /// JSON Schema 2020-12 of the arguments, an object.
    pub input_schema: JsonObject,
    /// JSON Schema 2020-12 of the structured result, where there is one.
    pub output_schema: Option<JsonObject>,
    /// Who wrote the schemas.
    pub schema_origin: SchemaOrigin,
    /// Hints for clients.
    pub annotations: Annotations,
    /// Icons as MCP writes them, empty for none.
    pub icons: Vec<Value>,
    /// Protocol metadata (`_meta`), empty for none.
    pub meta: JsonObject,
    /// How long a call may take; at most [`MAX_TIME_LIMIT`].
    pub time_limit: Duration,
    /// The job that a call starts, where a client that knows tasks gets a task for it.
    pub task: Option<TaskTool>,
}

/// What a tool is to a client that knows tasks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TaskTool {
    /// The name of the job behind it.
    pub job: String,
    /// Whether other clients cannot call it.
    pub is_required: bool,
}

impl ToolDeclaration {
    /// A declaration without arguments, and with the defaults for everything else.
    pub fn new(name: impl Into<String>, description: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            title: None,
            description: description.into(),
            input_schema: crate::schema::empty_object(),
            output_schema: None,
            schema_origin: SchemaOrigin::default(),
            annotations: Annotations::default(),
            icons: Vec::new(),
            meta: JsonObject::new(),
            time_limit: DEFAULT_TIME_LIMIT,
            task: None,
        }
    }
}

/// Runs when a tool is called; the arguments have been checked against the schema.
pub trait ToolHandler: Send + Sync {
    /// Answers one call.
    fn call(
        &self,
        context: CallContext,
        arguments: JsonObject,
    ) -> BoxFuture<Result<ToolOutput, Problem>>;
}

impl<F> ToolHandler for F
where
    F: Fn(CallContext, JsonObject) -> BoxFuture<Result<ToolOutput, Problem>> + Send + Sync,
{
    fn call(
        &self,
        context: CallContext,
        arguments: JsonObject,
    ) -> BoxFuture<Result<ToolOutput, Problem>> {
        self(context, arguments)
    }
}

/// A declaration with what runs behind it; where every kind of tool ends up.
#[derive(Clone)]
pub struct Tool {
    /// What clients learn about it.
    pub declaration: ToolDeclaration,
    /// What runs.
    pub handler: Arc<dyn ToolHandler>,
}

impl Tool {
    /// A tool whose schema is known only when the program runs.
    ///
    /// ```
    /// use farcall_core::{content::ToolOutput, tool::{Tool, ToolDeclaration}};
    ///
    /// let tool = Tool::dynamic(
    ///     ToolDeclaration::new("ping", "Answer `pong`."),
    ///     |_context, _arguments| async { Ok(ToolOutput::text("pong")) },
    /// );
    /// assert_eq!(tool.declaration.name, "ping");
    /// ```
    pub fn dynamic<F, A>(declaration: ToolDeclaration, handler: F) -> Self
    where
        F: Fn(CallContext, JsonObject) -> A + Send + Sync + 'static,
        A: Future<Output = Result<ToolOutput, Problem>> + Send + 'static,
    {
        let handler = move |context, arguments| -> BoxFuture<Result<ToolOutput, Problem>> {
            Box::pin(handler(context, arguments))
        };
        Self {
            declaration,
            handler: Arc::new(handler),
        }
    }
}

impl fmt::Debug for Tool {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Tool")
            .field("declaration", &self.declaration)
            .finish_non_exhaustive()
    }
}

/// How many calls of blocking tools run at once in a process. The threads they run on also read
/// and write files, so tools that hang must not take all of them.
pub const MAX_BLOCKING: usize = 256;

/// Runs code that may block its thread, away from the threads that answer requests.
///
/// A panic in it becomes an internal problem. When the call is cut, the code runs on to
/// its end, and its answer is dropped.
pub fn blocking(
    context: CallContext,
    run: impl FnOnce() -> Result<ToolOutput, Problem> + Send + 'static,
) -> BoxFuture<Result<ToolOutput, Problem>> {
    Box::pin(async move {
        static PLACES: LazyLock<Arc<Semaphore>> =
            LazyLock::new(|| Arc::new(Semaphore::new(MAX_BLOCKING)));
        let place = Arc::clone(&PLACES).try_acquire_owned().map_err(|_| {
            Problem::user(format!(
                "{MAX_BLOCKING} calls of blocking tools are running already"
            ))
            .hint("try again later; the operator should look for tools that hang")
        })?;
        // The client may have gone while this call waited for a thread.
        let cancellation = context.cancellation().clone();
        let called = context.clone();
        let work = tokio::task::spawn_blocking(move || {
            // Given back when the code ends, which is not when its caller stops waiting for it.
            let _place = place;
            if cancellation.is_cancelled() {
                return Err(Problem::new(
                    ErrorCode::Cancelled,
                    "the call was taken back",
                ));
            }
            called.sync_scope(|| panic::contain(run))
        });
        work.await?
    })
}

/// What `#[tool]` makes of a function: a type of the same name that knows the tool.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a tool",
    label = "this is not the name of a function with `#[tool]`",
    note = "put `#[farcall::tool]` on the function and pass its name: `.tool::<add>()`"
)]
pub trait ToolFunction {
    /// The tool that the function declares.
    fn tool() -> Tool;
}
