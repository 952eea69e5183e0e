//! Runs the binary, and serves what it is run against.

use std::{
    ffi::OsStr,
    fmt,
    fs::File,
    path::Path,
    process::{Child, Command, Output, Stdio},
    sync::Arc,
    time::Duration,
};

use farcall::{
    App, Artifact, Job, JobContext, Pipeline, Principal, Problem, TokenVerifier, async_trait, axum,
    prelude::{data, tool},
    testing,
};
use tokio::{net::TcpListener, sync::watch, time::timeout};

/// The token of every server here that wants one.
pub(crate) const TOKEN: &str = "a-token-for-the-tests";

/// How long anything may take.
pub(crate) const PATIENCE: Duration = Duration::from_mins(1);

/// Compares an [`Ended`] with what is written behind it, or in a file where that is long; ids,
/// checksums, ports and times have no say.
macro_rules! shows {
    ($ended:expr) => {
        let shown = $ended.to_string();
        insta::with_settings!({filters => crate::harness::FILTERS.to_vec(), omit_expression => true}, {
            insta::assert_snapshot!(shown);
        })
    };
    ($ended:expr, @$expected:literal) => {
        let shown = $ended.to_string();
        insta::with_settings!({filters => crate::harness::FILTERS.to_vec()}, {
            insta::assert_snapshot!(shown, @$expected);
        })
    };
}
pub(crate) use shows;

