//! A Cloudflare Tunnel in front of a server on the same machine.

use super::{Deployment, Planned, proxy, template::fill};
use crate::{Failure, terminal::printable};

const TEMPLATE: &str = include_str!("templates/cloudflared.config.yml");

/// What stands for the id of a tunnel that is yet to be made.
const NO_TUNNEL: &str = "<TUNNEL_ID>";

/// What `deploy cloudflared` takes.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct Flags {
    /// Domain of your Cloudflare account under which the server is reached, such as example.com
    #[arg(long, value_name = "DOMAIN", value_parser = domain)]
    pub zone: String,
    /// Id of the tunnel, as `cloudflared tunnel create` prints it [default: a placeholder, to be filled in]
    #[arg(long, value_name = "ID", value_parser = tunnel)]
    pub tunnel: Option<String>,
    /// The zone has Advanced Certificate Manager or Total TLS, which cover deeper names
    #[arg(long)]
    pub advanced_certificate: bool,
}

/// The files for `deployment`.
///
/// # Errors
/// Where the public name is not below the zone, or too deep.
pub(super) fn files(deployment: &Deployment, flags: &Flags) -> Result<Vec<Planned>, Failure> {
    let hostname = hostname(deployment, flags)?;
    let slug = deployment.slug();
    let service = format!("http://{}", deployment.upstream());
    let tunnel = flags.tunnel.as_deref().unwrap_or(NO_TUNNEL);
    let path = match flags.tunnel {
        Some(_) => "deploy/cloudflared.config.yml",
        None => "deploy/cloudflared.config.example.yml",
    };
    let rules = rules(deployment, &hostname, &service);
    let credentials = format!("{}/.cloudflared/{tunnel}.json", deployment.home);
    let fill_in = match flags.tunnel {
        Some(_) => "",
        None => "     # then edit it: the tunnel's id in the place of <TUNNEL_ID>, twice",
    };
    let text = fill(
        TEMPLATE,
        &[
            ("title", &deployment.title()),
            ("written", &written(deployment, flags)),
            ("slug", &slug),
            ("hostname", &hostname),
            ("file", path),
            ("fill_in", fill_in),
            ("service", &service),
            ("proxy", &proxy::own_address(&deployment.config).to_string()),
            ("tunnel", tunnel),
            ("credentials", &scalar(&credentials)),
            ("rules", &rules),
        ],
    );
    Ok(vec![Planned::new(path, text)])
}

/// The command that writes the file.
fn written(deployment: &Deployment, flags: &Flags) -> String {
    let mut words = format!("cloudflared --zone {}", flags.zone);
    if let Some(tunnel) = &flags.tunnel {
        words.push_str(" --tunnel ");
        words.push_str(tunnel);
    }
    if flags.advanced_certificate {
        words.push_str(" --advanced-certificate");
    }
    deployment.written(&words)
}

/// What does not hold yet of a server behind a tunnel.
pub(super) fn warnings(deployment: &Deployment) -> Vec<String> {
    let config = &deployment.config;
    let mut warnings = Vec::new();
    if config.http.public_base_url.is_none() {
        warnings.push(
            "`PUBLIC_BASE_URL` is not set, so the server refuses what the tunnel forwards: put it into `.env`, with the \
             name that stands in the file"
                .to_owned(),
        );
    }
    if config.auth.is_open() {
        warnings.push(
            "this server checks nobody: Access has to guard the whole name before the tunnel runs, and with \
             FARCALL_ACCESS_TEAM and FARCALL_ACCESS_AUD in `.env` the server insists on it"
                .to_owned(),
        );
    }
    warnings.extend(proxy::trusted_proxies(&deployment.config));
    warnings
}

