//! This process as the store knows it: registered, with a lease that beats renew.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use farcall_core::{crash_point, job::StopReason, problem::Problem};
use farcall_store::{Beat, Fence, JobStore, NewWorker, StoreError, WorkerId};
use tokio::{
    sync::watch,
    time::{Instant, timeout_at},
};
use tokio_util::sync::CancellationToken;

use crate::{Programs, RunnerOptions, processes, slots::Slots};

/// The worker that this process is.
pub(crate) struct Worker {
    store: Arc<dyn JobStore>,
    offered: watch::Receiver<Programs>,
    slots: Slots,
    lease: Duration,
    standing: watch::Sender<Standing>,
}

/// The beats of a worker, as they come; some may be missed.
pub(crate) struct Beats(watch::Receiver<Standing>);

impl Beats {
    /// What the next beat names as claimed by this worker.
    pub(crate) async fn next(&mut self) -> Vec<Fence> {
        if self.0.changed().await.is_err() {
            // The worker is as good as gone, and so is whoever asks.
            std::future::pending::<()>().await;
        }
        self.0.borrow_and_update().beat.running.clone()
    }
}

/// How this process stands with the store.
struct Standing {
    /// Under which name it works; none where the last one is lost and there is no new one yet.
    id: Option<WorkerId>,
    /// Until when it may believe that its jobs are its own; each name has a lease of its own, which
    /// nobody renews for another.
    lease: watch::Sender<Instant>,
    /// What the last beat told.
    beat: Beat,
}

impl Worker {
    /// Makes this process known.
    pub(crate) async fn register(
        store: Arc<dyn JobStore>,
        offered: watch::Receiver<Programs>,
        options: &RunnerOptions,
    ) -> Result<Self, Problem> {
        let until = held_until(options.lease);
        let worker = Self {
            store,
            offered,
            slots: options.slots.clone(),
            lease: options.lease,
            standing: watch::Sender::new(Standing {
                id: None,
                lease: watch::Sender::new(until),
                beat: Beat::default(),
            }),
        };
        let id = worker.introduce().await?;
        worker
            .standing
            .send_modify(|standing| standing.id = Some(id));
        Ok(worker)
    }

    /// Under which name it may claim at this moment.
    pub(crate) fn id(&self) -> Option<WorkerId> {
        self.standing.borrow().id
    }

    /// Whether it may believe that its jobs are its own at this moment.
    pub(crate) fn holds_its_lease(&self) -> bool {
        let standing = self.standing.borrow();
        standing.id.is_some() && Instant::now() < *standing.lease.borrow()
    }

    /// Until when the jobs are its own that were claimed as `by`, now and later; closed where it is
    /// `by` no more.
    pub(crate) fn lease(&self, by: WorkerId) -> watch::Receiver<Instant> {
        let standing = self.standing.borrow();
        if standing.id == Some(by) {
            return standing.lease.subscribe();
        }
        watch::channel(Instant::now()).1
    }

    /// Whether a job that has to run alone has waited for `patience`, as of the last beat; for twice
    /// and three times as long where others make room before this worker does.
    pub(crate) fn should_make_room(&self, patience: Duration) -> bool {
        let beat = &self.standing.borrow().beat;
        let turn = patience.saturating_mul(beat.before.saturating_add(1));
        beat.suspect_waits.is_some_and(|waits| waits >= turn)
    }

    /// The beats from now on.
    pub(crate) fn beats(&self) -> Beats {
        Beats(self.standing.subscribe())
    }

    /// Returns when a beat says that the claim is cancelled, or this process is `by` no more.
    pub(crate) async fn news_of(&self, claim: Fence, by: WorkerId) -> StopReason {
        let mut standing = self.standing.subscribe();
        let is_news = |standing: &Standing| {
            standing.id != Some(by) || standing.beat.cancelled.contains(&claim)
        };
        match standing.wait_for(is_news).await {
            Ok(standing) if standing.id == Some(by) => StopReason::Cancelled,
            _ => StopReason::Lost,
        }
    }

    /// Renews the lease again and again, until `stop`.
    ///
    /// Where it cannot be renewed in time, this process gives its jobs up shortly before the lease
    /// ends: another one may have them from then on.
    pub(crate) async fn beat(&self, every: Duration, stop: CancellationToken) {
        loop {
            tokio::select! {
                () = tokio::time::sleep(every) => {}
                () = stop.cancelled() => return,
            }
            match self.id() {
                Some(id) => {
                    crash_point!("worker.beat.begun");
                    self.renew(id, every).await;
                }
                None => self.begin_anew().await,
            }
        }
    }

    async fn renew(&self, id: WorkerId, every: Duration) {
        let held = *self.standing.borrow().lease.borrow();
        let renewed = held_until(self.lease);
        // Whoever stood still, and comes late, may still find everything as it was.
        let patience = held.max(Instant::now() + every);
        match timeout_at(patience, self.store.beat(id, self.lease)).await {
            Ok(Ok(beat)) => {
                self.standing.send_modify(|standing| {
                    standing.lease.send_replace(renewed);
                    standing.beat = beat;
                });
                return;
            }
            Ok(Err(StoreError::StaleClaim)) => {
                tracing::warn!("this worker was believed dead, and begins anew");
            }
            Ok(Err(error)) if Instant::now() < held => {
                tracing::warn!(%error, "the lease of this worker is not renewed");
                return;
            }
            Ok(Err(_)) | Err(_) => {
                tracing::error!(
                    "the lease of this worker could not be renewed, its jobs are given up"
                );
            }
        }
        self.standing.send_modify(|standing| {
            standing.id = None;
            standing.beat = Beat::default();
        });
        self.begin_anew().await;
    }

