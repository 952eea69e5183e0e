//! nginx in front of a server on the same machine.

use super::{
    Deployment, Planned,
    proxy::{Flags, Site, certificate},
    template::fill,
};
use crate::Failure;

const TEMPLATE: &str = include_str!("templates/nginx.conf");

/// The part that sends browsers from http to https, where https has its usual port.
const REDIRECT: &str = include_str!("templates/nginx.redirect.conf");

/// The files for `deployment`.
///
/// # Errors
/// Where there is no public name, or a path cannot be written down.
pub(super) fn files(deployment: &Deployment, flags: &Flags) -> Result<Vec<Planned>, Failure> {
    let Site { host, port } = Site::of(deployment)?;
    let address = match port {
        443 => host.clone(),
        port => format!("{host}:{port}"),
    };
    let [certificate, key] = certificate(flags)?.unwrap_or_else(|| {
        ["fullchain", "privkey"].map(|name| format!("/etc/letsencrypt/live/{host}/{name}.pem"))
    });
    let slug = deployment.slug();
    let redirect = match port {
        443 => fill(REDIRECT, &[("host", &host)]),
        _ => String::new(),
    };
    let text = fill(
        TEMPLATE,
        &[
            ("title", &deployment.title()),
            ("command", &deployment.command),
            ("slug", &slug),
            ("host", &host),
            ("address", &address),
            ("port", &port.to_string()),
            ("certificate", &certificate),
            ("key", &key),
            ("upstream", &deployment.upstream()),
            ("redirect", &redirect),
        ],
    );
    Ok(vec![Planned::new("deploy/nginx.conf", text)])
}