pub(crate) const FILTERS: &[(&str, &str)] = &[
    ("fc_[a-z0-9]{12}_[0-9A-Za-z]{43}", "[TOKEN]"),
    ("fc_[a-z0-9]{12}", "fc_[ID]"),
    (r#""id":"[a-z0-9]{12}""#, r#""id":"[ID]""#),
    ("[0-9a-f]{64}", "[SHA256]"),
    ("[0-9a-f]{32}", "[JOB]"),
    ("[0-9a-f]{8}…", "[JOB]…"),
    (r"127\.0\.0\.1:[1-9]\d{4}", "127.0.0.1:[PORT]"),
    (r"\d{4}-\d\d-\d\dT[0-9:.]+Z", "[TIME]"),
    (r"\b[0-9a-f]{8}\b", "[JOB]"),
    // How long ago something was, and so how wide its column is.
    (r"AGE +TOOK +OWNER", "AGE TOOK OWNER"),
    (r"AGE +STATE\n", "AGE STATE\n"),
    (r"\b(\d+d)?(\d+h)?(\d+m)?\d+(ms|s|m|h) {2,}", "[SPAN] "),
    (r"\b(\d+d)?(\d+h)?(\d+m)?\d+(ms|s|m|h)\b", "[SPAN]"),
    (r"(\[SPAN\] )- +", "${1}- "),
];

/// A command line that is being put together.
pub(crate) struct Typed(Command);

/// `farcall` with these arguments, in an empty environment.
pub(crate) fn farcall(arguments: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Typed {
    let mut command = Command::new(env!("CARGO_BIN_EXE_farcall"));
    command.args(arguments).env_clear();
    Typed(command)
}

/// `farcall smoke` of `url`.
pub(crate) fn smoke(url: &str) -> Typed {
    farcall(["smoke", url])
}

impl Typed {
    pub(crate) fn arguments(mut self, arguments: &[&str]) -> Self {
        self.0.args(arguments);
        self
    }

    pub(crate) fn variable(mut self, name: &str, value: &str) -> Self {
        self.0.env(name, value);
        self
    }

    /// In this folder.
    pub(crate) fn within(mut self, folder: &Path) -> Self {
        self.0.current_dir(folder);
        self
    }

    /// Runs it to its end, where nothing else has to go on meanwhile.
    pub(crate) fn ended(mut self) -> Ended {
        Ended::from(self.0.output().unwrap())
    }

    /// Starts it, with its standard output there; nobody hears what it says beside that.
    pub(crate) fn spawn(mut self, stdout: Stdio) -> Child {
        self.0.stdout(stdout).stderr(Stdio::null()).spawn().unwrap()
    }

    /// Starts it with `side` of a terminal for everything.
    pub(crate) fn on_terminal(mut self, side: &File) -> Child {
        let side = || side.try_clone().unwrap();
        self.0.stdin(side()).stdout(side()).stderr(side());
        self.0.spawn().unwrap()
    }

    pub(crate) async fn run(mut self) -> Ended {
        let run = tokio::task::spawn_blocking(move || self.0.output());
        timeout(PATIENCE, run)
            .await
            .unwrap()
            .unwrap()
            .unwrap()
            .into()
    }
}

/// A command that has ended.
pub(crate) struct Ended {
    pub(crate) exit: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl From<Output> for Ended {
    fn from(output: Output) -> Self {
        Self {
            exit: output.status.code().unwrap(),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

impl fmt::Display for Ended {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            exit,
            stdout,
            stderr,
        } = self;
        write!(
            formatter,
            "exit {exit}\n---- stdout\n{stdout}---- stderr\n{stderr}"
        )
    }
}

/// An app that adds, prints pages, and lets [`TOKEN`] in.
///
/// A stage of a job ends when its status has been looked at: what a test sees does not depend on
/// how fast anything is.
pub(crate) fn press() -> App {
    let looks = Looks::default();
    App::new("press")
        .tool::<add>()
        .add_job(print(&looks))
        .add_job(burn(&looks))
        .token_verifier(looks)
}

/// An app with one job, which takes as long as a bar needs to be worth it.
pub(crate) fn bindery() -> App {
    let looks = Looks::default();
    App::new("bindery")
        .add_job(bind(&looks))
        .token_verifier(looks)
}

/// An app without jobs and without authentication.
pub(crate) fn calculator() -> App {
    App::new("calculator").tool::<add>().tool::<shout>()
}

/// Serves `app` for as long as `test` takes.
pub(crate) fn with_server<F: Future<Output = ()>>(app: App, test: impl FnOnce(String) -> F) {
    testing::block_on(async {
        let server = testing::Server::start(app).await.unwrap();
        test(server.url().to_owned()).await;
        server.stop().await;
    });
}

/// Serves plain routes for as long as `test` takes; the URL is without a path.
pub(crate) fn with_routes<F: Future<Output = ()>>(
    routes: axum::Router,
    test: impl FnOnce(String) -> F,
) {
    testing::block_on(async {
        test(serve(routes).await).await;
    });
}

/// Serves plain routes until the test ends, and returns where.
pub(crate) async fn serve(routes: axum::Router) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async { axum::serve(listener, routes).await });
    format!("http://{address}")
}

/// The answer of `add`.
#[data]
struct Sum {
    /// The sum of both numbers.
    sum: f64,
}

/// Add two numbers.
#[tool]
async fn add(
    /// First number to add.
    a: f64,
    /// Second number to add.
    b: f64,
) -> Sum {
    Sum { sum: a + b }
}

/// Say it louder.
#[tool]
async fn shout(
    /// What to say.
    text: String,
) -> Result<String, Problem> {
    if text.is_empty() {
        return Err(Problem::user("there is nothing to say"));
    }
    Ok(text.to_uppercase())
}

/// What to print.
#[data]
struct Page {
    /// Text of the page.
    #[default = "hello"]
    text: String,
}

fn print(looks: &Looks) -> Job {
    let (setting, printing) = (looks.clone(), looks.clone());
    let pipeline: Pipeline<Page, Artifact> = Pipeline::new()
        .stage_async("setting type", move |_: JobContext, page: Page| {
            let seen = setting.clone().seen();
            async move {
                seen.await;
                Ok(page.text.to_uppercase())
            }
        })
        .stage_async("printing", move |job: JobContext, text: String| {
            let seen = printing.clone().seen();
            async move {
                seen.await;
                job.write_artifact("page.txt", text.as_bytes())
            }
        });
    Job::new("print", "Print a page.", pipeline)
}

fn bind(looks: &Looks) -> Job {
    let mut pipeline = Pipeline::new();
    for stage in ["folding", "sewing", "gluing", "cutting", "drying"] {
        let looks = looks.clone();
        pipeline = pipeline.stage_async(stage, move |_: JobContext, page: Page| {
            let seen = looks.clone().seen();
            async move {
                seen.await;
                Ok(page)
            }
        });
    }
    let looks = looks.clone();
    let pipeline = pipeline.stage_async("printing", move |job: JobContext, page: Page| {
        let seen = looks.clone().seen();
        async move {
            seen.await;
            job.write_artifact("book.txt", page.text.as_bytes())
        }
    });
    Job::new("bind", "Bind a book.", pipeline)
}

fn burn(looks: &Looks) -> Job {
    let looks = looks.clone();
    let pipeline: Pipeline<Page, Artifact> =
        Pipeline::new().stage_async("lighting", move |_: JobContext, _: Page| {
            let seen = looks.clone().seen();
            async move {
                seen.await;
                Err(Problem::user("the match is wet"))
            }
        });
    Job::new("burn", "Burn a page.", pipeline)
}

/// Counts the requests of whoever has [`TOKEN`].
#[derive(Clone)]
struct Looks(Arc<watch::Sender<u64>>);

impl Default for Looks {
    fn default() -> Self {
        Self(Arc::new(watch::channel(0).0))
    }
}

impl Looks {
    /// Waits until somebody who looks again and again has seen what is the case now: the first
    /// request may have come before, the second sees it, the third shows that the second is
    /// answered.
    async fn seen(self) {
        let mut count = self.0.subscribe();
        let now = *count.borrow();
        let seen = count.wait_for(|count| *count >= now + 3);
        timeout(PATIENCE, seen).await.unwrap().unwrap();
    }
}

#[async_trait]
impl TokenVerifier for Looks {
    async fn verify(&self, token: &str) -> Result<Option<Principal>, Problem> {
        self.0.send_modify(|count| *count += 1);
        Ok((token == TOKEN).then(|| Principal::new("tester")))
    }
}
