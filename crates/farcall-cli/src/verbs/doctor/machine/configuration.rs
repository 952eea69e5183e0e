//! Whether a server would start with what is configured here, and what of it is meant for another place.

use std::path::Path;

use farcall_config::{
    Config, ConfigError, Source, Storage,
    file::{Entry, Finding as Fault, Project},
};
use farcall_core::host;

use super::{
    super::finding::{Chart, Finding},
    Machine,
};
use crate::{
    Failure, project,
    running::callers,
    verbs::deploy::{Subject, trusted_proxies},
    withheld::withheld,
};

const CHECK: &str = "configuration";

/// What is configured, as a server that is started here would read it.
pub(super) async fn look(subject: Subject<'_>, chart: &mut Chart) -> Option<Machine> {
    let Some(machine) = read(subject, chart).await else {
        chart.is_misconfigured = true;
        return None;
    };
    let what = match subject {
        Subject::App(_) => "the environment".to_owned(),
        Subject::File(file) => format!("`{}`", file.display()),
    };
    chart.add(Finding::ok(
        CHECK,
        format!("{what} is that of a server, `{}`", machine.name),
    ));
    for finding in doubts(&machine.config) {
        chart.add(finding);
    }
    Some(machine)
}

/// What is set for a server that is not looked at itself: the environment, `.env`, and the file where it can be read.
///
/// # Errors
/// A [`Failure`] where `.env` cannot be read.
pub(in crate::verbs::doctor) fn source(subject: Subject<'_>) -> Result<Source, Failure> {
    let read = Source::from_environment(Path::new("."));
    let mut source = read.map_err(|error| Failure::usage(error.to_string()))?;
    if let Subject::File(file) = subject
        && let Ok((project, _)) = Project::read(file, &source)
    {
        source.set_file(&project.settings);
    }
    Ok(source)
}

async fn read(subject: Subject<'_>, chart: &mut Chart) -> Option<Machine> {
    let mut source = match Source::from_environment(Path::new(".")) {
        Ok(source) => source,
        Err(error) => return refuse(error, chart),
    };
    let (name, start, has_jobs) = match subject {
        Subject::App(app) => {
            if !app.verifiers.is_empty() {
                source.set_own_authenticator();
            }
            let faults = app.offer.faults();
            if !faults.is_empty() {
                for fault in faults {
                    let sentence = format!("{}: {}", fault.subject, fault.reason);
                    chart.add(broken(
                        &sentence.replace('\n', " "),
                        "correct it where it is registered",
                    ));
                }
                return None;
            }
            let program = std::env::args().next().unwrap_or_default();
            let has_jobs = app.offer.jobs().next().is_some();
            (app.identity.name.clone(), program, has_jobs)
        }
        Subject::File(file) => {
            let project = project(file, &source, chart)?;
            source.set_file(&project.settings);
            offered(file, &project, &source, chart)?;
            let is_job = |entry: &Entry| matches!(entry, Entry::Job(_));
            let has_jobs = project.entries.iter().any(is_job)
                || project.mounts.iter().any(|mount| !mount.jobs.is_empty());
            (project.server.name, "farcall serve".to_owned(), has_jobs)
        }
    };
    // A store that cannot be read is told by its own check.
    let unusable = match callers::are_there(&source).await {
        Ok(true) => {
            source.set_named_callers();
            None
        }
        Ok(false) => None,
        Err(failure) => Some(failure),
    };
    match Config::read(&source) {
        Ok(config) => Some(Machine {
            unusable: unusable.filter(|_| config.storage.database_url.is_some()),
            name,
            config,
            source,
            start,
            has_jobs,
            is_alive: false,
        }),
        Err(error) => refuse(error, chart),
    }
}

fn refuse<T>(ConfigError(faults): ConfigError, chart: &mut Chart) -> Option<T> {
    for fault in faults {
        chart.add(broken(&fault.message, &fault.hint));
    }
    None
}

fn broken(message: &str, hint: &str) -> Finding {
    Finding::broken(CHECK, message)
        .cause("a server does not start with it")
        .remedy(hint)
}

/// What the file says; everything that is wrong with it is on the chart.
fn project(file: &Path, source: &Source, chart: &mut Chart) -> Option<Project> {
    let at = |fault: &Fault| match &fault.place {
        Some(place) => format!("{}:{}:{}: ", file.display(), place.line, place.column),
        None => format!("{}: ", file.display()),
    };
    match Project::read(file, source) {
        Ok((project, warnings)) => {
            for warning in &warnings {
                let message = format!("{}{}", at(warning), warning.message);
                chart.add(Finding::warning(CHECK, message).remedy(&warning.hint));
            }
            Some(project)
        }
        Err(found) => {
            for fault in &found.faults {
                chart.add(broken(
                    &format!("{}{}", at(fault), fault.message),
                    &fault.hint,
                ));
            }
            None
        }
    }
}

