//! `serve`: the server itself, until a signal ends it.

use std::path::Path;

use farcall_config::{Config, Role, Source, Storage, file::Project, variables};
use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::{App, Failure, command::ServeFlags, logging, mounts, project, running::Ready};

/// Serves `app` until SIGTERM or SIGINT; a second signal cuts what is still going on.
///
/// # Errors
/// A [`Failure`] where the configuration or what was registered is wrong, or something that
/// the server needs is in the way.
pub(crate) async fn serve(app: App, flags: ServeFlags) -> Result<(), Failure> {
    let config = configured(!app.verifiers.is_empty(), &flags, environment()?)?;
    logging::start(&config.log)?;
    run(app, &config, &flags).await
}

/// Serves what the `farcall.toml` at `file` declares, in the same way.
///
/// # Errors
/// As [`serve`], and where the file has faults.
pub(crate) async fn serve_file(file: &Path, flags: ServeFlags) -> Result<(), Failure> {
    let mut source = environment()?;
    let (project, warnings) = Project::read(file, &source)
        .map_err(|faults| Failure::usage(format!("`{}` has faults\n{faults}", file.display())))?;
    let unconfined = project::confinement(&project)?;
    source.set_file(&project.settings);
    let config = configured(false, &flags, source)?;
    // Mounted servers say what they have to say from their start on.
    logging::start(&config.log)?;
    for warning in warnings {
        let line = warning.place.map(|place| place.line);
        tracing::warn!(file = %file.display(), line, "{}; {}", warning.message, warning.hint);
    }
    for sentence in unconfined {
        tracing::warn!("{sentence}");
    }
    let app = project::app(&project).await?;
    run(app, &config, &flags).await
}

/// Serves the MCP server that `command` starts, in the working folder, without a file.
///
/// # Errors
/// As [`serve`], and where there is no such program.
pub(crate) async fn serve_command(
    command: &[String],
    sandbox: Option<&str>,
    flags: ServeFlags,
) -> Result<(), Failure> {
    let source = environment()?;
    let project = mounts::alone(command, sandbox, &source)?;
    let config = configured(false, &flags, source)?;
    logging::start(&config.log)?;
    for sentence in project::confinement(&project)? {
        tracing::warn!("{sentence}");
    }
    let app = mounts::named_after_it(project::app(&project).await?);
    run(app, &config, &flags).await
}

async fn run(app: App, config: &Config, flags: &ServeFlags) -> Result<(), Failure> {
    let mut signals = Signals::new()?;
    let name = format!("{} {}", app.identity.name, app.identity.version);
    let jobs = app.offer.jobs().count();
    let ready = Ready::prepare(app, config).await?;
    announce(&name, jobs, &ready, config, flags.stdio);
    let mut outcome = Ok(());
    let running = if flags.stdio {
        let running = ready.start_beside_stdio();
        tokio::select! {
            ended = running.serve_stdio() => {
                outcome = ended.map_err(|error| Failure::failed(error.to_string()));
            }
            () = signals.next() => {}
        }
        running
    } else {
        let running = ready.start();
        signals.next().await;
        running
    };
    tracing::info!("stopping; a second signal cuts what is still going on");
    let hurry = running.hurry();
    let mut stop = std::pin::pin!(running.stop());
    tokio::select! {
        () = &mut stop => return outcome,
        () = signals.next() => hurry.cancel(),
    }
    stop.await;
    outcome
}

/// The environment, and `.env` of the working folder.
fn environment() -> Result<Source, Failure> {
    Source::from_environment(Path::new(".")).map_err(|error| Failure::usage(error.to_string()))
}

fn configured(
    has_own_verifier: bool,
    flags: &ServeFlags,
    mut source: Source,
) -> Result<Config, Failure> {
    if flags.stdio {
        // HTTP only serves files and probes then, so any free port will do.
        source.set_default(&variables::MCP_PORT, "0");
    }
    if let Some(host) = &flags.host {
        source.set(&variables::MCP_HOST, host);
    }
    if let Some(port) = flags.port {
        source.set(&variables::MCP_PORT, port.to_string());
    }
    if let Some(folder) = &flags.data_dir {
        source.set(&variables::FARCALL_DATA_DIR, folder);
    }
    if let Some(role) = &flags.role {
        source.set(&variables::FARCALL_ROLE, role);
    }
    if has_own_verifier {
        source.set_own_authenticator();
    }
    let config = Config::read(&source).map_err(|error| Failure::usage(error.to_string()))?;
    if flags.stdio && !config.jobs.role.answers() {
        return Err(Failure::usage(
            "`--stdio` is for a client, and `FARCALL_ROLE` is `worker`, which answers none",
        )
        .hint("leave out one of the two"));
    }
    Ok(config)
}

