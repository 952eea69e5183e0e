//! Existing MCP servers, whose tools are passed on.

use std::{
    collections::HashSet,
    path::PathBuf,
    sync::{Mutex, PoisonError},
};

use farcall_config::{
    Source,
    file::{Finding, Project, Sandbox},
};
use farcall_core::catalog::Fault;
use farcall_jobs::contract;
use farcall_wrap::{
    command::Surroundings,
    mount::{self, Entry, Mounted, Started, WeakMounted},
};
use tokio::task::JoinSet;
use tokio_util::{sync::CancellationToken, task::AbortOnDropHandle};

use crate::{App, Failure, offer::Offer};

/// Starts the mounts of `project`, all at once, and adds what they offer; says what is wrong with them. Of those
/// that are `running`, what has not changed is kept.
pub(crate) async fn add(
    offer: &mut Offer,
    project: &Project,
    surroundings: Surroundings<'_>,
    running: &[Mounted],
) -> Vec<Fault> {
    let mut faults = Vec::new();
    let starting = project.mounts.iter().map(|mount| {
        let starting = tokio::spawn(mount::start(mount, surroundings, running));
        AbortOnDropHandle::new(starting)
    });
    let starting: Vec<_> = starting.collect();
    for (mount, starting) in project.mounts.iter().zip(starting) {
        let subject = format!("mount `{}`", mount.name);
        let reasons = match starting.await {
            Ok(Ok(started)) => taken(offer, &mount.name, started),
            Ok(Err(reason)) => vec![format!("its server cannot be started: {reason}")],
            Err(error) => vec![format!("its server cannot be started: {error}")],
        };
        let reasons = reasons.into_iter();
        faults.extend(reasons.map(|reason| Fault {
            subject: subject.clone(),
            reason: reason.replace('\n', "\n    "),
        }));
    }
    faults
}

/// Adds what one offers; names that there are already stay whose they are.
fn taken(offer: &mut Offer, name: &str, started: Started) -> Vec<String> {
    let mut faults = started.faults;
    for warning in started.warnings {
        tracing::warn!(mount = name, "{warning}");
    }
    let mut names: HashSet<_> = offer.names().collect();
    for entry in started.entries {
        let its = match &entry {
            Entry::Tool(tool) => vec![tool.declaration.name.clone()],
            Entry::Job(job) => {
                let declarations = contract::declarations(job).into_iter();
                declarations.map(|declaration| declaration.name).collect()
            }
        };
        if let Some(double) = its.iter().find(|name| names.contains(*name)) {
            faults.push(format!(
                "there is another tool called `{double}`; set a `prefix`, or give its tool another name with `tools`"
            ));
            continue;
        }
        names.extend(its);
        match entry {
            Entry::Tool(tool) => offer.tool(tool),
            Entry::Job(job) => offer.job(job),
        }
    }
    let others = &mut offer.others;
    for prompt in started.offers.prompts {
        if others.prompts.iter().any(|known| known.name == prompt.name) {
            let double = &prompt.name;
            faults.push(format!(
                "there is another prompt called `{double}`; set a `prefix`"
            ));
        } else {
            others.prompts.push(prompt);
        }
    }
    // They have no other name that they could be given.
    for resource in started.offers.resources {
        if others
            .resources
            .iter()
            .any(|known| known.uri == resource.uri)
        {
            let uri = &resource.uri;
            tracing::warn!(
                mount = name,
                "there is another resource `{uri}`, which is served; this one is left out"
            );
        } else {
            others.resources.push(resource);
        }
    }
    for template in started.offers.templates {
        let pattern = &template.uri_template;
        if others
            .templates
            .iter()
            .any(|known| known.uri_template == *pattern)
        {
            tracing::warn!(
                mount = name,
                "there is another resource template `{pattern}`, which is served; this one is left out"
            );
        } else {
            others.templates.push(template);
        }
    }
    for completion in started.offers.completions {
        let is_it = |known: &farcall_core::completion::Completion| {
            known.target == completion.target && known.argument == completion.argument
        };
        if !others.completions.iter().any(is_it) {
            others.completions.push(completion);
        }
    }
    offer.mounts.push(started.server);
    faults
}

