//! What the configuration says about callers: how often, from where, and what is kept of it.

use std::sync::Arc;

use farcall_config::Config;
use farcall_core::clock::Clock;
use farcall_server::{Audit, AuditPlace, Limits, Networks, Rates};

use crate::Failure;

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
