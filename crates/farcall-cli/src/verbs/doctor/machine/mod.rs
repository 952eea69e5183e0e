//! The hops on this machine, from the configuration to a server that is ready. Nothing here is changed.

mod alive;
mod configuration;
mod disk;
mod files;
mod folder;
mod secrets;
mod service;
mod staged;
mod store;
mod values;

use farcall_config::{Config, Source};

pub(super) use self::{alive::local_url, configuration::source};
use super::finding::Chart;
use crate::{Failure, verbs::deploy::Subject};

/// What is configured here.
pub(super) struct Machine {
    /// What the server is called.
    pub(super) name: String,
    pub(super) config: Config,
    /// All that is set: in the environment, in `.env`, in the file.
    pub(super) source: Source,
    /// How the server is started by hand.
    pub(super) start: String,
    /// Why the database of the jobs cannot be used, where that is known: whoever waits for it waits long.
    pub(super) unusable: Option<Failure>,
    /// Whether it has jobs, so that it keeps something.
    pub(super) has_jobs: bool,
    /// Whether a server answers here.
    pub(super) is_alive: bool,
}

/// Looks at every hop on this machine; `None` where the configuration is not one.
pub(super) async fn look(subject: Subject<'_>, chart: &mut Chart) -> Option<Machine> {
    let mut machine = configuration::look(subject, chart).await?;
    folder::look(&machine, chart);
    disk::look(&machine, chart);
    store::look(&machine, chart).await;
    files::look(&machine, chart).await;
    secrets::look(&machine, chart).await;
    let service = service::look(&machine, chart).await;
    machine.is_alive = alive::look(&machine, service.as_deref(), chart).await;
    Some(machine)
}
