//! What the configuration says about who calls: where, from where, how often, and what is kept of it.

use std::sync::Arc;

use farcall_config::Config;
use farcall_core::clock::Clock;
use farcall_server::{Audit, AuditPlace, Guard, Limits, Networks, Rates};
use tokio::net::TcpListener;

use super::Readings;
use crate::Failure;

/// Binds where the configuration says.
///
/// # Errors
/// A [`Failure`] where that address is taken, or is none of this machine.
pub(super) async fn bind(config: &Config) -> Result<TcpListener, Failure> {
    let (host, port) = (
        config
            .http
            .host
            .trim_start_matches('[')
            .trim_end_matches(']'),
        config.http.port,
    );
    TcpListener::bind((host, port)).await.map_err(|error| {
        Failure::usage(format!("`{host}:{port}` cannot be bound: {error}"))
            .hint("set MCP_HOST and MCP_PORT to an address that is free on this machine")
    })
}

/// Binds where metrics are to be read without a credential, if anywhere.
///
/// # Errors
/// A [`Failure`] where that address is taken, or is none of this machine.
pub(super) async fn readings(config: &Config) -> Result<Option<Readings>, Failure> {
    let Some(address) = config.metrics.address else {
        return Ok(None);
    };
    let listener = TcpListener::bind(address).await.map_err(|error| {
        Failure::usage(format!(
            "`{address}`, where metrics are to be read, cannot be bound: {error}"
        ))
        .hint("set FARCALL_METRICS to an address that is free on this machine, or unset it")
    })?;
    // A page may lead a name of its own here (DNS rebinding); what is reached over a network has any name.
    let guard = address.ip().to_canonical().is_loopback();
    Ok(Some(Readings {
        listener,
        guard: guard.then(|| self::guard(config)),
    }))
}

/// Which hosts and origins it is asked for.
pub(super) fn guard(config: &Config) -> Guard {
    let mut guard = Guard::new();
    if let Some(url) = &config.http.public_base_url {
        guard.allow_host(url.authority().to_ascii_lowercase());
        guard.allow_origin(url.origin().to_ascii_lowercase());
    }
    for host in &config.http.allowed_hosts {
        guard.allow_host(host);
    }
    for origin in &config.http.allowed_origins {
        guard.allow_cross_origin(origin);
    }
    guard
}

/// Who may say for whom it asks.
pub(super) fn proxies(config: &Config) -> Networks {
    Networks::new(config.limits.trusted_proxies.iter().copied())
}

/// How often callers may do what.
pub(super) fn limits(config: &Config, clock: &Arc<dyn Clock>) -> Limits {
    let limits = &config.limits;
    let rates = Rates {
        calls: limits.calls,
        tool: limits.tool,
        polls: limits.polls,
        failures: limits.failures,
    };
    Limits::new(rates, Arc::clone(clock))
}

/// Where it is written who called what.
///
/// # Errors
/// A [`Failure`] where that cannot be opened.
pub(super) fn audit(config: &Config, clock: &Arc<dyn Clock>) -> Result<Option<Audit>, Failure> {
    let Some(audit) = &config.audit else {
        return Ok(None);
    };
    let (place, shown) = match &audit.file {
        Some(file) => (AuditPlace::File(file.clone()), file.display().to_string()),
        None => (AuditPlace::Stdout, "stdout".to_owned()),
    };
    let opened = Audit::open(place, audit.values, Arc::clone(clock));
    let opened = opened.map_err(|error| {
        Failure::usage(format!("the audit log `{shown}` cannot be opened: {error}"))
            .hint("set FARCALL_AUDIT to a file that this user may write to, or to stdout")
    })?;
    Ok(Some(opened))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use farcall_config::Source;

    use super::*;

    #[test]
    fn by_default_a_caller_may_poll_five_thousand_times_a_second() {
        let config = Config::read(&Source::from_pairs([])).unwrap();
        let polls = config.limits.polls.unwrap();
        assert_eq!(
            (polls.count.get(), polls.per),
            (5_000, Duration::from_secs(1))
        );
    }
}
