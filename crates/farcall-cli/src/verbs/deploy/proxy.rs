//! What Caddy and nginx have in common: the site, its certificate, and what has to hold behind it.

use std::{
    fmt::Write as _,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    path::PathBuf,
};

use farcall_config::Config;

use super::{Deployment, deployment::shell_word};
use crate::Failure;

/// What a reverse proxy takes.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct Flags {
    /// Certificate with its chain, PEM [default: Caddy fetches one; nginx takes certbot's]
    #[arg(long, value_name = "FILE", requires = "key")]
    pub certificate: Option<PathBuf>,
    /// Private key of the certificate, PEM
    #[arg(long, value_name = "FILE", requires = "certificate")]
    pub key: Option<PathBuf>,
}

/// A name under which clients reach a proxy.
pub(super) struct Site {
    pub(super) host: String,
    pub(super) port: u16,
}

impl Site {
    /// That of the public URL.
    ///
    /// # Errors
    /// A [`Failure`] where there is none, or one that no site can be made of.
    pub(super) fn of(deployment: &Deployment) -> Result<Self, Failure> {
        const HINT: &str =
            "put PUBLIC_BASE_URL=https://example-mcp.example.com, with your own name, into `.env`";
        let Some(url) = &deployment.config.http.public_base_url else {
            return Err(Failure::usage(
                "`PUBLIC_BASE_URL` is not set, so there is no name for the proxy, and the server would refuse what it forwards",
            )
            .hint(HINT));
        };
        if !url.is_https() {
            return Err(Failure::usage(format!(
                "`PUBLIC_BASE_URL` is `{url}`, and the proxy is there for TLS"
            ))
            .hint(HINT));
        }
        without_path(deployment)?;
        Ok(Self {
            host: url.host().to_owned(),
            port: url.port(),
        })
    }
}

/// The ports that the world has to reach: an authority asks for its proof at 80, whatever the port of the site.
pub(super) fn open(site: &Site, flags: &Flags) -> String {
    if flags.certificate.is_some() || site.port == 80 {
        format!("port {}", site.port)
    } else {
        format!("ports 80 and {}", site.port)
    }
}

/// That the server has its name for itself.
///
/// # Errors
/// A [`Failure`] where the public URL has a path.
pub(super) fn without_path(deployment: &Deployment) -> Result<(), Failure> {
    match &deployment.config.http.public_base_url {
        Some(url) if !url.path().is_empty() => Err(Failure::usage(format!(
            "`PUBLIC_BASE_URL` is `{url}`, which is a path on a name that is shared with others"
        ))
        .hint("give the server a name of its own, or add it to the configuration of that name by hand")),
        _ => Ok(()),
    }
}

/// Certificate and key as the configurations of Caddy and nginx write them, where they were named.
///
/// # Errors
/// A [`Failure`] where a path holds what those cannot say.
pub(super) fn certificate(flags: &Flags) -> Result<Option<[String; 2]>, Failure> {
    let (Some(certificate), Some(key)) = (&flags.certificate, &flags.key) else {
        return Ok(None);
    };
    let quoted = |path: &PathBuf| {
        let path = std::path::absolute(path).unwrap_or_else(|_| path.clone());
        let is_special = |sign: char| sign.is_control() || "\"\\$`{}".contains(sign);
        let text = path.to_str().filter(|text| !text.contains(is_special));
        text.map(|text| format!("\"{text}\"")).ok_or_else(|| {
            Failure::usage(format!(
                "the path `{}` holds what the configuration of a proxy cannot say",
                path.display().to_string().escape_debug()
            ))
            .hint("put the file where no folder has quotes, backslashes, dollars or braces in its name")
        })
    };
    Ok(Some([quoted(certificate)?, quoted(key)?]))
}

/// The command that writes the file of `kind`.
pub(super) fn written(deployment: &Deployment, flags: &Flags, kind: &str) -> String {
    let mut words = kind.to_owned();
    for (name, path) in [("--certificate", &flags.certificate), ("--key", &flags.key)] {
        if let Some(path) = path {
            let _ = write!(words, " {name} {}", shell_word(&path.to_string_lossy()));
        }
    }
    deployment.written(&words)
}

/// What does not hold yet of a server behind a proxy on this machine.
pub(super) fn warnings(deployment: &Deployment) -> Vec<String> {
    let mut warnings = Vec::new();
    if deployment.config.auth.is_open() {
        warnings.push(
            "nothing authenticates callers, and a proxy forwards everybody: put MCP_BEARER_TOKEN, of \
             `openssl rand -hex 32`, into `.env` before it is reached from outside"
                .to_owned(),
        );
    }
    warnings.extend(trusted_proxies(&deployment.config));
    if !deployment.routes.is_empty() {
        warnings.push(
            "a body that is sent to a route of the program's own may have 2 MiB, too: where one takes more, raise the limit \
             in the file"
                .to_owned(),
        );
    }
    warnings
}

/// That limits and the audit log see the proxy alone, where they do.
pub(in crate::verbs) fn trusted_proxies(config: &Config) -> Option<String> {
    let address = own_address(config);
    let proxies = &config.limits.trusted_proxies;
    let is_trusted = proxies.iter().any(|proxy| proxy.contains(&address));
    (!is_trusted).then(|| {
        format!(
            "all callers come from one address, that of the proxy: put FARCALL_TRUSTED_PROXIES={address} into `.env`, \
             so that limits and the audit log see theirs"
        )
    })
}

/// The address from which this machine calls a server with this configuration.
pub(super) fn own_address(config: &Config) -> IpAddr {
    let host = config.http.host.trim_matches(['[', ']']);
    match host.parse() {
        Ok(IpAddr::V6(address)) if address.is_loopback() || address.is_unspecified() => {
            Ipv6Addr::LOCALHOST.into()
        }
        // One of the machine's own calls itself.
        Ok(address) if !address.is_loopback() && !address.is_unspecified() => address,
        _ => Ipv4Addr::LOCALHOST.into(),
    }
}

#[cfg(test)]
mod tests {
    use farcall_config::Source;

    use super::{super::Build, *};

    #[test]
    fn the_limit_of_bodies_is_told_where_a_program_has_routes_of_its_own() {
        let settings = Source::from_pairs([("MCP_BEARER_TOKEN", "a-token-for-tests-only")]);
        let mut deployment = Deployment {
            name: "farm".to_owned(),
            command: "farm deploy".to_owned(),
            file: None,
            home: "/home/ann".to_owned(),
            folder: "/home/ann/farm".to_owned(),
            program: "/home/ann/farm/target/release/farm".to_owned(),
            arguments: Vec::new(),
            environment: Vec::new(),
            passed: Vec::new(),
            secret_files: Vec::new(),
            build: Build::Impossible {
                reason: String::new(),
                hint: String::new(),
            },
            routes: Vec::new(),
            config: Config::read(&settings).unwrap(),
        };
        let says = |deployment: &Deployment| {
            let warnings = warnings(deployment);
            warnings.iter().any(|warning| warning.contains("2 MiB"))
        };
        assert!(!says(&deployment));
        deployment.routes.push("/upload".to_owned());
        assert!(says(&deployment));
    }
}
