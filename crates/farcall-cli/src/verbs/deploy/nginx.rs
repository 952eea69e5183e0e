//! nginx in front of a server on the same machine.

use super::{
    Deployment, Planned,
    proxy::{Flags, Site, certificate, open, own_address, written},
    template::fill,
};
use crate::Failure;

const TEMPLATE: &str = include_str!("templates/nginx.conf");

/// The part that sends browsers from http to https, where https has its usual port.
const REDIRECT: &str = include_str!("templates/nginx.redirect.conf");

/// The command that fetches a certificate. certbot answers at port 80 itself, which nginx may hold; it keeps both hooks
/// for the renewals, and nginx reads the new certificate as it starts.
const CERTBOT: &str = "#   sudo certbot certonly --standalone -d @host@ --pre-hook 'systemctl stop nginx' --post-hook 'systemctl start nginx'";

/// The files for `deployment`.
///
/// # Errors
/// Where there is no public name, or a path cannot be written down.
pub(super) fn files(deployment: &Deployment, flags: &Flags) -> Result<Vec<Planned>, Failure> {
    let site = Site::of(deployment)?;
    let open = open(&site, flags);
    let Site { host, port } = site;
    let address = match port {
        443 => host.clone(),
        port => format!("{host}:{port}"),
    };
    let [certificate, key] = certificate(flags)?.unwrap_or_else(|| {
        ["fullchain", "privkey"].map(|name| format!("/etc/letsencrypt/live/{host}/{name}.pem"))
    });
    let certbot = match flags.certificate {
        Some(_) => String::new(),
        None => fill(CERTBOT, &[("host", &host)]),
    };
    let slug = deployment.slug();
    let redirect = match port {
        443 => fill(REDIRECT, &[("host", &host)]),
        _ => String::new(),
    };
    let text = fill(
        TEMPLATE,
        &[
            ("title", &deployment.title()),
            ("written", &written(deployment, flags, "nginx")),
            ("slug", &slug),
            ("host", &host),
            ("address", &address),
            ("open", &open),
            ("certbot", &certbot),
            ("port", &port.to_string()),
            ("certificate", &certificate),
            ("key", &key),
            ("upstream", &deployment.upstream()),
            ("proxy", &own_address(&deployment.config).to_string()),
            ("redirect", &redirect),
        ],
    );
    Ok(vec![Planned::new("deploy/nginx.conf", text)])
}