    /// Makes known what is offered at this moment; `false` where the store could not be told, and has to be
    /// told again.
    pub(crate) async fn learn(&self) -> bool {
        // Whoever has no name says it when it has one.
        let Some(id) = self.id() else { return true };
        match self.store.learn(id, self.programs()).await {
            Ok(()) | Err(StoreError::StaleClaim) => true,
            Err(error) => {
                tracing::warn!(%error, "the store does not know the programs of this worker yet");
                false
            }
        }
    }

    /// What this worker can run of what is offered, with the fingerprints. What it lacks the slots for is
    /// left to others, whatever they know.
    fn programs(&self) -> BTreeMap<String, String> {
        let programs = self.offered.borrow().clone();
        let known = programs.fitting(&self.slots);
        let known = known.iter();
        known
            .map(|known| (known.name.clone(), known.fingerprint.clone()))
            .collect()
    }

    /// Takes this process out of the list of workers.
    pub(crate) async fn unregister(&self) {
        let Some(id) = self.id() else { return };
        if let Err(error) = self.store.unregister(id).await {
            tracing::warn!(%error, "this worker is not signed off; its lease ends by itself");
        }
    }

    /// Works on under another name; whoever was declared lost has lost its jobs.
    async fn begin_anew(&self) {
        let until = held_until(self.lease);
        match self.introduce().await {
            Ok(id) => self.standing.send_modify(|standing| {
                standing.id = Some(id);
                standing.lease = watch::Sender::new(until);
            }),
            Err(error) => tracing::error!(%error, "this worker is not known, and cannot claim"),
        }
    }

    /// Makes this process known under a new name.
    async fn introduce(&self) -> Result<WorkerId, Problem> {
        let mut bits = [0; 16];
        getrandom::fill(&mut bits)?;
        let id = WorkerId::from_random(bits);
        let worker = NewWorker {
            id,
            host: processes::host(),
            identity: processes::identity(),
            programs: self.programs(),
            slots: self.slots.clone(),
        };
        let registered = self.store.register(worker, self.lease).await;
        registered.map_err(StoreError::problem)?;
        Ok(id)
    }
}

/// Until when a lease that is asked for now may be relied on: a tenth shorter than the store has
/// it, so that this process stops before another one begins.
fn held_until(lease: Duration) -> Instant {
    Instant::now() + lease - lease / 10
}

#[cfg(test)]
mod tests {
    use farcall_core::{clock::SystemClock, id::JobId};
    use farcall_store::SqliteStore;

    use super::*;

    const LEASE: Duration = Duration::from_millis(200);

    fn nothing() -> watch::Receiver<Programs> {
        Programs::new([]).for_good()
    }

    #[tokio::test]
    async fn a_worker_that_cannot_renew_its_lease_gives_its_jobs_up_before_it_ends() {
        let folder = tempfile::tempdir().unwrap();
        let clock = Arc::new(SystemClock);
        let store: Arc<dyn JobStore> =
            Arc::new(SqliteStore::open(folder.path(), clock).await.unwrap());
        let options = RunnerOptions {
            lease: LEASE,
            ..RunnerOptions::default()
        };
        let begun = Instant::now();
        let worker = Worker::register(Arc::clone(&store), nothing(), &options).await;
        let worker = Arc::new(worker.unwrap());
        store.close().await;
        tokio::spawn({
            let worker = Arc::clone(&worker);
            async move { worker.beat(LEASE / 40, CancellationToken::new()).await }
        });
        let claim = Fence {
            id: JobId::from_random([7; 16]),
            epoch: 1,
        };
        let by = worker.id().unwrap();
        let news = tokio::time::timeout(100 * LEASE, worker.news_of(claim, by)).await;
        assert_eq!(news.unwrap(), StopReason::Lost);
        assert!(begun.elapsed() > LEASE / 2, "it had time left to try again");
        assert_eq!(
            worker.id(),
            None,
            "it claims nothing under a name that is lost"
        );
        assert!(!worker.holds_its_lease());
    }

    #[tokio::test]
    async fn a_lease_is_renewed_for_its_own_name_alone() {
        let folder = tempfile::tempdir().unwrap();
        let clock = Arc::new(SystemClock);
        let store: Arc<dyn JobStore> =
            Arc::new(SqliteStore::open(folder.path(), clock).await.unwrap());
        let options = RunnerOptions::default();
        let worker = Worker::register(Arc::clone(&store), nothing(), &options).await;
        let worker = worker.unwrap();
        let first = worker.id().unwrap();
        let mut lease = worker.lease(first);
        let begun = *lease.borrow_and_update();
        worker.renew(first, Duration::from_millis(1)).await;
        assert!(lease.has_changed().unwrap() && *lease.borrow_and_update() > begun);

        store.rescue(&[first]).await.unwrap();
        worker.renew(first, Duration::from_millis(1)).await;
        let second = worker.id().unwrap();
        assert_ne!(second, first);
        assert!(lease.has_changed().is_err(), "nobody renews it any more");
        assert!(worker.lease(first).has_changed().is_err());
        assert!(*worker.lease(second).borrow() > Instant::now());
        store.close().await;
    }
}
