//! Existing MCP servers, whose tools are passed on.

use std::collections::HashSet;

use farcall_config::{
    Source,
    file::{Finding, Mount, Project},
};
use farcall_core::catalog::Fault;
use farcall_jobs::contract;
use farcall_wrap::mount::{self, Entry, Mounted, Started};
use tokio_util::sync::CancellationToken;

use crate::{App, Failure};

/// Starts the mounts of `project`, all at once, and adds what they offer; says what is wrong with them.
pub(crate) async fn add(app: &mut App, project: &Project) -> Vec<Fault> {
    add_and(app, project, |_, _| {}).await
}

/// The same, and tells `tell` each tool of each mount.
pub(crate) async fn add_and(
    app: &mut App,
    project: &Project,
    mut tell: impl FnMut(&str, &Entry),
) -> Vec<Fault> {
    let mut faults = Vec::new();
    let starting: Vec<_> = project
        .mounts
        .iter()
        .map(|mount| start(mount, project))
        .collect();
    for (mount, starting) in project.mounts.iter().zip(starting) {
        let subject = format!("mount `{}`", mount.name);
        let reasons = match starting.await {
            Ok(Ok(started)) => {
                started
                    .entries
                    .iter()
                    .for_each(|entry| tell(&mount.name, entry));
                taken(app, &mount.name, started)
            }
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

type Starting = tokio::task::JoinHandle<Result<Started, String>>;

fn start(mount: &Mount, project: &Project) -> Starting {
    let (mount, folder) = (mount.clone(), project.folder.clone());
    tokio::spawn(async move { mount::start(&mount, &folder).await })
}

/// Adds what one offers; names that there are already stay whose they are.
fn taken(app: &mut App, name: &str, started: Started) -> Vec<String> {
    let mut faults = started.faults;
    for warning in started.warnings {
        tracing::warn!(mount = name, "{warning}");
    }
    let mut names: HashSet<_> = app.offer.names().collect();
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
            Entry::Tool(tool) => app.offer.tool(tool),
            Entry::Job(job) => app.offer.job(job),
        }
    }
    let others = &mut app.offer.others;
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
    app.mounts.push(started.server);
    faults
}

/// Stops all at once, each in its order, unless somebody is in a hurry: then they are killed as this process
/// ends.
pub(crate) async fn stop(mounts: &[Mounted], hurrying: &CancellationToken) {
    let stopping = mounts
        .iter()
        .cloned()
        .map(|mount| tokio::spawn(async move { mount.stop().await }));
    let stopping: Vec<_> = stopping.collect();
    let all = async {
        for one in stopping {
            let _ = one.await;
        }
    };
    tokio::select! {
        () = all => {}
        () = hurrying.cancelled() => {}
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

/// A fault of a line that nobody wrote: what is wrong, without its place.
fn sentence(fault: &Finding) -> String {
    format!("{}; {}", fault.message, fault.hint)
}

/// The app of one mount, which says about itself what its server does.
pub(crate) fn named_after_it(mut app: App) -> App {
    let Some(mounted) = app.mounts.first() else {
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
