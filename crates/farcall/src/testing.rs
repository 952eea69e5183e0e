//! Serves an app and calls it as a client does, for tests.
//!
//! An annotated function is still a function: what it computes is tested by calling it. What
//! only a server can show is tested here, through real HTTP and the real protocol: schemas that
//! refuse, errors as clients read them, jobs from start to file, jobs that a restart interrupts.
//!
//! ```
//! use farcall::{prelude::*, json, testing};
//!
//! /// The answer of `add`.
//! #[data]
//! struct Sum {
//!     /// The sum of both numbers.
//!     sum: f64,
//! }
//!
//! /// Add two numbers.
//! #[tool]
//! async fn add(
//!     /// First number to add.
//!     a: f64,
//!     /// Second number to add.
//!     b: f64,
//! ) -> Sum {
//!     Sum { sum: a + b }
//! }
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! testing::block_on(async {
//!     let server = testing::Server::start(App::new("calculator").tool::<add>()).await?;
//!
//!     let answer = server.call("add", json!({"a": 2, "b": 3})).await?;
//!     assert_eq!(answer, json!({"sum": 5.0}));
//!
//!     let refused = server.call("add", json!({"a": 2})).await.unwrap_err();
//!     assert!(refused.message.contains("`b`"));
//!
//!     server.stop().await;
//!     Ok(())
//! })
//! # }
//! ```
//!
//! A job runs to its file:
//!
//! ```
//! use farcall::{prelude::*, json, testing};
//!
//! /// What to print.
//! #[data]
//! struct Order {
//!     /// Text of the page.
//!     text: String,
//! }
//!
//! /// Print a page.
//! #[job]
//! fn print() -> Pipeline<Order, Artifact> {
//!     Pipeline::new()
//!         .stage("setting", |_, order: Order| Ok(order.text.to_uppercase()))
//!         .stage("printing", |ctx, page: String| ctx.write_artifact("page.txt", page.as_bytes()))
//! }
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! testing::block_on(async {
//!     let server = testing::Server::start(App::new("press").job::<print>()).await?;
//!
//!     let outcome = server.run_job("print", json!({"text": "hello"})).await?;
//!     assert_eq!(outcome.state, testing::JobState::Succeeded);
//!     assert_eq!(outcome.result["artifacts"][0]["name"], "page.txt");
//!
//!     let url = outcome.url().unwrap_or_default();
//!     assert_eq!(server.download(url).await?, b"HELLO");
//!
//!     server.stop().await;
//!     Ok(())
//! })
//! # }
//! ```

mod caller;

use farcall_cli::{Ready, Running};
use farcall_config::{Config, Source};
use serde_json::Value;
use tempfile::TempDir;

pub use farcall_cli::{Failure, client::jobs::Status as JobStatus};
pub use farcall_core::job::state::JobState;

pub use self::caller::{Caller, JobOutcome, ToolError};
use crate::App;

/// Runs a test's future to its end, with everything that a server needs.
///
/// `#[tokio::test(flavor = "multi_thread")]` does as well.
///
/// # Panics
/// Where the system gives no threads, or the future panics.
pub fn block_on<F: Future>(future: F) -> F::Output {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .expect("a test needs a runtime, and the system gives none");
    let output = runtime.block_on(future);
    // Stages that do not stop when they are told to must not keep the test.
    runtime.shutdown_background();
    output
}

/// An app that is served on a free port of this machine, with a data folder of its own.
///
/// The environment and `.env` are not looked at. [`stop`](Self::stop) it at the end; one that is
/// only dropped goes on until the runtime ends. The folder goes away with it.
pub struct Server {
    caller: Caller,
    running: Running,
    token: Option<String>,
    folder: TempDir,
}

impl Server {
    /// Serves `app`; without a verifier of its own, it lets everybody call.
    ///
    /// # Errors
    /// A [`Failure`] with everything that is wrong with what was registered, or with what is in
    /// the way of a server.
    pub async fn start(app: App) -> Result<Self, Failure> {
        Self::serve(app, None, folder()?).await
    }

    /// The same, behind the shared secret `token`, as with `MCP_BEARER_TOKEN`; the server's own
    /// methods send it.
    ///
    /// # Errors
    /// As [`start`](Self::start), and where the token cannot be one.
    pub async fn with_token(app: App, token: &str) -> Result<Self, Failure> {
        Self::serve(app, Some(token.to_owned()), folder()?).await
    }

    /// URL of the MCP endpoint, for example `http://127.0.0.1:40123/mcp`.
    pub fn url(&self) -> &str {
        self.caller.url()
    }

    /// Somebody else, who sends `token` as bearer token: for apps with a
    /// [`TokenVerifier`](crate::TokenVerifier), and for wrong tokens.
    ///
    /// # Errors
    /// A [`Failure`] where a header cannot carry the token.
    pub fn caller(&self, token: &str) -> Result<Caller, Failure> {
        Caller::new(self.url(), Some(token))
    }

    /// Somebody else, who sends no token.
    pub fn stranger(&self) -> Caller {
        self.caller.without_token()
    }

    /// Calls a tool with `arguments`, a JSON object; see [`Caller::call`].
    ///
    /// # Errors
    /// A [`ToolError`] where the tool, or the server, refuses.
    pub async fn call(&self, tool: &str, arguments: Value) -> Result<Value, ToolError> {
        self.caller.call(tool, arguments).await
    }

    /// Starts the job called `job`, and returns its `job_id`; see [`Caller::start_job`].
    ///
    /// # Errors
    /// A [`ToolError`] where it is refused.
    pub async fn start_job(&self, job: &str, arguments: Value) -> Result<String, ToolError> {
        self.caller.start_job(job, arguments).await
    }

    /// Waits for the end of a job; see [`Caller::finish_job`].
    ///
    /// # Errors
    /// A [`ToolError`] where the job is unknown, or does not end.
    pub async fn finish_job(&self, job: &str, job_id: &str) -> Result<JobOutcome, ToolError> {
        self.caller.finish_job(job, job_id).await
    }

    /// Starts a job and waits for its end; see [`Caller::run_job`].
    ///
    /// # Errors
    /// A [`ToolError`] where it is refused, or does not end.
    pub async fn run_job(&self, job: &str, arguments: Value) -> Result<JobOutcome, ToolError> {
        self.caller.run_job(job, arguments).await
    }

    /// The bytes of the file at `url`; see [`Caller::download`].
    ///
    /// # Errors
    /// A [`Failure`] where the server does not give it out.
    pub async fn download(&self, url: &str) -> Result<Vec<u8>, Failure> {
        self.caller.download(url).await
    }

    /// Stops the server. Jobs that still run are told to stop and handed back, as at a second
    /// signal; a stage that does not listen ([`JobContext::check`](crate::JobContext::check)) is
    /// waited for.
    pub async fn stop(self) {
        self.stopped().await;
    }

    /// Stops the server and serves `app` on the same data: unfinished jobs go on after their
    /// last finished stage. Port, and so the URLs of files, are new.
    ///
    /// # Errors
    /// As [`start`](Self::start).
    pub async fn restart(self, app: App) -> Result<Self, Failure> {
        let (token, folder) = self.stopped().await;
        Self::serve(app, token, folder).await
    }

    async fn serve(app: App, token: Option<String>, folder: TempDir) -> Result<Self, Failure> {
        let data = folder.path().to_string_lossy();
        let mut pairs = vec![("MCP_PORT", "0"), ("FARCALL_DATA_DIR", data.as_ref())];
        if let Some(token) = &token {
            pairs.push(("MCP_BEARER_TOKEN", token));
        }
        let config = Config::read(&Source::from_pairs(pairs))
            .map_err(|error| Failure::usage(error.to_string()))?;
        let ready = Ready::prepare(app, &config).await?;
        let url = format!("http://{}/mcp", ready.address);
        Ok(Self {
            caller: Caller::new(&url, token.as_deref())?,
            running: ready.start(),
            token,
            folder,
        })
    }

    async fn stopped(self) -> (Option<String>, TempDir) {
        self.caller.leave().await;
        self.running.hurry().cancel();
        self.running.stop().await;
        (self.token, self.folder)
    }
}

fn folder() -> Result<TempDir, Failure> {
    let folder = tempfile::Builder::new().prefix("farcall-test-").tempdir();
    folder.map_err(|error| Failure::failed(format!("there is no folder for the data: {error}")))
}
