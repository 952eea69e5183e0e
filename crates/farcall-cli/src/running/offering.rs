//! What a server offers while it runs, and how it comes to offer something else.

use std::sync::Arc;

use farcall_config::Role;
use farcall_core::catalog::{Catalog, Faults};
use farcall_jobs::{Links, Programs, Queue, RunnerOptions, Tasks};
use farcall_server::{Changes, Protocol};
use tokio::sync::watch;

use super::gate::guard_what_is_there;
use crate::{App, Failure, mounts::Known, offer::Offer};

/// What is exchanged together: tools for callers, and programs for who runs them.
pub(super) struct Offering {
    pub(super) protocol: Arc<Protocol>,
    /// Where jobs come in; none where there was no job at start.
    pub(super) jobs: Option<Jobs>,
    /// For the runner and for whoever looks after jobs.
    pub(super) programs: watch::Sender<Programs>,
    pub(super) supply: Supply,
    /// The tools that need scopes of their own.
    pub(super) scoped: Vec<String>,
    /// The mounted servers of all that has been offered.
    pub(super) mounts: Known,
}

/// The queue of a server's jobs, and the addresses of their files.
#[derive(Clone)]
pub(super) struct Jobs {
    pub(super) queue: Queue,
    pub(super) links: Links,
}

/// What this process has for jobs.
pub(super) struct Supply {
    pub(super) options: RunnerOptions,
    pub(super) role: Role,
}

impl Offering {
    /// Offers what `app` does from now on; its routes, verifiers and options are not looked at. Calls and
    /// jobs that are under way end as they began.
    ///
    /// # Errors
    /// A [`Failure`] with everything that cannot be offered; then nothing changes.
    pub(super) fn exchange(&self, app: &App) -> Result<Changes, Failure> {
        let refused = |faults: Faults| Failure::usage(faults.to_string());
        let faults = app.offer.faults();
        if !faults.is_empty() {
            return Err(refused(Faults(faults)));
        }
        let programs = app.offer.programs();
        self.supply.suffices(&programs)?;
        if self.jobs.is_none() && !programs.is_empty() {
            return Err(Failure::usage(
                "a first job needs the place of jobs, which is opened when the server starts",
            )
            .hint("start the server again"));
        }
        let (catalog, tasks) = offered(&app.offer, &programs, self.jobs.as_ref())?;
        guard_what_is_there(&self.scoped, &catalog)?;
        let next = self.protocol.next(&app.identity, catalog, tasks);
        let next = next.map_err(refused)?;
        self.mounts.add(&app.offer.mounts);
        // First who runs jobs, then who starts them: one that nobody knows has vanished.
        self.programs.send_replace(programs);
        Ok(self.protocol.exchange(next))
    }
}

/// The catalog of an offer, in which jobs are tools and tasks of the queue.
pub(super) fn offered(
    offer: &Offer,
    programs: &Programs,
    jobs: Option<&Jobs>,
) -> Result<(Arc<Catalog>, Option<Tasks>), Failure> {
    let jobs = jobs.map(|Jobs { queue, links }| (queue.offering(programs.clone()), links));
    let catalog = offer.catalog(jobs.as_ref().map(|(queue, links)| (queue, *links)));
    let catalog = catalog.map_err(|faults| Failure::usage(faults.to_string()))?;
    let tasks = jobs.map(|(queue, links)| Tasks::new(queue, links.clone()));
    Ok((Arc::new(catalog), tasks))
}

impl Supply {
    /// Sees that every job can run. Where nobody else works on the same store, one that cannot run
    /// here would wait for ever.
    pub(super) fn suffices(&self, programs: &Programs) -> Result<(), Failure> {
        let Self { options, role } = self;
        if programs.is_empty() && *role == Role::Worker {
            return Err(Failure::usage(
                "this program has no job, and a worker does nothing but run jobs",
            )
            .hint("set FARCALL_ROLE=api, or register a job"));
        }
        let beyond = programs.beyond(&options.slots);
        // Who runs no job needs no slots.
        if beyond.is_empty() || !role.works() {
            return Ok(());
        }
        let sentence = format!(
            "this server can never run `{}`: it supplies fewer slots than that needs",
            beyond.join("`, `")
        );
        if options.is_shared {
            tracing::warn!("{sentence}; other workers must");
            return Ok(());
        }
        Err(Failure::usage(sentence)
            .hint("set FARCALL_SLOTS to what this machine has, for example FARCALL_SLOTS=gpu=1"))
    }
}
