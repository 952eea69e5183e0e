//! This process as the store knows it: registered, with a lease that beats renew.

use std::{
    collections::BTreeMap,
    fs,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use farcall_core::problem::Problem;
use farcall_store::{JobStore, NewWorker, StoreError, WorkerId};
use tokio_util::sync::CancellationToken;

use crate::Programs;

/// The worker that this process is.
pub(crate) struct Worker {
    store: Arc<dyn JobStore>,
    programs: Programs,
    lease: Duration,
    id: Mutex<WorkerId>,
}

impl Worker {
    /// Makes this process known.
    pub(crate) async fn register(
        store: Arc<dyn JobStore>,
        programs: Programs,
        lease: Duration,
    ) -> Result<Self, Problem> {
        let id = register(store.as_ref(), &programs, lease).await?;
        Ok(Self {
            store,
            programs,
            lease,
            id: Mutex::new(id),
        })
    }

    /// Under which name it claims at this moment.
    pub(crate) fn id(&self) -> WorkerId {
        *self.id.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Renews the lease again and again, until `stop`.
    pub(crate) async fn beat(&self, every: Duration, stop: CancellationToken) {
        loop {
            tokio::select! {
                () = tokio::time::sleep(every) => {}
                () = stop.cancelled() => return,
            }
            match self.store.beat(self.id(), self.lease).await {
                Ok(_) => {}
                Err(StoreError::StaleClaim) => self.begin_anew().await,
                Err(error) => tracing::warn!(%error, "the lease of this worker is not renewed"),
            }
        }
    }

    /// Takes this process out of the list of workers.
    pub(crate) async fn unregister(&self) {
        if let Err(error) = self.store.unregister(self.id()).await {
            tracing::warn!(%error, "this worker is not signed off; its lease ends by itself");
        }
    }

    /// Whoever was declared lost has lost its jobs, which find out with their next write. It may
    /// work on under another name.
    async fn begin_anew(&self) {
        match register(self.store.as_ref(), &self.programs, self.lease).await {
            Ok(id) => {
                tracing::warn!("this worker was believed dead, and begins anew");
                *self.id.lock().unwrap_or_else(PoisonError::into_inner) = id;
            }
            Err(error) => tracing::error!(%error, "this worker is not known, and cannot claim"),
        }
    }
}

async fn register(
    store: &dyn JobStore,
    programs: &Programs,
    lease: Duration,
) -> Result<WorkerId, Problem> {
    let mut bits = [0; 16];
    getrandom::fill(&mut bits)?;
    let id = WorkerId::from_random(bits);
    let known = programs.wanted().iter();
    let worker = NewWorker {
        id,
        host: system("/proc/sys/kernel/hostname"),
        identity: identity(),
        programs: known
            .map(|known| (known.name.clone(), known.fingerprint.clone()))
            .collect(),
        slots: BTreeMap::new(),
    };
    let registered = store.register(worker, lease).await;
    registered.map_err(StoreError::problem)?;
    Ok(id)
}

/// What tells this process from every other one, on this machine and elsewhere; empty where the
/// system does not say.
///
/// Containers on one machine share its boot and use the same process ids, so the namespace of
/// these ids belongs to it. An id may be used again, so the moment of the start does too.
fn identity() -> String {
    let machine = system("/etc/machine-id");
    let boot = system("/proc/sys/kernel/random/boot_id");
    let namespace = fs::read_link("/proc/self/ns/pid").unwrap_or_default();
    let process = std::process::id();
    let status = system("/proc/self/stat");
    // The name before it may hold anything, also spaces and parentheses.
    let after_name = status.rsplit_once(')').map_or("", |(_, fields)| fields);
    let started = after_name.split_whitespace().nth(19).unwrap_or_default();
    if boot.is_empty() || started.is_empty() {
        return String::new();
    }
    format!(
        "{machine}/{boot}/{}/{process}/{started}",
        namespace.display()
    )
}

fn system(path: &str) -> String {
    let text = fs::read_to_string(path).unwrap_or_default();
    text.trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(target_os = "linux")]
    #[test]
    fn a_process_knows_what_tells_it_from_others() {
        let identity = identity();
        assert_eq!(identity.split('/').count(), 5, "{identity}");
        assert!(identity.contains(&format!("/{}/", std::process::id())));
        let started = identity.rsplit('/').next().unwrap();
        assert!(started.parse::<u64>().is_ok(), "{identity}");
    }
}