/// That tools and jobs can be made of it. Nothing is started for that: what mounted servers offer, `check` says.
fn offered(file: &Path, project: &Project, source: &Source, chart: &mut Chart) -> Option<()> {
    let storage = Storage::alone(source).ok();
    let withheld = storage.map(|storage| withheld(Some(file), &storage, None));
    let faults = project::faults(project, &withheld.unwrap_or_default());
    for fault in &faults {
        let sentence = format!("{}: {}", fault.subject, fault.reason);
        let (message, hint) = sentence
            .rsplit_once("; ")
            .unwrap_or((&sentence, "correct it in the file"));
        chart.add(broken(&message.replace('\n', " "), hint));
    }
    faults.is_empty().then_some(())
}

/// What is no fault, and not what the guide has either.
fn doubts(config: &Config) -> Vec<Finding> {
    let mut doubts = Vec::new();
    let http = &config.http;
    if http.is_loopback() {
        let said = format!(
            "the server binds `{}`, so only what stands in front reaches it",
            http.host
        );
        doubts.push(Finding::ok("bind", said));
    } else if is_in_container() {
        let said = format!(
            "the server binds `{}` in a container, which is the perimeter",
            http.host
        );
        doubts.push(Finding::ok("bind", said));
    } else {
        doubts.push(
            Finding::warning(
                "bind",
                format!("the server binds `{}`, beyond this machine", http.host),
            )
            .cause("whoever is in its network reaches it past the tunnel or the proxy")
            .remedy(
                "set MCP_HOST=127.0.0.1, unless a container or firewall of your own is in front",
            ),
        );
    }
    if http.port == 0 {
        doubts.push(
            Finding::warning(
                "bind",
                "`MCP_PORT` is `0`, so the port is another one each time",
            )
            .cause("neither a proxy nor this command knows it")
            .remedy("set a port, such as MCP_PORT=8900"),
        );
    }
    match &http.public_base_url {
        Some(url) if !url.is_https() && !host::is_loopback(url.host()) => doubts.push(
            Finding::warning("public URL", format!("`PUBLIC_BASE_URL` is `{url}`, without TLS"))
                .cause("tokens and files travel in the clear")
                .remedy("put a tunnel or a proxy with a certificate in front, and write https://"),
        ),
        Some(url) => doubts.push(Finding::ok("public URL", format!("`PUBLIC_BASE_URL` is `{url}`"))),
        None => doubts.push(
            Finding::unverified("public URL", "`PUBLIC_BASE_URL` is not set, so URLs of files are for this machine alone")
                .remedy("set it once the server is online, such as PUBLIC_BASE_URL=https://example-mcp.example.com"),
        ),
    }
    doubts.push(authentication(config));
    if http.public_base_url.is_some()
        && let Some(sentence) = trusted_proxies(config)
    {
        let (said, remedy) = sentence.split_once(": ").unwrap_or((&sentence, "name it"));
        doubts.push(Finding::warning("trusted proxies", said).remedy(remedy));
    }
    doubts
}

fn authentication(config: &Config) -> Finding {
    const CHECK: &str = "authentication";
    let auth = &config.auth;
    if auth.has_short_token() {
        return Finding::warning(CHECK, "`MCP_BEARER_TOKEN` is shorter than 16 characters")
            .cause("it can be guessed by trying")
            .remedy("use one of `openssl rand -hex 32`");
    }
    if !auth.is_open() {
        return Finding::ok(CHECK, "the server itself asks callers who they are");
    }
    match &config.http.public_base_url {
        Some(url) if !host::is_loopback(url.host()) => {
            Finding::unverified(CHECK, "the server itself asks nobody who they are")
                .cause("then whatever forwards the public URL to it must: Cloudflare Access with a Service Auth policy, or another gate")
                .remedy("without such an edge, put MCP_BEARER_TOKEN, of `openssl rand -hex 32`, into `.env`")
        }
        _ => Finding::ok(CHECK, "nobody is asked who they are, on this machine alone"),
    }
}

/// Docker and podman leave these in every container.
fn is_in_container() -> bool {
    ["/.dockerenv", "/run/.containerenv"]
        .iter()
        .any(|mark| Path::new(mark).exists())
}