/// The name under which clients reach it: that of the public URL, else the server's own in the zone.
fn hostname(deployment: &Deployment, flags: &Flags) -> Result<String, Failure> {
    let (slug, zone) = (deployment.slug(), &flags.zone);
    let own = format!("{slug}.{zone}");
    let Some(url) = &deployment.config.http.public_base_url else {
        return Ok(own);
    };
    proxy::without_path(deployment)?;
    let host = url.host();
    if !url.is_https() || url.port() != 443 {
        return Err(Failure::usage(format!(
            "`PUBLIC_BASE_URL` is `{url}`, and Cloudflare answers at https, port 443"
        ))
        .hint(format!("put PUBLIC_BASE_URL=https://{own} into `.env`")));
    }
    let labels = match host.strip_suffix(zone.as_str()) {
        Some("") => "",
        Some(labels) if labels.ends_with('.') => labels.trim_end_matches('.'),
        _ => {
            return Err(Failure::usage(format!(
                "`PUBLIC_BASE_URL` is `{url}`, which is not in the zone `{zone}`"
            ))
            .hint(format!(
                "name its zone with --zone, or put PUBLIC_BASE_URL=https://{own} into `.env`"
            )));
        }
    };
    if labels.contains('.') && !flags.advanced_certificate {
        return Err(Failure::usage(format!(
            "`{host}` is more than one level below `{zone}`: Cloudflare's free Universal SSL covers only the zone itself \
             and `*.{zone}`, so the name has no certificate and hangs at \"Verifying\""
        ))
        .hint(format!(
            "use a name one level below, such as https://{own}; or, where the zone has Advanced Certificate Manager \
             or Total TLS, say --advanced-certificate"
        )));
    }
    Ok(host.to_owned())
}

/// The rules of the ingress, one a route that the world has to reach.
fn rules(deployment: &Deployment, hostname: &str, service: &str) -> String {
    let mut paths = vec![
        "^/mcp$".to_owned(),
        "^/(healthz|health)$".to_owned(),
        "^/files/".to_owned(),
    ];
    paths.push("^/llms\\.txt$".to_owned());
    if deployment.config.auth.oauth.is_some() {
        paths.push("^/\\.well-known/oauth-protected-resource(/mcp)?$".to_owned());
    }
    paths.extend(deployment.routes.iter().map(|route| pattern(route)));
    let access = access(deployment);
    let rule = |path: &String| {
        format!(
            "- hostname: {hostname}\n  path: {}\n  service: {service}\n{access}",
            scalar(path)
        )
    };
    paths.iter().map(rule).collect()
}

/// What `cloudflared` itself asks of a request, where the configuration says whom Access lets through. It stands in
/// each rule, because at the top of the file it is read and has no effect (cloudflared's issue 784).
fn access(deployment: &Deployment) -> String {
    let Some(access) = &deployment.config.auth.access else {
        return String::new();
    };
    let team = access
        .issuer
        .strip_prefix("https://")
        .unwrap_or(&access.issuer);
    let team = team.split('.').next().unwrap_or_default();
    let tags: Vec<_> = access.audiences.iter().map(|tag| scalar(tag)).collect();
    format!(
        "  originRequest:\n    access:\n      required: true\n      teamName: {}\n      audTag: [{}]\n",
        scalar(team),
        tags.join(", ")
    )
}

/// A path as the router has it, as a regular expression over paths.
fn pattern(route: &str) -> String {
    let mut pattern = "^".to_owned();
    for segment in route.split('/').skip(1) {
        pattern.push('/');
        if segment.starts_with("{*") {
            pattern.push_str(".+");
        } else if segment.contains('{') && !segment.contains("{{") {
            pattern.push_str("[^/]+");
        } else {
            let literal = segment.replace("{{", "{").replace("}}", "}");
            for sign in literal.chars() {
                if !sign.is_ascii_alphanumeric() && sign.is_ascii() && !matches!(sign, '-' | '_') {
                    pattern.push('\\');
                }
                pattern.push(sign);
            }
        }
    }
    pattern.push('$');
    pattern
}

/// `text` in YAML, on one line: as it is where nothing in it has a meaning there, else in quotes, as JSON has them.
fn scalar(text: &str) -> String {
    let is_plain = |sign: char| sign.is_ascii_alphanumeric() || "/._-<>".contains(sign);
    if text.starts_with('/') && text.chars().all(is_plain) {
        return text.to_owned();
    }
    serde_json::Value::from(text).to_string()
}

fn domain(text: &str) -> Result<String, String> {
    let text = text.to_ascii_lowercase();
    let is_label = |label: &str| {
        (1..=63).contains(&label.len())
            && label
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    if text.contains('.') && text.split('.').all(is_label) && text.len() <= 190 {
        Ok(text)
    } else {
        Err(format!(
            "`{}` is no domain; write it as example.com",
            printable(&text)
        ))
    }
}

fn tunnel(text: &str) -> Result<String, String> {
    let groups: Vec<_> = text.split('-').map(str::len).collect();
    let is_hex = text
        .bytes()
        .all(|byte| byte.is_ascii_hexdigit() || byte == b'-');
    if groups == [8, 4, 4, 4, 12] && is_hex {
        Ok(text.to_owned())
    } else {
        Err(format!(
            "`{}` is no id of a tunnel; `cloudflared tunnel list` has them",
            printable(text)
        ))
    }
}
