//! `serve`: the server itself, until a signal ends it.

mod banner;
mod exposed;
mod reload;
mod signals;

use std::{path::Path, pin::pin};

use farcall_config::{Config, Role, Source, variables};
use farcall_core::updates::Updates;
use farcall_wrap::command::remove_left_overs;
use tokio::{runtime::Handle, task::block_in_place};

use self::{
    banner::Offered,
    reload::{Loaded, Reload},
    signals::Signals,
};
use crate::{
    App, Failure,
    command::ServeFlags,
    logging, mounts,
    running::{Ready, callers},
    spans::Spans,
};

/// Serves `app` until SIGTERM or SIGINT; a second signal cuts what is still going on. SIGHUP changes
/// nothing, and is logged.
///
/// # Errors
/// A [`Failure`] where the configuration or what was registered is wrong, or something that
/// the server needs is in the way.
pub(crate) async fn serve(mut app: App, flags: ServeFlags) -> Result<(), Failure> {
    app.offer.isolate();
    let config = configured(!app.verifiers.is_empty(), &flags, environment()?)?;
    logging::start(&config.log)?;
    Box::pin(run(app, &config, &flags, Reload::Nothing, Signals::new()?)).await
}

/// Serves what the `farcall.toml` at `file` declares, in the same way; at SIGHUP it is read again.
///
/// # Errors
/// As [`serve`], and where the file has faults.
pub(crate) async fn serve_file(file: &Path, flags: ServeFlags) -> Result<(), Failure> {
    // Before anything that takes long: a signal must end this in order, and a file be read again, from then on.
    let mut signals = Signals::new()?;
    let loaded = Loaded::read(file, &flags, &[])?;
    let Some(app) = signals.unless_stopped(begun(&loaded)).await else {
        return Ok(());
    };
    // What is offered may change, so that clients can ask to be told.
    let app = app?.updates(&Updates::default());
    let Loaded {
        config,
        source,
        withheld,
        ..
    } = loaded;
    let reload = Reload::File {
        file,
        flags: &flags,
        source,
        withheld,
    };
    Box::pin(run(app, &config, &flags, reload, signals)).await
}

/// Serves the MCP server that `command` starts, in the working folder, without a file.
///
/// # Errors
/// As [`serve`], and where there is no such program, or it is no such server.
pub(crate) async fn serve_command(
    command: &[String],
    sandbox: Option<&str>,
    flags: ServeFlags,
) -> Result<(), Failure> {
    let mut signals = Signals::new()?;
    let loaded = Loaded::of_command(command, sandbox, &flags)?;
    let Some(app) = signals.unless_stopped(begun(&loaded)).await else {
        return Ok(());
    };
    let app = mounts::named_after_it(app?);
    Box::pin(run(app, &loaded.config, &flags, Reload::Nothing, signals)).await
}

/// The app of what was read. First of all there is a log: mounted servers have something to say from their
/// start on.
async fn begun(loaded: &Loaded) -> Result<App, Failure> {
    logging::start(&loaded.config.log)?;
    loaded.warn();
    loaded.app(&[]).await
}

/// On the heap where it is called: it holds all of a server.
async fn run(
    app: App,
    config: &Config,
    flags: &ServeFlags,
    reload: Reload<'_>,
    mut signals: Signals,
) -> Result<(), Failure> {
    let removed = remove_left_overs();
    if removed > 0 {
        tracing::info!(removed, "folders of servers that were killed are removed");
    }
    let spans = Spans::start(config, &app.identity.name, &app.identity.version)?;
    let told = signals.told();
    let offered = Offered::by(&app);
    let ready = Ready::prepare(app, config).await?;
    banner::show(&offered, &ready, config, flags.stdio);
    warn(&ready, config);
    exposed::warn(config);
    let running = if flags.stdio {
        ready.start_beside_stdio()
    } else {
        ready.start()
    };
    let outcome = {
        let client = async {
            if flags.stdio {
                return running.serve_stdio().await;
            }
            std::future::pending().await
        };
        tokio::select! {
            ended = client => ended.map_err(|error| Failure::failed(error.to_string())),
            () = signals.stop() => Ok(()),
            never = reload.whenever(&told, &running) => match never {},
        }
    };
    tracing::info!("stopping; a second signal cuts what is still going on");
    let hurry = running.hurry();
    let mut stop = pin!(running.stop());
    tokio::select! {
        () = &mut stop => {}
        () = signals.stop() => {
            hurry.cancel();
            stop.await;
        }
    }
    // What ended last has a span, too.
    spans.close().await;
    outcome
}

/// The environment, and `.env` of the working folder.
fn environment() -> Result<Source, Failure> {
    Source::from_environment(Path::new(".")).map_err(|error| Failure::usage(error.to_string()))
}

fn configured(
    has_own_authenticator: bool,
    flags: &ServeFlags,
    mut source: Source,
) -> Result<Config, Failure> {
    set_flags(&mut source, flags);
    if has_own_authenticator {
        source.set_own_authenticator();
    }
    valid(&mut source, flags)
}

/// Sets what was said on the command line, over everything else.
fn set_flags(source: &mut Source, flags: &ServeFlags) {
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
}

fn valid(source: &mut Source, flags: &ServeFlags) -> Result<Config, Failure> {
    // Only where it matters: a start should not wait for a look at what it opens anyway.
    if Config::wants_authenticator(source) {
        let look = callers::are_there(source);
        if block_in_place(|| Handle::current().block_on(look))? {
            source.set_named_callers();
        }
    }
    let config = Config::read(source).map_err(|error| Failure::usage(error.to_string()))?;
    if flags.stdio && !config.jobs.role.answers() {
        return Err(Failure::usage(
            "`--stdio` is for a client, and `FARCALL_ROLE` is `worker`, which answers none",
        )
        .hint("leave out one of the two"));
    }
    let is_on_stdout = config
        .audit
        .as_ref()
        .is_some_and(|audit| audit.file.is_none());
    if flags.stdio && is_on_stdout {
        return Err(Failure::usage(
            "`--stdio` speaks to its client on standard output, and `FARCALL_AUDIT` is `stdout`",
        )
        .hint("write the audit log to a file"));
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
    if !ready.is_open() {
        return;
    }
    if let Some(url) = &config.http.public_base_url {
        tracing::warn!(%url, "this process checks nobody; whatever forwards the public URL to it must");
    }
    if !config.http.is_loopback() {
        tracing::warn!(address = %ready.address, "anyone who reaches this address may call: FARCALL_ALLOW_UNAUTHENTICATED is set");
    }
}
