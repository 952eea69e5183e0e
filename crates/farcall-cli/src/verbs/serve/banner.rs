//! What `serve` says on start: what it is, where it is, who may call, where data lives, what to try.

use std::net::Ipv4Addr;

use farcall_config::{Config, Storage};

use crate::{App, running::Ready, terminal::talk, words::count};

/// What a program says of itself, before it is put together.
pub(super) struct Offered {
    name: String,
    /// Tools that belong to no job.
    tools: usize,
    jobs: usize,
}

impl Offered {
    pub(super) fn by(app: &App) -> Self {
        Self {
            name: format!("{} {}", app.identity.name, app.identity.version),
            tools: app.offer.tools().count(),
            jobs: app.offer.jobs().count(),
        }
    }

    /// `all` tools that clients see, jobs among them.
    fn counted(&self, all: usize) -> String {
        let tools = count(all as u64, "tool");
        let of_jobs = all.saturating_sub(self.tools);
        match self.jobs {
            0 => tools,
            jobs => format!(
                "{tools}, {of_jobs} of them for {}",
                count(jobs as u64, "job")
            ),
        }
    }
}

pub(super) fn show(offered: &Offered, ready: &Ready, config: &Config, is_stdio: bool) {
    // A client cannot call "every address"; this machine's own one always works.
    let mut address = ready.address;
    if address.ip().is_unspecified() {
        address.set_ip(Ipv4Addr::LOCALHOST.into());
    }
    let (name, origin) = (&offered.name, format!("http://{address}"));
    let metrics = ready
        .metrics_address()
        .map(|address| format!("\n  metrics  http://{address}/metrics"))
        .unwrap_or_default();
    let (role, data) = (config.jobs.role, data(&config.storage, offered.jobs));
    if !role.answers() {
        let jobs = count(offered.jobs as u64, "job");
        talk(&format!(
            "{name}\n  probes   {origin}/readyz\n  role     worker: runs {jobs}, answers no callers\n  data     {data}{metrics}"
        ));
        return;
    }
    // Over standard input and output there is no URL to try.
    let (mcp, attempt) = if is_stdio {
        ("standard input and output".to_owned(), String::new())
    } else {
        let url = format!("{origin}/mcp");
        let attempt = format!("\n  try      {}", attempt(ready, config, &url));
        (url, attempt)
    };
    let does = if role.works() {
        "answers callers, runs jobs"
    } else {
        "answers callers, runs no job"
    };
    talk(&format!(
        "{name}\n  mcp      {mcp}\n  role     {role}: {does}\n  callers  {}\n  data     {data}{metrics}\n  offers   {}{attempt}",
        authentication(ready, config),
        offered.counted(ready.tools()),
    ));
}

fn authentication(ready: &Ready, config: &Config) -> String {
    if ready.is_open() {
        return "not authenticated by this process".to_owned();
    }
    let auth = &config.auth;
    let (access, oauth) = (auth.access.as_ref(), auth.oauth.as_ref());
    let ways = [
        ready
            .has_named_callers()
            .then(|| "the tokens of named callers".to_owned()),
        auth.bearer_token
            .is_some()
            .then(|| "the bearer token of MCP_BEARER_TOKEN".to_owned()),
        auth.has_own_authenticator
            .then(|| "the program's own token verifier".to_owned()),
        oauth.map(|oauth| format!("tokens of {}", oauth.issuer)),
        access.map(|access| format!("Cloudflare Access, team {}", access.issuer)),
    ];
    let ways: Vec<_> = ways.into_iter().flatten().collect();
    format!("authenticated by {}", ways.join("; or "))
}

/// The command that tries the server at `url`.
fn attempt(ready: &Ready, config: &Config, url: &str) -> String {
    let takes_tokens = ready.has_named_callers() || config.auth.bearer_token.is_some();
    let token = if takes_tokens {
        "MCP_BEARER_TOKEN=… "
    } else if config.auth.oauth.is_some() {
        "FARCALL_TOKEN=… "
    } else {
        ""
    };
    let program = std::env::args().next();
    let program = program.as_deref().unwrap_or("farcall");
    format!("{token}{program} smoke {url}")
}

/// Where jobs and files are, without what could be secret.
fn data(storage: &Storage, jobs: usize) -> String {
    if jobs == 0 {
        return "none is kept".to_owned();
    }
    let folder = storage.data_dir.display().to_string();
    let files = storage.artifacts.as_ref().map(|place| {
        let host = place.url.host_str().unwrap_or_default();
        format!("{}://{host}{}", place.url.scheme(), place.url.path())
    });
    match (&storage.database_url, files) {
        (None, None) => folder,
        (None, Some(files)) => format!("{folder}, files in {files}"),
        (Some(database), files) => {
            format!("{database}, files in {}", files.unwrap_or(folder))
        }
    }
}
