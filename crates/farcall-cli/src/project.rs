//! What a `farcall.toml` declares, as an app.

use std::path::PathBuf;

use farcall_config::file::{Body, Command, Entry, Project, Sandbox};
use farcall_core::catalog::{Fault, Faults};
use farcall_wrap::{
    command::{self, Surroundings},
    sandbox,
};

use crate::{App, Failure};

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
    let surroundings = Surroundings {
        folder: &project.folder,
        withheld,
    };
    for entry in &project.entries {
        match added(&mut app, entry, surroundings) {
            Ok(()) => {}
            Err(fault) => faults.push(fault),
        }
    }
    if !faults.is_empty() {
        return Err(Failure::usage(Faults(faults).to_string()));
    }
    Ok(app)
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

fn added(app: &mut App, entry: &Entry, surroundings: Surroundings<'_>) -> Result<(), Fault> {
    match entry {
        Entry::Tool(tool) => {
            let subject = format!("tool `{}`", tool.name);
            let Body::Command(command) = &tool.body else {
                return Err(not_yet(subject));
            };
            let made = command::tool(tool, command, surroundings);
            app.offer
                .tool(made.map_err(|reason| Fault { subject, reason })?);
        }
        Entry::Job(job) => {
            let subject = format!("job `{}`", job.name);
            let Body::Command(command) = &job.body else {
                return Err(not_yet(subject));
            };
            let made = command::job(job, command, surroundings);
            app.offer
                .job(made.map_err(|reason| Fault { subject, reason })?);
        }
    }
    Ok(())
}

fn not_yet(subject: String) -> Fault {
    Fault {
        subject,
        reason: "requests to HTTP services cannot be served yet; remove it, or let a program make the request".to_owned(),
    }
}

/// What is declared beside tools and jobs, and has nobody to serve it.
fn unserved(project: &Project) -> Vec<Fault> {
    let imports = project
        .services
        .iter()
        .filter(|(_, service)| service.openapi.is_some());
    let imports = imports.map(|(name, _)| Fault {
        subject: format!("service `{name}`"),
        reason: "OpenAPI documents cannot be served yet; remove `openapi`".to_owned(),
    });
    let mounts = project.mounts.iter().map(|mount| Fault {
        subject: format!("mount `{}`", mount.name),
        reason: "MCP servers cannot be mounted yet; remove it".to_owned(),
    });
    imports.chain(mounts).collect()
}
