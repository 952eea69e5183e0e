//! What a `farcall.toml` declares, as an app.

use std::path::PathBuf;

use farcall_config::file::{Body, Command, Entry, Project, Sandbox};
use farcall_core::catalog::{Fault, Faults};
use farcall_wrap::{
    command::{self, Surroundings},
    mount::Mounted,
    sandbox,
    service::Services,
};

use crate::{App, Failure, mounts, offer::Offer};

/// The app that serves `project`, whose mounted servers run, some of them since before; neither they nor its
/// programs reach what is `withheld`.
///
/// # Errors
/// All that cannot work in it, in one report.
pub(crate) async fn app(
    project: &Project,
    withheld: &[PathBuf],
    running: &[Mounted],
) -> Result<App, Failure> {
    let server = &project.server;
    let mut app = App::new(&server.name).version(&server.version);
    if let Some(title) = &server.title {
        app = app.title(title);
    }
    if let Some(instructions) = &server.instructions {
        app = app.instructions(instructions);
    }
    let offer = offer(project, withheld, running).await;
    app.offer = offer.map_err(|faults| Failure::usage(faults.to_string()))?;
    Ok(app)
}

/// What `project` offers: its tools and jobs in the order of the file, then what documents of services
/// bring, then what its mounted servers do, which run from now on, where they are not among those that are
/// `running`. No request is sent to a service.
///
/// # Errors
/// All that cannot work in it; then no other servers run than before.
pub(crate) async fn offer(
    project: &Project,
    withheld: &[PathBuf],
    running: &[Mounted],
) -> Result<Offer, Faults> {
    let surroundings = Surroundings {
        folder: &project.folder,
        withheld,
    };
    let (mut offer, mut faults) = declared(project, surroundings);
    faults.extend(mounts::add(&mut offer, project, surroundings, running).await);
    if faults.is_empty() {
        return Ok(offer);
    }
    offer
        .mounts
        .retain(|mount| !running.iter().any(|kept| kept.is(mount)));
    mounts::stop(offer.mounts).await;
    Err(Faults(faults))
}

/// All that is wrong with `project` as far as it shows without its mounted servers. Nothing is started or sent.
pub(crate) fn faults(project: &Project, withheld: &[PathBuf]) -> Vec<Fault> {
    let surroundings = Surroundings {
        folder: &project.folder,
        withheld,
    };
    let (offer, mut faults) = declared(project, surroundings);
    faults.extend(offer.faults());
    faults
}

/// What the file and its documents say, and what is wrong with it. Nothing is started or sent.
fn declared(project: &Project, surroundings: Surroundings<'_>) -> (Offer, Vec<Fault>) {
    let (mut offer, mut faults) = (Offer::default(), Vec::new());
    let services = match Services::new(project) {
        Ok(services) => services,
        Err(Faults(faults)) => return (offer, faults),
    };
    for entry in &project.entries {
        faults.extend(added(&mut offer, entry, surroundings, &services).err());
    }
    match services.imported() {
        Ok(tools) => tools.into_iter().for_each(|tool| offer.tool(tool)),
        Err(more) => faults.extend(more.0),
    }
    (offer, faults)
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
