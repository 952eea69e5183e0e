//! What a `farcall.toml` declares, as an app.

use std::path::PathBuf;

use farcall_config::file::{Body, Command, Entry, Project, Sandbox};
use farcall_core::catalog::{Fault, Faults};
use farcall_wrap::{
    command::{self, Surroundings},
    sandbox,
    service::Services,
};

use crate::{App, Failure, offer::Offer};

/// The app that serves `project`, whose programs do not reach what is `withheld`.
///
/// # Errors
/// All that cannot work in it, or cannot be served yet, in one report.
pub(crate) fn app(project: &Project, withheld: &[PathBuf]) -> Result<App, Failure> {
    let server = &project.server;
    let mut app = App::new(&server.name).version(&server.version);
    if let Some(title) = &server.title {
        app = app.title(title);
    }
    if let Some(instructions) = &server.instructions {
        app = app.instructions(instructions);
    }
    let mut faults = unserved(project);
    match offer(project, withheld) {
        Ok(offer) => app.offer = offer,
        Err(more) => faults.extend(more.0),
    }
    if !faults.is_empty() {
        return Err(Failure::usage(Faults(faults).to_string()));
    }
    Ok(app)
}

/// What `project` offers: its tools and jobs in the order of the file, then what documents of services
/// bring. Its programs will not reach what is `withheld`. Nothing is started or sent.
///
/// # Errors
/// All that cannot work in it.
pub(crate) fn offer(project: &Project, withheld: &[PathBuf]) -> Result<Offer, Faults> {
    let services = Services::new(project)?;
    let surroundings = Surroundings {
        folder: &project.folder,
        withheld,
    };
    let (mut offer, mut faults) = (Offer::default(), Vec::new());
    for entry in &project.entries {
        faults.extend(added(&mut offer, entry, surroundings, &services).err());
    }
    match services.imported() {
        Ok(tools) => tools.into_iter().for_each(|tool| offer.tool(tool)),
        Err(more) => faults.extend(more.0),
    }
    if faults.is_empty() {
        Ok(offer)
    } else {
        Err(Faults(faults))
    }
}

/// What keeps programs in their place on this machine, where that is less than it should be: sentences
/// to warn with.
///
/// # Errors
/// A [`Failure`] where a program asks for more than there is.
pub(crate) fn confinement(project: &Project) -> Result<Vec<String>, Failure> {
    let programs: Vec<_> = project.entries.iter().filter_map(program).collect();
    if programs.is_empty() {
        return Ok(Vec::new());
    }
    let available = sandbox::available();
    let (mut warnings, mut faults) = (Vec::new(), Vec::new());
    for (subject, command) in programs {
        let Some(reason) = available.missing(command.sandbox) else {
            continue;
        };
        if command.sandbox != Sandbox::Default {
            faults.push(Fault { subject, reason });
        } else if !warnings.contains(&reason) {
            warnings.push(reason);
        }
    }
    if faults.is_empty() {
        Ok(warnings)
    } else {
        Err(Failure::usage(Faults(faults).to_string()))
    }
}

fn program(entry: &Entry) -> Option<(String, &Command)> {
    let (subject, body) = match entry {
        Entry::Tool(tool) => (format!("tool `{}`", tool.name), &tool.body),
        Entry::Job(job) => (format!("job `{}`", job.name), &job.body),
    };
    match body {
        Body::Command(command) => Some((subject, command)),
        Body::Request(_) => None,
    }
}

fn added(
    offer: &mut Offer,
    entry: &Entry,
    surroundings: Surroundings<'_>,
    services: &Services,
) -> Result<(), Fault> {
    match entry {
        Entry::Tool(tool) => offer.tool(match &tool.body {
            Body::Command(command) => {
                let subject = format!("tool `{}`", tool.name);
                let made = command::tool(tool, command, surroundings);
                made.map_err(|reason| Fault { subject, reason })?
            }
            Body::Request(request) => services.tool(tool, request)?,
        }),
        Entry::Job(job) => offer.job(match &job.body {
            Body::Command(command) => {
                let subject = format!("job `{}`", job.name);
                let made = command::job(job, command, surroundings);
                made.map_err(|reason| Fault { subject, reason })?
            }
            Body::Request(request) => services.job(job, request)?,
        }),
    }
    Ok(())
}

/// What is declared and has nobody to serve it.
fn unserved(project: &Project) -> Vec<Fault> {
    let mounts = project.mounts.iter().map(|mount| Fault {
        subject: format!("mount `{}`", mount.name),
        reason: "MCP servers cannot be mounted yet; remove it".to_owned(),
    });
    mounts.collect()
}
