//! `doctor`: what is wrong with a server, hop by hop, with the cause and what to do about it.
//!
//! A module a hop: those of this machine in `machine`, those from a client to the server in `path`. Each check says one
//! `Finding`: it is fine, it works but may not be what was meant, it is broken, or it could not be looked at. Nothing
//! is changed but by what the help names: a call of a tool that is safe to call, a job, and files that are taken away
//! again at once. Standard output is the findings, or one JSON object; the sum of them is talk, on standard error.

mod asked;
mod command;
mod credentials;
mod finding;
mod machine;
mod message;
mod path;
mod placeholder;
mod registration;
mod whose;

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use farcall_config::{Config, PublicBaseUrl, Role, Source};
use secrecy::SecretString;
use serde_json::json;

use self::{
    credentials::Sources,
    finding::{Chart, Finding, Level},
    machine::Machine,
    path::Walk,
    registration::Registration,
    whose::Whose,
};
use crate::{
    Failure,
    client::Endpoint,
    terminal::{print_json, talk},
    verbs::{deploy::Subject, smoke::Wanted},
    words::count,
};

/// What `doctor` takes.
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = "\
It reads what a server in this folder would read: `.env`, farcall.toml where there is one, and the variables of this
shell. Where there is none, it looks at the URL alone. It makes and removes a file in the data folder and an object
in the place of files, lists the tools, calls `add` or what --tool names, and starts one job, which stays in the list
of jobs.

Environment, and `.env`; none of it is ever printed:
  FARCALL_TOKEN, else MCP_BEARER_TOKEN, else NAME_MCP_TOKEN    Token of the server, sent as `Authorization: Bearer …`
  CF_ACCESS_CLIENT_ID and _SECRET, or NAME_CF_CLIENT_…         Service token of Cloudflare Access
What `.env` says of them goes to PUBLIC_BASE_URL and this machine alone, and so do MCP_BEARER_TOKEN and what is
called after the server here, wherever they are set, where a server is configured here. Nothing goes to another
machine without TLS.
NAME is the server's in capitals, `EXAMPLE` for `example-mcp`.

Exit status: 0 nothing is broken, 1 something is, 2 the configuration or the command is wrong")]
pub struct Flags {
    /// URL of the MCP endpoint as clients have it [default: PUBLIC_BASE_URL, else this machine's own]
    #[arg(value_name = "URL")]
    pub url: Option<String>,
    /// Check only one part: this machine, or the path to the URL
    #[arg(long, value_name = "PART")]
    pub only: Option<Part>,
    /// Client configuration to check, as `handoff` prints it (JSON, or TOML for Codex); `-` reads standard input
    #[arg(long, value_name = "FILE")]
    pub registration: Option<PathBuf>,
    /// Explain an error message instead of running checks; `-` reads it from standard input
    #[arg(long, value_name = "TEXT", conflicts_with_all = ["url", "only", "registration", "tool", "idle"])]
    pub message: Option<String>,
    /// Tool to call, or job to drive, instead of `add` and the first job
    #[arg(long, value_name = "NAME")]
    pub tool: Option<String>,
    /// Arguments of that tool or job, a JSON object [default: {}]
    #[arg(long, value_name = "JSON", requires = "tool")]
    pub args: Option<String>,
    /// Header to send with every request, with ${VARIABLE} for what is secret; can be given several times
    #[arg(long = "header", value_name = "NAME: VALUE")]
    pub headers: Vec<SecretString>,
    /// Seconds to watch a quiet stream for, 1 to 300; without it, that is not verified
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..=300))]
    pub idle: Option<u64>,
    /// Seconds that a job, and fetching its file, may take, 1 to 86400
    #[arg(long, value_name = "SECONDS", default_value_t = 120, value_parser = clap::value_parser!(u64).range(1..=86_400))]
    pub timeout: u64,
    /// Print one JSON object instead of lines
    #[arg(long)]
    pub json: bool,
}

/// A part of what there is to look at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Part {
    /// The configuration, the data and the server of this machine
    Machine,
    /// What a client meets on its way to the URL
    Url,
}

