//! Caddy in front of a server on the same machine.

use super::{
    Deployment, Planned,
    proxy::{Flags, Site, certificate, open, own_address, written},
    template::fill,
};
use crate::Failure;

const TEMPLATE: &str = include_str!("templates/Caddyfile");

/// The files for `deployment`.
///
/// # Errors
/// Where there is no public name, or a path cannot be written down.
pub(super) fn files(deployment: &Deployment, flags: &Flags) -> Result<Vec<Planned>, Failure> {
    let site = Site::of(deployment)?;
    let address = match site.port {
        443 => site.host.clone(),
        port => format!("{}:{port}", site.host),
    };
    let tls = certificate(flags)?.map(|[certificate, key]| format!("tls {certificate} {key}\n"));
    let text = fill(
        TEMPLATE,
        &[
            ("title", &deployment.title()),
            ("written", &written(deployment, flags, "caddy")),
            ("site", &address),
            ("open", &open(&site, flags)),
            ("tls", &tls.unwrap_or_default()),
            ("upstream", &deployment.upstream()),
            ("proxy", &own_address(&deployment.config).to_string()),
        ],
    );
    Ok(vec![Planned::new("deploy/Caddyfile", text)])
}