/// The start banner: what it is, where it is, who may call, where data lives, what to try.
#[expect(
    clippy::print_stderr,
    reason = "the banner is for whoever typed the command"
)]
fn announce(name: &str, jobs: usize, ready: &Ready, config: &Config, is_stdio: bool) {
    // A client cannot call "every address"; this machine's own one always works.
    let mut address = ready.address;
    if address.ip().is_unspecified() {
        address.set_ip(std::net::Ipv4Addr::LOCALHOST.into());
    }
    let program = std::env::args()
        .next()
        .unwrap_or_else(|| "farcall".to_owned());
    let authentication = match (
        config.auth.bearer_token.is_some(),
        config.auth.has_own_authenticator,
    ) {
        (true, false) => "the bearer token of MCP_BEARER_TOKEN",
        (true, true) => "the bearer token of MCP_BEARER_TOKEN, or the program's own verifier",
        (false, true) => "the program's own token verifier",
        (false, false) => "nothing in this process",
    };
    let token = if config.auth.bearer_token.is_some() {
        "MCP_BEARER_TOKEN=… "
    } else {
        ""
    };
    let origin = format!("http://{address}");
    let (role, data) = (config.jobs.role, data(&config.storage, jobs));
    if !role.answers() {
        eprintln!(
            "{name}\n  probes   {origin}/readyz\n  role     worker: runs {jobs} jobs, answers no callers\n  data     {data}"
        );
        return;
    }
    // Over standard input and output there is no URL to try.
    let (mcp, attempt) = if is_stdio {
        ("standard input and output".to_owned(), String::new())
    } else {
        let url = format!("{origin}/mcp");
        let attempt = format!("\n  try      {token}{program} smoke {url}");
        (url, attempt)
    };
    let does = if role.works() {
        "answers callers, runs jobs"
    } else {
        "answers callers, runs no job"
    };
    eprintln!(
        "{name}\n  mcp      {mcp}\n  role     {role}: {does}\n  callers  authenticated by {authentication}\n  data     {data}\n  offers   {} tools, {} of them for {jobs} jobs{attempt}",
        ready.tools(),
        3 * jobs,
    );
    warn(ready, config);
}

/// Where jobs and files are, without what could be secret.
fn data(storage: &Storage, jobs: usize) -> String {
    if jobs == 0 {
        return "none is kept".to_owned();
    }
    let folder = storage.data_dir.display().to_string();
    let files = storage.artifacts.as_ref().map(|place| {
        let host = place.url.host_str().unwrap_or_default();
        format!("{}://{host}{}", place.url.scheme(), place.url.path())
    });
    match (&storage.database_url, files) {
        (None, None) => folder,
        (None, Some(files)) => format!("{folder}, files in {files}"),
        (Some(database), files) => {
            format!("{database}, files in {}", files.unwrap_or(folder))
        }
    }
}

fn warn(ready: &Ready, config: &Config) {
    if config.jobs.role == Role::Api && config.http.public_base_url.is_none() {
        tracing::warn!(
            url = ready.public_base_url,
            "the URLs of files name this server alone; set PUBLIC_BASE_URL to the address of all of them"
        );
    }
    if config.auth.has_short_token() {
        tracing::warn!(
            "MCP_BEARER_TOKEN is shorter than 16 characters and can be guessed; use `openssl rand -hex 32`"
        );
    }
    if !config.auth.is_open() {
        return;
    }
    if let Some(url) = &config.http.public_base_url {
        tracing::warn!(%url, "this process checks nobody; whatever forwards the public URL to it must");
    }
    if !config.http.is_loopback() {
        tracing::warn!(address = %ready.address, "anyone who reaches this address may call: FARCALL_ALLOW_UNAUTHENTICATED is set");
    }
}

/// SIGTERM and SIGINT.
struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    fn new() -> Result<Self, Failure> {
        let listen = |kind| {
            signal(kind)
                .map_err(|error| Failure::failed(format!("signals cannot be received: {error}")))
        };
        Ok(Self {
            terminate: listen(SignalKind::terminate())?,
            interrupt: listen(SignalKind::interrupt())?,
        })
    }

    async fn next(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}
