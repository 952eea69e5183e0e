//! `serve`: the server itself, until a signal ends it.

mod banner;

use std::path::Path;

use farcall_config::{Config, Role, Source, file::Project, variables};
use tokio::signal::unix::{Signal, SignalKind, signal};

use self::banner::Offered;
use crate::{App, Failure, command::ServeFlags, logging, project, running::Ready};

/// Serves `app` until SIGTERM or SIGINT; a second signal cuts what is still going on.
///
/// # Errors
/// A [`Failure`] where the configuration or what was registered is wrong, or something that
/// the server needs is in the way.
pub(crate) async fn serve(app: App, flags: ServeFlags) -> Result<(), Failure> {
    let config = configured(&app, &flags, environment()?)?;
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
    let app = project::app(&project)?;
    let unconfined = project::confinement(&project)?;
    source.set_file(&project.settings);
    let config = configured(&app, &flags, source)?;
    logging::start(&config.log)?;
    for warning in warnings {
        let line = warning.place.map(|place| place.line);
        tracing::warn!(file = %file.display(), line, "{}; {}", warning.message, warning.hint);
    }
    for sentence in unconfined {
        tracing::warn!("{sentence}");
    }
    run(app, &config, &flags).await
}

async fn run(app: App, config: &Config, flags: &ServeFlags) -> Result<(), Failure> {
    let mut signals = Signals::new()?;
    let offered = Offered::by(&app);
    let ready = Ready::prepare(app, config).await?;
    banner::show(&offered, &ready, config, flags.stdio);
    warn(&ready, config);
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

fn configured(app: &App, flags: &ServeFlags, mut source: Source) -> Result<Config, Failure> {
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
    if !app.verifiers.is_empty() {
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
