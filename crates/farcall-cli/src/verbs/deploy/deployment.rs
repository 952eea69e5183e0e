//! What is deployed: a server, where it is, and how it was configured.

use std::{net::IpAddr, path::Path, time::Duration};

use farcall_config::Config;
use farcall_core::host;
use farcall_server::connect;

use super::Needs;

/// How long a server may take to stop, beyond what its configuration gives to callers and jobs.
const LEEWAY: Duration = Duration::from_secs(15);

/// What is deployed.
#[derive(Clone, Debug)]
pub struct Deployment {
    /// What the server is called.
    pub name: String,
    /// The command that the files are written by, such as `farcall deploy`.
    pub command: String,
    /// The file that it is declared in, as it was named, where it is not `farcall.toml`.
    pub file: Option<String>,
    /// The home of the user, absolute, in UTF-8.
    pub home: String,
    /// The folder in which the server runs, absolute.
    pub folder: String,
    /// The program that is the server, absolute.
    pub program: String,
    /// What it is called with.
    pub arguments: Vec<String>,
    /// What the files say in the place of the shell: names, and values without secrets.
    pub environment: Vec<(String, String)>,
    /// The variables that containers are given, by name.
    pub passed: Vec<String>,
    /// Variables of a cloud that name a file with a secret: names, and the paths as they are written.
    pub secret_files: Vec<(String, String)>,
    /// How an image of it is made.
    pub build: Build,
    /// Paths of the program's own, as its router has them.
    pub routes: Vec<String>,
    /// The whole configuration.
    pub config: Config,
}

/// How an image of a server is made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Build {
    /// A Rust program, compiled.
    Package {
        /// The name of the package.
        package: String,
        /// The name of the program.
        binary: String,
        /// The way up from the package's folder to that of its `Cargo.lock`: empty, or `..`, `../..` and so on.
        up: String,
        /// The way back down: empty, or a path.
        down: String,
        /// Whether there is a `Cargo.lock`.
        is_locked: bool,
        /// Paths of dependencies and members that lead out of the folder of its `Cargo.lock`, as they are written, each
        /// with the `Cargo.toml` that says it, by its path from there.
        outside: Vec<(String, String)>,
    },
    /// A `farcall.toml`, with the `farcall` binary.
    Project {
        /// The name of the file.
        file: String,
        /// What its programs need.
        needs: Needs,
    },
    /// There is nothing to make one of; why, and what to do about it.
    Impossible {
        /// Why.
        reason: String,
        /// What to do about it.
        hint: String,
    },
}

impl Deployment {
    /// The name as part of the names of units, images and tunnels: small letters, digits and single dashes.
    pub fn slug(&self) -> String {
        connect::slug(&self.name)
    }

    /// The name on one line, for comments and descriptions.
    pub(super) fn title(&self) -> String {
        self.name
            .chars()
            .map(|sign| if sign.is_control() { ' ' } else { sign })
            .collect()
    }

    /// The command that writes a file, with these words.
    pub(super) fn written(&self, words: &str) -> String {
        let file = self.file.as_deref().map(shell_word);
        let file = file.map(|file| format!(" --config {file}"));
        let line = format!("{} {words}{}", self.command, file.unwrap_or_default());
        line.chars()
            .map(|sign| if sign.is_control() { ' ' } else { sign })
            .collect()
    }

    /// Host and port under which this machine reaches the server.
    pub(super) fn upstream(&self) -> String {
        upstream(&self.config)
    }

    /// How long it may take to stop, in whole seconds: callers, then jobs, then what is left.
    pub(super) fn stops_within(&self) -> u64 {
        let (linger, drain) = (self.config.http.linger, self.config.jobs.drain);
        let time = linger.saturating_add(drain).saturating_add(LEEWAY);
        time.as_secs() + u64::from(time.subsec_nanos() > 0)
    }
}

/// The name of a program or a file.
pub(super) fn called(path: &Path) -> String {
    let name = path.file_name().unwrap_or_default();
    name.to_string_lossy().into_owned()
}

/// A path that no program takes for an option.
pub(super) fn operand(path: &str) -> String {
    let here = if path.starts_with('-') { "./" } else { "" };
    format!("{here}{path}")
}

/// A path as one word of a shell.
pub(super) fn shell_word(path: &str) -> String {
    let path = operand(path);
    let is_plain = |sign: char| sign.is_ascii_alphanumeric() || "/._-+".contains(sign);
    if !path.is_empty() && path.chars().all(is_plain) {
        return path;
    }
    format!("'{}'", path.replace('\'', "'\\''"))
}

/// Whether a host leads clients to the machine that they are on. To connect, `0.0.0.0` does as well, and so do names below
/// `localhost`.
pub(super) fn is_own_host(host: &str) -> bool {
    let address = host.trim_matches(['[', ']']).parse::<IpAddr>();
    host::is_loopback(host)
        || host.to_ascii_lowercase().ends_with(".localhost")
        || address.is_ok_and(|address| address.is_unspecified())
}

/// Host and port under which this machine reaches a server with this configuration.
pub(in crate::verbs) fn upstream(config: &Config) -> String {
    let host = config.http.host.trim_matches(['[', ']']);
    let host = match host.parse::<IpAddr>() {
        Ok(IpAddr::V4(address)) if address.is_unspecified() => "127.0.0.1".to_owned(),
        Ok(IpAddr::V6(address)) if address.is_unspecified() => "[::1]".to_owned(),
        Ok(IpAddr::V6(address)) => format!("[{address}]"),
        _ => host.to_owned(),
    };
    format!("{host}:{}", config.http.port)
}