/// Stops all at once, each in its order.
pub(crate) async fn stop(mounts: Vec<Mounted>) {
    let stopping = mounts.into_iter();
    let mut stopping: JoinSet<()> = stopping
        .map(|mount| async move { mount.stop().await })
        .collect();
    while stopping.join_next().await.is_some() {}
}

/// The mounted servers that are to end with this one. What is offered keeps them, and a call that is under
/// way; where neither is left, as after a reload, they end by themselves.
#[derive(Default)]
pub(crate) struct Known(Mutex<Vec<WeakMounted>>);

impl Known {
    /// Takes them in, and forgets those that nobody keeps any more.
    pub(crate) fn add(&self, mounts: &[Mounted]) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let is_another = |known: &Mounted| !mounts.iter().any(|mount| mount.is(known));
        known.retain(|mount| mount.upgrade().is_some_and(|mount| is_another(&mount)));
        known.extend(mounts.iter().map(Mounted::downgrade));
    }

    /// Those that are kept.
    pub(crate) fn running(&self) -> Vec<Mounted> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.iter().filter_map(WeakMounted::upgrade).collect()
    }

    /// Stops them, unless somebody is in a hurry: then they are killed as this process ends.
    pub(crate) async fn stop(&self, hurrying: &CancellationToken) {
        let known = std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner));
        let mounts = known.iter().filter_map(WeakMounted::upgrade).collect();
        tokio::select! {
            () = stop(mounts) => {}
            () = hurrying.cancelled() => {}
        }
    }
}

/// The project that is nothing but the server that `command` starts, in the working folder.
///
/// # Errors
/// A [`Failure`] where there is no such program.
pub(crate) fn alone(
    command: &[String],
    sandbox: Option<&str>,
    source: &Source,
) -> Result<Project, Failure> {
    let folder = std::env::current_dir().map_err(|error| {
        Failure::failed(format!("the working directory cannot be found: {error}"))
    })?;
    Project::of_command(command, sandbox, &folder, source).map_err(|faults| {
        let sentences: Vec<_> = faults.iter().map(sentence).collect();
        Failure::usage(sentences.join("\n"))
    })
}

/// What nobody said about the sandbox of such a project, as a sentence to warn with: its program keeps what it
/// fetches where no sandbox lets it write, so it has none, and reaches what is `withheld` from others.
pub(crate) fn unconfined(project: &Project, withheld: &[PathBuf]) -> Option<String> {
    let mount = project.mounts.first()?;
    if mount.command.sandbox != Sandbox::Off {
        return None;
    }
    let program = mount.command.program.display();
    let places: Vec<_> = withheld
        .iter()
        .map(|place| format!("`{}`", place.display()))
        .collect();
    Some(format!(
        "`{program}` and what it fetches run without a sandbox, and reach whatever this user may, {} too; name the installed server in its place, or say `--sandbox off` where that is meant",
        places.join(", ")
    ))
}

/// A fault of a line that nobody wrote: what is wrong, without its place.
fn sentence(fault: &Finding) -> String {
    format!("{}; {}", fault.message, fault.hint)
}

/// The app of one mount, which says about itself what its server does.
pub(crate) fn named_after_it(mut app: App) -> App {
    let Some(mounted) = app.offer.mounts.first() else {
        return app;
    };
    let about = mounted.about().clone();
    let identity = &mut app.identity;
    identity.name = about.name.unwrap_or_else(|| identity.name.clone());
    identity.version = about.version.unwrap_or_else(|| identity.version.clone());
    identity.title = about.title;
    identity.instructions = about.instructions;
    app
}
