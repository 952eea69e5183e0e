//! Waits for jobs to change, for however many callers.
//!
//! One task reads the records of all jobs that somebody watches, in one statement: of some of them
//! when the store hints that they have changed, and of all of them twice a second. A hint is
//! only a hint; whoever relies on one alone waits for ever on a machine that heard none.

use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use farcall_core::id::JobId;
use farcall_store::{Hint, JobRecord, JobStore};
use tokio::{
    sync::{
        Notify,
        broadcast::{Receiver, error::RecvError, error::TryRecvError},
        watch,
    },
    time::{MissedTickBehavior, interval},
};

/// How often every watched job is read, whatever the hints say.
const POLL: Duration = Duration::from_millis(500);

/// How many may watch at once and be answered when something changes.
pub(crate) const MAX_WAITING: usize = 1_024;

/// How many of those may be tasks that somebody follows: there are always places left for calls
/// that wait.
pub(crate) const MAX_FOLLOWED: usize = 512;

/// The jobs that are watched; cheap to clone.
#[derive(Clone)]
pub(crate) struct Watch(Arc<Hub>);

struct Hub {
    store: Arc<dyn JobStore>,
    watched: Mutex<Watched>,
    /// There is a job that was not watched before.
    is_due: Notify,
}

#[derive(Default)]
struct Watched {
    jobs: HashMap<JobId, Job>,
    /// Those of them that must be read now.
    due: HashSet<JobId>,
    /// How often anything was read.
    round: u64,
    watching: usize,
    is_running: bool,
}

struct Job {
    newest: watch::Sender<Reading>,
    watching: usize,
}

/// What one round of reading found.
#[derive(Clone, Default)]
struct Reading {
    round: u64,
    record: Option<Arc<JobRecord>>,
}

impl Watch {
    pub(crate) fn new(store: Arc<dyn JobStore>) -> Self {
        Self(Arc::new(Hub {
            store,
            watched: Mutex::default(),
            is_due: Notify::new(),
        }))
    }

    /// Begins to watch a job that the caller may see; `None` where `most` watch already.
    pub(crate) fn job(&self, id: JobId, most: usize) -> Option<Watching> {
        let mut watched = self.0.watched();
        if watched.watching >= most {
            return None;
        }
        watched.watching += 1;
        let job = watched.jobs.entry(id).or_insert_with(|| Job {
            newest: watch::Sender::new(Reading::default()),
            watching: 0,
        });
        job.watching += 1;
        let newest = job.newest.subscribe();
        watched.due.insert(id);
        let watching = Watching {
            hub: Arc::clone(&self.0),
            id,
            newest,
            since: watched.round,
        };
        if !std::mem::replace(&mut watched.is_running, true) {
            tokio::spawn(read_on(Arc::clone(&self.0)));
        }
        self.0.is_due.notify_one();
        Some(watching)
    }
}

/// The right to be told of one job.
pub(crate) struct Watching {
    hub: Arc<Hub>,
    id: JobId,
    newest: watch::Receiver<Reading>,
    /// Rounds until this one had begun before anybody watched.
    since: u64,
}

impl Watching {
    /// The record as it was read since the last time, changed or not; `None` where the job is not
    /// there any more.
    pub(crate) async fn next(&mut self) -> Option<Arc<JobRecord>> {
        loop {
            // The sender is there as long as this is.
            self.newest.changed().await.ok()?;
            let reading = self.newest.borrow_and_update();
            if reading.round > self.since {
                return reading.record.clone();
            }
        }
    }
}

impl Drop for Watching {
    fn drop(&mut self) {
        let mut watched = self.hub.watched();
        watched.watching -= 1;
        let Some(job) = watched.jobs.get_mut(&self.id) else {
            return;
        };
        job.watching -= 1;
        if job.watching == 0 {
            watched.jobs.remove(&self.id);
        }
    }
}

impl Hub {
    fn watched(&self) -> MutexGuard<'_, Watched> {
        // No code panics while it holds this lock, and the value is whole at every moment.
        self.watched.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The jobs to read now, as a new round; `None` where nobody watches any more.
    fn begin(&self) -> Option<(u64, Vec<JobId>)> {
        let mut watched = self.watched();
        if watched.jobs.is_empty() {
            watched.due.clear();
            watched.is_running = false;
            return None;
        }
        watched.round += 1;
        let due = std::mem::take(&mut watched.due);
        let is_watched = |id: &JobId| watched.jobs.contains_key(id);
        let ids = due.into_iter().filter(is_watched).collect();
        Some((watched.round, ids))
    }

