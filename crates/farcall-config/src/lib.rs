//! The configuration of a server.
//!
//! Values come from flags, then the environment, then `.env` in the working directory, then
//! `farcall.toml`, then the defaults. They are turned into valid types once, at start, and everything that is
//! wrong with them is reported together. Every variable is listed in [`variables`], from
//! which the reference is generated. What a `farcall.toml` declares is in [`mod@file`].

mod access;
mod audit;
mod auth;
pub mod file;
mod files;
#[doc(hidden)]
pub mod fuzzing;
mod http;
mod jobs;
mod limits;
mod log;
mod metrics;
mod oauth;
mod reader;
mod source;
mod spans;
mod storage;
pub mod units;
pub mod variables;

use std::fmt;

pub use self::{
    access::Access,
    audit::Audit,
    auth::Auth,
    files::Files,
    http::{Http, PublicBaseUrl},
    jobs::{Jobs, Role},
    limits::Limits,
    log::{Log, LogFormat},
    metrics::Metrics,
    oauth::{OAuth, OAuthTokens},
    source::Source,
    spans::Spans,
    storage::{ArtifactsUrl, DatabaseUrl, Storage},
};

/// A whole valid configuration.
#[derive(Clone, Debug)]
pub struct Config {
    /// Where it is written who called what; nowhere by default.
    pub audit: Option<Audit>,
    /// Who may call.
    pub auth: Auth,
    /// How callers fetch files.
    pub files: Files,
    /// Where the server listens, and under which names it is reached.
    pub http: Http,
    /// How this process takes part in the work.
    pub jobs: Jobs,
    /// How often callers may do what.
    pub limits: Limits,
    /// What is logged, and how.
    pub log: Log,
    /// Where metrics are read without a credential.
    pub metrics: Metrics,
    /// Where spans are sent; nowhere by default.
    pub spans: Option<Spans>,
    /// Where data lives.
    pub storage: Storage,
}

impl Config {
    /// Reads every section from `source`.
    ///
    /// # Errors
    /// [`ConfigError`] with everything that is wrong, also between the sections.
    pub fn read(source: &Source) -> Result<Self, ConfigError> {
        let (config, mut faults) = Self::sections(source);
        let Self {
            auth,
            http,
            jobs,
            metrics,
            storage,
            ..
        } = &config;
        if faults.is_empty() {
            faults.extend(without_company(jobs.role, storage));
            faults.extend(Access::missing(source));
            faults.extend(OAuth::missing(source));
        }
        // A worker answers nothing but probes.
        if jobs.role.answers() && !auth.permits_bind(http) {
            faults.push(Fault::new(
                format!("binding `{}` without authentication would let anyone who reaches it call the tools", http.host),
                "set MCP_BEARER_TOKEN, FARCALL_OAUTH_ISSUER, or FARCALL_ACCESS_TEAM behind Cloudflare Access; or name callers with `token create`; \
                 or bind MCP_HOST=127.0.0.1 behind a tunnel or proxy that authenticates; \
                 or, where a perimeter of your own guards the port, set FARCALL_ALLOW_UNAUTHENTICATED=1",
            ));
        }
        if metrics.is_beyond_loopback() && !auth.allow_unauthenticated {
            faults.push(Fault::new(
                "binding `FARCALL_METRICS` beyond loopback would let anyone who reaches it read how this server is used",
                "bind it to 127.0.0.1; or let Prometheus read `/metrics` of the server itself, with the token of a caller that has the scope `admin`; \
                 or, where a perimeter of your own guards the port, set FARCALL_ALLOW_UNAUTHENTICATED=1",
            ));
        }
        if faults.is_empty() {
            Ok(config)
        } else {
            Err(ConfigError(faults))
        }
    }

    /// Whether what is said by `source` lets nobody check callers where that is refused. Callers that are
    /// named in the store would: whoever starts a server looks there, and
    /// [says so](Source::set_named_callers).
    pub fn wants_authenticator(source: &Source) -> bool {
        let (config, _) = Self::sections(source);
        config.jobs.role.answers() && !config.auth.permits_bind(&config.http)
    }

    /// What is wrong with values by themselves, without what only shows between them.
    pub(crate) fn faults_of_values(source: &Source) -> Vec<Fault> {
        Self::sections(source).1
    }

    fn sections(source: &Source) -> (Self, Vec<Fault>) {
        let mut faults = Vec::new();
        let config = Self {
            audit: Audit::read(source),
            auth: Auth::read(source, &mut faults),
            files: Files::read(source, &mut faults),
            http: Http::read(source, &mut faults),
            jobs: Jobs::read(source, &mut faults),
            limits: Limits::read(source, &mut faults),
            log: Log::read(source, &mut faults),
            metrics: Metrics::read(source, &mut faults),
            spans: Spans::read(source, &mut faults),
            storage: Storage::read(source, &mut faults),
        };
        (config, faults)
    }
}

/// A fault for each thing that processes of different roles must share and this one has for itself.
fn without_company(role: Role, storage: &Storage) -> Vec<Fault> {
    let mut faults = Vec::new();
    if role == Role::All {
        return faults;
    }
    if storage.database_url.is_none() {
        faults.push(Fault::new(
            format!("`FARCALL_ROLE` is `{role}`, which shares jobs with other processes, and SQLite is for one"),
            "set FARCALL_DATABASE_URL=postgres://… for all of them, or leave the role out",
        ));
    }
    if !storage.shares_files() {
        faults.push(Fault::new(
            format!("`FARCALL_ROLE` is `{role}`, and the files of jobs would be in this process's own folder, where no other finds them"),
            "set FARCALL_ARTIFACTS_URL to one place for all of them: s3://bucket/prefix, gs://…, az://…, \
             or file:///folder on a disk that they share",
        ));
    }
    faults
}

/// One thing that is wrong with the configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// What is wrong, one sentence.
    pub message: String,
    /// What to do about it.
    pub hint: String,
}

impl Fault {
    pub(crate) fn new(message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            hint: hint.into(),
        }
    }
}

/// Everything that is wrong with the configuration; the server does not start.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct ConfigError(pub Vec<Fault>);

impl fmt::Display for ConfigError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, fault) in self.0.iter().enumerate() {
            let separator = if index == 0 { "" } else { "\n" };
            write!(
                formatter,
                "{separator}{}\nhint: {}",
                fault.message, fault.hint
            )?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
