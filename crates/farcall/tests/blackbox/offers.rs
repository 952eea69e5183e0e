//! What the servers under test offer.

use farcall::{Job, Principal, Scope, TokenVerifier, Value, async_trait, json, prelude::*};
use tokio_util::sync::CancellationToken;

use crate::harness::{Client, Reply, Server, Setup, pace, soon};

/// The answer of `add`.
#[data]
struct Sum {
    /// The sum of both numbers.
    sum: f64,
}

/// Add two numbers.
#[tool(read_only, idempotent, open_world = false)]
async fn add(
    /// First number to add.
    a: f64,
    /// Second number to add.
    b: f64,
) -> Sum {
    Sum { sum: a + b }
}

/// The answer of `echo`.
#[data]
struct Echo {
    /// The text as it came.
    text: String,
}

/// Return the text as it came.
#[tool(read_only)]
async fn echo(
    /// Text to send back.
    text: String,
) -> Echo {
    Echo { text }
}

/// A colour.
#[data]
#[derive(PartialEq)]
enum Colour {
    Red,
    Blue,
}

/// Paint a wall.
#[tool]
fn paint(
    /// Coats of paint.
    #[min = 1]
    #[max = 10]
    coats: u8,
    /// Which colour.
    #[default = Colour::Red]
    colour: Colour,
    /// Name of the wall.
    #[pattern = "^[a-z]+$"]
    #[max_length = 8]
    wall: Option<String>,
) -> Result<String, Problem> {
    if colour == Colour::Blue {
        return Err(Problem::user("there is no blue left").hint("take red"));
    }
    Ok(format!("{coats} on {}", wall.unwrap_or_default()))
}

/// The tools that most tests call.
pub(crate) fn tools() -> App {
    App::new("blackbox")
        .version("1.2.3")
        .tool::<add>()
        .tool::<echo>()
        .tool::<paint>()
}

/// A server of [`tools`] that asks nobody who they are.
pub(crate) async fn open_server() -> Server {
    Setup::new(tools()).start().await
}

/// What to print.
#[data]
pub(crate) struct Page {
    /// What stands on the page.
    #[max_length = 1000]
    text: String,
    /// Whether it fails at the printer.
    #[default]
    jam: bool,
}

/// The job `print`: one stage that waits for `gate`, and one that leaves `page.txt` and `log.csv`.
pub(crate) fn print(gate: &CancellationToken) -> Job {
    let gate = gate.clone();
    let pipeline = Pipeline::new()
        .stage_async("setting type", move |_: JobContext, page: Page| {
            let gate = gate.clone();
            async move {
                gate.cancelled().await;
                Ok(page)
            }
        })
        .stage("printing", |ctx: &JobContext, page: Page| {
            if page.jam {
                return Err(Problem::user("the paper is jammed").hint("pull it out"));
            }
            ctx.write_artifact("log.csv", b"a,b\n1,2\n")?;
            ctx.write_artifact("page.txt", page.text.as_bytes())
        });
    Job::new("print", "Print a page.", pipeline)
}

/// The job `count`: it returns a value and leaves no file of its own.
pub(crate) fn count() -> Job {
    let pipeline = Pipeline::new().stage("counting", |_: &JobContext, page: Page| {
        Ok(json!({"characters": page.text.len()}))
    });
    Job::new("count", "Count the characters of a page.", pipeline)
}

/// [`tools`] and both jobs; `print` does not wait.
pub(crate) fn tools_and_jobs() -> App {
    let open = CancellationToken::new();
    open.cancel();
    tools().add_job(print(&open)).add_job(count())
}

/// Starts a job and returns its id.
pub(crate) async fn started(client: &Client, job: &str, arguments: Value) -> String {
    let started = client.call(&format!("start_{job}"), arguments).await;
    let id = started.structured()["job_id"].clone();
    id.as_str().expect("no job_id").to_owned()
}

/// Asks for the status until it is what the test waits for.
pub(crate) async fn status_when(
    client: &Client,
    job: &str,
    id: &str,
    is_it: impl Fn(&Value) -> bool,
) -> Value {
    let tool = format!("get_{job}_status");
    soon(async {
        loop {
            let status = client.call(&tool, json!({"job_id": id})).await.structured();
            if is_it(&status) {
                return status;
            }
            pace().await;
        }
    })
    .await
}

/// Waits for the end of a job.
pub(crate) async fn ended(client: &Client, job: &str, id: &str) -> Value {
    let is_over = |status: &Value| status["state"] == "succeeded" || status["state"] == "failed";
    status_when(client, job, id, is_over).await
}

/// Prints `text` and returns the id of the finished job.
pub(crate) async fn printed(client: &Client, text: &str) -> String {
    let id = started(client, "print", json!({"text": text})).await;
    let status = ended(client, "print", &id).await;
    assert_eq!(status["state"], "succeeded", "{status}");
    id
}

/// Asks what a job left.
pub(crate) async fn result(client: &Client, job: &str, id: &str) -> Reply {
    let tool = format!("get_{job}_result");
    client.call(&tool, json!({"job_id": id})).await
}

/// Knows alice and bob, and carol, who has the scope `admin`; their tokens are `<name>-token`.
pub(crate) struct Callers;

#[async_trait]
impl TokenVerifier for Callers {
    async fn verify(&self, token: &str) -> Result<Option<Principal>, Problem> {
        Ok(match token {
            "alice-token" => Some(Principal::new("alice")),
            "bob-token" => Some(Principal::new("bob")),
            "carol-token" => Some(Principal::new("carol").with_scope(Scope::Admin)),
            "dave-token" => {
                let cause = std::io::Error::other("SELECT broke in /src/verifier.rs:1");
                return Err(Problem::internal(cause));
            }
            _ => None,
        })
    }
}