    async fn read(&self, round: u64, ids: Vec<JobId>) {
        if ids.is_empty() {
            return;
        }
        let records = match self.store.records(&ids).await {
            Ok(records) => records,
            Err(error) => {
                tracing::debug!(%error, "watched jobs cannot be read");
                return;
            }
        };
        let mut found: HashMap<_, _> = records
            .into_iter()
            .map(|record| (record.id, Arc::new(record)))
            .collect();
        let watched = self.watched();
        for id in ids {
            if let Some(job) = watched.jobs.get(&id) {
                let record = found.remove(&id);
                job.newest.send_replace(Reading { round, record });
            }
        }
    }

    /// Takes `hint` and what else was heard for what has to be read next.
    fn hear(&self, hint: Result<Hint, RecvError>, hints: &mut Receiver<Hint>) {
        let mut watched = self.watched();
        let mut heard = hint;
        loop {
            match heard {
                Ok(Hint::Changed(id)) if watched.jobs.contains_key(&id) => {
                    watched.due.insert(id);
                }
                Ok(Hint::All) | Err(RecvError::Lagged(_)) => watched.all_are_due(),
                Ok(_) | Err(RecvError::Closed) => {}
            }
            heard = match hints.try_recv() {
                Ok(hint) => Ok(hint),
                Err(TryRecvError::Lagged(missed)) => Err(RecvError::Lagged(missed)),
                Err(TryRecvError::Empty | TryRecvError::Closed) => return,
            };
        }
    }
}

impl Watched {
    fn all_are_due(&mut self) {
        self.due.extend(self.jobs.keys().copied());
    }
}

/// Reads what is watched until nobody watches any more.
async fn read_on(hub: Arc<Hub>) {
    let mut hints = hub.store.hints();
    let mut polls = interval(POLL);
    polls.set_missed_tick_behavior(MissedTickBehavior::Delay);
    while let Some((round, ids)) = hub.begin() {
        hub.read(round, ids).await;
        tokio::select! {
            () = hub.is_due.notified() => {}
            hint = hints.recv() => {
                if matches!(hint, Err(RecvError::Closed)) {
                    polls.tick().await;
                    hub.watched().all_are_due();
                } else {
                    hub.hear(hint, &mut hints);
                }
            }
            _ = polls.tick() => hub.watched().all_are_due(),
        }
    }
}

#[cfg(test)]
mod tests {
    use farcall_core::{
        JsonObject,
        clock::{ManualClock, Timestamp},
        job::{Job, Pipeline, state::JobState},
        principal::Principal,
    };
    use farcall_store::{Reach, SqliteStore};
    use tempfile::TempDir;

    use super::*;
    use crate::{Programs, Queue};

    const HOUR: Duration = Duration::from_hours(1);

    struct Rig {
        store: Arc<dyn JobStore>,
        clock: Arc<ManualClock>,
        watch: Watch,
        queue: Queue,
        _folder: TempDir,
    }

    impl Rig {
        async fn new() -> Self {
            let folder = tempfile::tempdir().unwrap();
            let clock = Arc::new(ManualClock::at(Timestamp(1_000_000)));
            let store = SqliteStore::open(folder.path(), clock.clone()).await;
            let store: Arc<dyn JobStore> = Arc::new(store.unwrap());
            let idle = Pipeline::<JsonObject, JsonObject>::new().stage("idling", |_, x| Ok(x));
            let idle = Job::new("idle", "Idle.", idle).with(|options| options.keep_for = HOUR);
            Self {
                watch: Watch::new(Arc::clone(&store)),
                queue: Queue::new(Arc::clone(&store), Programs::new([idle])),
                store,
                clock,
                _folder: folder,
            }
        }

        async fn queued(&self) -> JobId {
            let caller = Principal::anonymous();
            let started = self.queue.start("idle", JsonObject::new(), &caller);
            started.await.unwrap().id
        }