pub(crate) async fn doctor(subject: Subject<'_>, flags: Flags) -> Result<(), Failure> {
    if let Some(text) = &flags.message {
        return message::explain(text, flags.json);
    }
    let wanted = Wanted::read(flags.tool.as_deref(), flags.args.as_deref())?;
    let registration = match &flags.registration {
        Some(file) => Some(Registration::read(file, flags.url.as_deref())?),
        None => None,
    };
    let url = flags
        .url
        .clone()
        .or_else(|| Some(registration.as_ref()?.url.clone()));
    let mut chart = Chart::new(!flags.json);
    let machine = if is_here(subject, url.is_some(), &flags)? {
        machine::look(subject, &mut chart).await
    } else {
        None
    };
    if flags.only != Some(Part::Machine) {
        if chart.is_misconfigured {
            let why = "the way to the URL was not looked at, because a server does not start with what is configured";
            chart.add(Finding::unverified("path", why).remedy("correct that, and call this again"));
        } else {
            let target = Target {
                url,
                registration: registration.as_ref(),
                wanted: &wanted,
                subject,
                machine: machine.as_ref(),
            };
            if let Err(failure) = target.look(&flags, &mut chart).await {
                told(failure, &mut chart)?;
            }
        }
    }
    ended(&chart, &flags)
}

/// A command that is wrong does not take away what was found before that showed.
fn told(failure: Failure, chart: &mut Chart) -> Result<(), Failure> {
    if chart.findings.is_empty() {
        return Err(failure);
    }
    let finding = Finding::broken("path", failure.message.clone())
        .cause("what was given on the command line, or is set here, cannot be sent");
    let remedy = failure.hint.clone();
    chart.add(finding.remedy(remedy.unwrap_or_else(|| "see farcall doctor --help".to_owned())));
    chart.is_misconfigured = true;
    Ok(())
}

/// Whether there is a server of this machine to look at.
///
/// # Errors
/// A [`Failure`] where there is nothing to look at.
fn is_here(subject: Subject<'_>, has_url: bool, flags: &Flags) -> Result<bool, Failure> {
    if flags.only == Some(Part::Url) {
        return Ok(false);
    }
    let Subject::File(file) = subject else {
        return Ok(true);
    };
    if file.exists() {
        return Ok(true);
    }
    let missing = Failure::usage(format!("there is no `{}` here", file.display()));
    if file != Path::new("farcall.toml") || flags.only == Some(Part::Machine) {
        return Err(missing.hint("name the file that says what is served with --config"));
    }
    if !has_url {
        return Err(missing.hint("call it in the folder of a server, or give the URL of one: farcall doctor https://example-mcp.example.com/mcp"));
    }
    Ok(false)
}

/// Where to look from the side of a client.
struct Target<'a> {
    url: Option<String>,
    registration: Option<&'a Registration>,
    wanted: &'a Wanted,
    subject: Subject<'a>,
    machine: Option<&'a Machine>,
}

