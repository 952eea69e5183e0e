//! Where log lines go: to standard error, as text on a terminal, as JSON elsewhere; and of which request each is.

mod requests;

use std::{
    io::{IsTerminal, stderr},
    path::Path,
};

use farcall_config::{Config, Log, LogFormat, Source};
use tracing_subscriber::EnvFilter;

use self::requests::OfRequests;
use crate::Failure;

/// Directives that hold unless the configuration says otherwise: the SDK logs three lines a
/// request, and a warning with the client's words for each one it refuses.
const QUIET: &str = "rmcp=error,rmcp::service=off,sqlx=warn,hyper=warn";

/// Sets the log up for a process that runs one stage: what it says goes into the log of the job. Where that
/// cannot be, the stage runs all the same.
pub(crate) fn start_in_stage() {
    let source = Source::from_environment(Path::new("."));
    let config = source.and_then(|source| Config::read(&source));
    if let Ok(Config { log, .. }) = config {
        let format = Some(LogFormat::Text);
        let _ = start(&Log { format, ..log });
    }
}

/// Sets the log up, once for the process.
pub(crate) fn start(log: &Log) -> Result<(), Failure> {
    let directives = format!("{QUIET},{}", log.filter);
    let filter = EnvFilter::builder().parse(&directives).map_err(|error| {
        Failure::usage(format!("`FARCALL_LOG` is `{}`: {error}", log.filter))
            .hint("use a level such as info, or directives such as farcall_jobs=debug,info")
    })?;
    let is_terminal = stderr().is_terminal();
    let format = log.format.unwrap_or(if is_terminal {
        LogFormat::Text
    } else {
        LogFormat::Json
    });
    let lines = tracing_subscriber::fmt()
        .with_env_filter(filter)
        // Where the terminal is gone, it could only say so there, and would panic.
        .log_internal_errors(false)
        .with_writer(stderr);
    let started = match format {
        LogFormat::Json => lines
            .json()
            .flatten_event(true)
            .with_span_list(false)
            .map_event_format(OfRequests::as_json)
            .try_init(),
        LogFormat::Text => lines
            .with_ansi(is_terminal && std::env::var_os("NO_COLOR").is_none())
            .map_event_format(OfRequests::as_text)
            .try_init(),
    };
    // A program that has set up logging of its own keeps it.
    if let Err(error) = started {
        tracing::debug!(%error, "the program logs in its own way");
    }
    Ok(())
}