        async fn cancel(&self, id: JobId) {
            self.store.cancel(id, Reach::All).await.unwrap();
        }
    }

    async fn soon<F: Future>(event: F) -> F::Output {
        let event = tokio::time::timeout(Duration::from_secs(30), event);
        event.await.expect("it did not happen in time")
    }

    fn state(reading: Option<&Arc<JobRecord>>) -> Option<JobState> {
        reading.map(|record| record.state)
    }

    #[tokio::test]
    async fn everybody_who_watches_is_told_of_a_change() {
        let rig = Rig::new().await;
        let (one, other) = (rig.queued().await, rig.queued().await);
        let mut first = rig.watch.job(one, MAX_WAITING).unwrap();
        let mut second = rig.watch.job(one, MAX_WAITING).unwrap();
        let mut elsewhere = rig.watch.job(other, MAX_WAITING).unwrap();
        for watching in [&mut first, &mut second, &mut elsewhere] {
            let reading = watching.next().await;
            assert_eq!(state(reading.as_ref()), Some(JobState::Queued));
        }
        rig.cancel(one).await;
        for watching in [&mut first, &mut second] {
            soon(async {
                while state(watching.next().await.as_ref()) != Some(JobState::Failed) {}
            })
            .await;
        }
        let reading = elsewhere.next().await;
        assert_eq!(state(reading.as_ref()), Some(JobState::Queued));
    }

    #[tokio::test]
    async fn what_nobody_hints_at_is_seen_all_the_same() {
        let rig = Rig::new().await;
        let id = rig.queued().await;
        rig.cancel(id).await;
        let mut watching = rig.watch.job(id, MAX_WAITING).unwrap();
        let reading = watching.next().await;
        assert_eq!(state(reading.as_ref()), Some(JobState::Failed));
        rig.clock.advance(7_200_000);
        soon(async { while watching.next().await.is_some() {} }).await;
    }

    #[tokio::test]
    async fn reading_ends_with_the_last_watcher_and_begins_with_the_next() {
        let rig = Rig::new().await;
        let id = rig.queued().await;
        let mut watching = rig.watch.job(id, MAX_WAITING).unwrap();
        watching.next().await.unwrap();
        drop(watching);
        let hub = Arc::clone(&rig.watch.0);
        while hub.watched().is_running {
            tokio::task::yield_now().await;
        }
        let mut watching = rig.watch.job(id, MAX_WAITING).unwrap();
        watching.next().await.unwrap();
    }

    #[tokio::test]
    async fn what_was_read_before_somebody_watched_is_no_news_to_them() {
        let rig = Rig::new().await;
        let id = rig.queued().await;
        let hub = Arc::clone(&rig.watch.0);
        // Reads only where this test does.
        hub.watched().is_running = true;
        let _first = rig.watch.job(id, MAX_WAITING).unwrap();
        let (round, ids) = hub.begin().unwrap();
        let mut late = rig.watch.job(id, MAX_WAITING).unwrap();
        hub.read(round, ids).await;
        let mut next = std::pin::pin!(late.next());
        assert!(now(&mut next).await.is_none());
        let (round, ids) = hub.begin().unwrap();
        hub.read(round, ids).await;
        assert!(now(&mut next).await.unwrap().is_some());
    }

    /// What `future` is ready with at this moment.
    async fn now<F: Future + Unpin>(future: &mut F) -> Option<F::Output> {
        tokio::select! {
            biased;
            output = future => Some(output),
            () = std::future::ready(()) => None,
        }
    }

    #[tokio::test]
    async fn there_are_only_so_many_watchers() {
        let rig = Rig::new().await;
        let id = rig.queued().await;
        let hub = &rig.watch;
        let watch = |most| std::iter::from_fn(move || hub.job(id, most)).take(most + 1);
        let followed: Vec<_> = watch(MAX_FOLLOWED).collect();
        assert_eq!(followed.len(), MAX_FOLLOWED);
        let mut waiting: Vec<_> = watch(MAX_WAITING).collect();
        assert_eq!(waiting.len(), MAX_WAITING - MAX_FOLLOWED);
        waiting.pop();
        assert!(rig.watch.job(id, MAX_FOLLOWED).is_none());
        assert!(rig.watch.job(id, MAX_WAITING).is_some());
    }
}
