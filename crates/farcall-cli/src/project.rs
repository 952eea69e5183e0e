//! What a `farcall.toml` declares, as an app.

use farcall_config::file::{Body, Command, Entry, Project, Sandbox};
use farcall_core::catalog::{Fault, Faults};
use farcall_wrap::{command, sandbox};

use crate::{App, Failure, mounts};

/// The app that serves `project`, whose mounted servers are running.
///
/// # Errors
/// All that cannot work in it, or cannot be served yet, in one report.
pub(crate) async fn app(project: &Project) -> Result<App, Failure> {
    let server = &project.server;
    let mut app = App::new(&server.name).version(&server.version);
    if let Some(title) = &server.title {
        app = app.title(title);
    }
    if let Some(instructions) = &server.instructions {
        app = app.instructions(instructions);
    }
    let mut faults = unserved(project);
    for entry in &project.entries {
        match added(&mut app, entry, project) {
            Ok(()) => {}
            Err(fault) => faults.push(fault),
        }
    }
    faults.extend(mounts::add(&mut app, project).await);
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
    let mounted = project.mounts.iter();
    let mounted = mounted.map(|mount| (format!("mount `{}`", mount.name), &mount.command));
    let programs = project.entries.iter().filter_map(program);
    let programs: Vec<_> = programs.chain(mounted).collect();
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

fn added(app: &mut App, entry: &Entry, project: &Project) -> Result<(), Fault> {
    let folder = &project.folder;
    match entry {
        Entry::Tool(tool) => {
            let subject = format!("tool `{}`", tool.name);
            let Body::Command(command) = &tool.body else {
                return Err(not_yet(subject));
            };
            let made = command::tool(tool, command, folder);
            app.offer
                .tool(made.map_err(|reason| Fault { subject, reason })?);
        }
        Entry::Job(job) => {
            let subject = format!("job `{}`", job.name);
            let Body::Command(command) = &job.body else {
                return Err(not_yet(subject));
            };
            let made = command::job(job, command, folder);
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
    imports.collect()
}