impl Target<'_> {
    async fn look(&self, flags: &Flags, chart: &mut Chart) -> Result<(), Failure> {
        let alone = match self.machine {
            Some(_) => Source::default(),
            None => machine::source(self.subject)?,
        };
        let source = self.machine.map_or(&alone, |machine| &machine.source);
        let public = match self.machine {
            Some(machine) => machine.config.http.public_base_url.clone(),
            None => Config::read(&alone)
                .ok()
                .and_then(|config| config.http.public_base_url),
        };
        let public = public.as_ref().map(PublicBaseUrl::as_str);
        let Some(url) = self.url(public, &alone, chart)? else {
            return Ok(());
        };
        let registration = self.registration.filter(|entry| entry.is_for(&url));
        if let Some(entry) = self.registration {
            let elsewhere = registration.is_none().then(|| entry.elsewhere(&url));
            let findings = entry.findings().into_iter().chain(elsewhere);
            findings.for_each(|finding| chart.add(finding));
        }
        if flags.url.is_none() && self.registration.is_some() && Endpoint::new(&url).is_err() {
            let why = "the way to the URL was not looked at, because the hand-off names none that can be asked";
            chart.add(
                Finding::unverified("path", why).remedy("correct it there, and call this again"),
            );
            return Ok(());
        }
        let name = registration.map(|entry| entry.name.as_str());
        let registered = registration.map(Registration::sent);
        let unfilled = registration.map(Registration::unfilled).unwrap_or_default();
        let sources = Sources {
            source,
            flags: &flags.headers,
            registered: registered.as_deref(),
            unfilled: &unfilled,
            name: name.or_else(|| self.machine.map(|machine| machine.name.as_str())),
            whose: Whose::of(&url, public, self.is_there()),
        };
        let sent = credentials::read(&url, &sources)?;
        let walk = Walk {
            sent: &sent,
            wanted: self.wanted,
            machine: self.machine,
            enabled: registration.and_then(|entry| entry.enabled.names()),
            idle: flags.idle.map(Duration::from_secs),
            give_up_after: Duration::from_secs(flags.timeout),
        };
        path::look(&walk, chart).await;
        Ok(())
    }

    /// The URL that was given, else that of the configuration; `None` where the chart says why there is none.
    fn url(
        &self,
        public: Option<&str>,
        alone: &Source,
        chart: &mut Chart,
    ) -> Result<Option<String>, Failure> {
        let nothing = |chart: &mut Chart, why: &str| {
            chart.add(Finding::unverified("path", why));
            Ok(None)
        };
        Ok(Some(match (&self.url, public, self.machine) {
            (Some(url), _, _) => with_path(url),
            (None, _, Some(machine)) if machine.config.jobs.role == Role::Worker => {
                return nothing(
                    chart,
                    "a worker answers no callers, so there is no way to it",
                );
            }
            (None, Some(public), _) => format!("{public}/mcp"),
            (None, None, Some(machine)) if machine.is_alive => {
                format!("{}/mcp", machine::local_url(&machine.config))
            }
            (None, None, Some(_)) => {
                return nothing(
                    chart,
                    "no server answers on this machine, so nothing could be asked of it",
                );
            }
            (None, None, None) if self.is_there() => {
                let config =
                    Config::read(alone).map_err(|error| Failure::usage(error.to_string()))?;
                format!("{}/mcp", machine::local_url(&config))
            }
            (None, None, None) => {
                return Err(Failure::usage("there is no URL to look at")
                    .hint("give it: farcall doctor https://example-mcp.example.com/mcp"));
            }
        }))
    }

    /// Whether something here says what is served.
    fn is_there(&self) -> bool {
        match self.subject {
            Subject::App(_) => true,
            Subject::File(file) => file.exists(),
        }
    }
}

/// A URL without a path is that of a host; the endpoint is at `/mcp`.
fn with_path(url: &str) -> String {
    match url::Url::parse(url) {
        Ok(parsed) if parsed.path() == "/" && parsed.query().is_none() => {
            format!("{}/mcp", url.trim_end_matches('/'))
        }
        _ => url.to_owned(),
    }
}

fn ended(chart: &Chart, flags: &Flags) -> Result<(), Failure> {
    let broken = chart.count(Level::Broken) as u64;
    if flags.json {
        print_json(&json!({"ok": broken == 0, "findings": chart.findings}));
    } else {
        let of = |level, what| match chart.count(level) as u64 {
            0 => None,
            number => Some(format!("{number} {what}")),
        };
        let parts = [
            of(Level::Ok, "ok"),
            of(Level::Warning, "to look at"),
            of(Level::Unverified, "not verified"),
        ];
        let parts: Vec<_> = parts.into_iter().flatten().collect();
        talk(&parts.join(", "));
    }
    let is_are = if broken == 1 { "is" } else { "are" };
    let message = format!("{} {is_are} broken", count(broken, "thing"));
    match broken {
        0 => Ok(()),
        _ if chart.is_misconfigured => Err(Failure::usage(message)),
        _ => Err(Failure::failed(message)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_without_a_path_is_asked_at_mcp() {
        for (url, expected) in [
            ("https://a.example", "https://a.example/mcp"),
            ("https://a.example/", "https://a.example/mcp"),
            ("https://a.example/other", "https://a.example/other"),
            ("nothing", "nothing"),
        ] {
            assert_eq!(with_path(url), expected);
        }
    }

    #[test]
    fn what_was_found_outlives_a_command_that_is_wrong() {
        let mut chart = Chart::new(false);
        assert!(told(Failure::usage("no URL"), &mut chart).is_err());
        chart.add(Finding::ok("port", "somebody listens"));
        told(Failure::usage("no URL").hint("give one"), &mut chart).unwrap();
        assert_eq!(chart.count(Level::Broken), 1);
        assert!(chart.is_misconfigured);
        assert_eq!(chart.findings[1].remedy.as_deref(), Some("give one"));
    }
}
