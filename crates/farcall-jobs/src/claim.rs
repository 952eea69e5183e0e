//! Gives queued jobs to this worker, a few at a time.

use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use farcall_core::{crash_point, problem::Problem};
use farcall_store::{Claim, Fence, Hint, Wanted, Which, WorkerId};
use tokio::{
    sync::{
        broadcast::{Receiver, error::RecvError},
        watch,
    },
    task::{Id, JoinError, JoinSet},
    time::Instant,
};

use crate::{
    Programs, execute, finish,
    runner::Services,
    slots::{self, Slots},
};

/// Claims and runs jobs until it is told to stop, then waits for the ones that run.
pub(crate) async fn dispatch(mut services: Services) {
    let mut hints = services.store.hints();
    let mut beats = services.worker.beats();
    let mut offered = services.offered.clone();
    let mut running = Running::default();
    let mut is_known = true;
    loop {
        let is_stopping = services.soft_stop.is_cancelled();
        if is_stopping && running.tasks.is_empty() {
            return;
        }
        let now = offered.borrow_and_update().clone();
        if !now.is_same(&services.programs) {
            services.programs = now;
            services.programs.begin_counting(services.metrics());
            is_known = false;
        }
        if !is_known {
            is_known = services.worker.learn().await;
        }
        take_what_there_is(&services, &mut running).await;
        tokio::select! {
            Some(ended) = running.tasks.join_next_with_id() => running.note(&services, ended),
            claimed = beats.next() => running.disown(&services, claimed).await,
            () = news(&mut hints), if !is_stopping => {}
            () = others(&mut offered), if !is_stopping => {}
            () = tokio::time::sleep(services.options.poll) => {}
            () = services.soft_stop.cancelled(), if !is_stopping => {}
        }
    }
}

/// What this worker is doing.
#[derive(Default)]
struct Running {
    tasks: JoinSet<()>,
    attempts: HashMap<Id, Attempt>,
    /// What the last beat named as claimed by this worker, which knows nothing of it.
    unknown: Vec<Fence>,
    /// When it last looked for a job that has to run alone.
    looked_for_suspects: Option<Instant>,
}

/// A job that runs here.
struct Attempt {
    claim: Claim,
    /// What its program holds, also where another one has its name by now.
    holds: Slots,
    /// Whether its record is over and its code is not; nobody knows when that will be.
    overrun: Arc<AtomicBool>,
}

impl Attempt {
    fn is_overrun(&self) -> bool {
        self.overrun.load(Ordering::Relaxed)
    }
}

impl Running {
    fn run(&mut self, services: &Services, claim: Claim, by: WorkerId) {
        crash_point!("claim.handed");
        let overrun = Arc::<AtomicBool>::default();
        let task = execute::run(services.clone(), claim.clone(), by, Arc::clone(&overrun));
        let id = self.tasks.spawn(task).id();
        let attempt = Attempt {
            holds: services.programs.needs(&claim.job).clone(),
            claim,
            overrun,
        };
        self.attempts.insert(id, attempt);
        services.metrics().worker().set_running(self.tasks.len());
    }

    /// A job whose task of ours panicked has nobody who would end it.
    fn note(&mut self, services: &Services, ended: Result<(Id, ()), JoinError>) {
        match ended {
            Ok((id, ())) => {
                self.attempts.remove(&id);
            }
            Err(error) => {
                tracing::error!(%error, "the runner of a job ended badly");
                if let Some(attempt) = self.attempts.remove(&error.id()) {
                    self.end(services.clone(), attempt);
                }
            }
        }
        services.metrics().worker().set_running(self.tasks.len());
    }

    /// Ends a job in the place of its runner.
    fn end(&mut self, services: Services, attempt: Attempt) {
        let claim = attempt.claim.clone();
        let end = async move {
            let problem = Problem::internal("the runner of this job ended badly");
            let came_to = finish::fail(&services, &claim, &problem).await;
            services.count(&claim, came_to);
        };
        let id = self.tasks.spawn(end).id();
        self.attempts.insert(id, attempt);
    }

    /// Hands back what the store says that this worker has `claimed` and what it does not know,
    /// because an answer was lost on its way. Twice in a row, because what has just ended is still
    /// named by a beat that was on its way meanwhile.
    async fn disown(&mut self, services: &Services, mut claimed: Vec<Fence>) {
        claimed.retain(|fence| {
            let mut attempts = self.attempts.values();
            !attempts.any(|attempt| attempt.claim.fence == *fence)
        });
        for fence in &claimed {
            if self.unknown.contains(fence) {
                tracing::warn!(job = %fence.id, "the answer to the claim of the job was lost");
                finish::hand_back_for_now(services, *fence).await;
            }
        }
        self.unknown = claimed;
    }

    /// What is left of what this worker supplies. Code that did not stop has what it had.
    fn leaves(&self, services: &Services) -> Slots {
        let taken = self.attempts.values().map(|attempt| &attempt.holds);
        slots::left(&services.options.slots, taken)
    }

    /// Whether nothing may run beside what runs. Nobody waits for code whose record is over.
    fn is_alone(&self) -> bool {
        let mut attempts = self.attempts.values();
        attempts.any(|attempt| attempt.claim.alone && !attempt.is_overrun())
    }

    /// Whether it should take no other job until it has none: one that has to run alone has waited
    /// long enough for that to happen by chance. Where code runs on that did not stop in time, it
    /// would wait in vain, and so would everybody else.
    fn makes_room(&self, services: &Services) -> bool {
        let patience = services.options.patience;
        // One that it just looked for and could not take is not waited for again at once.
        let looked = self.looked_for_suspects;
        services.worker.should_make_room(patience)
            && looked.is_none_or(|looked| looked.elapsed() >= patience)
            && !self.attempts.values().any(Attempt::is_overrun)
    }
}

async fn take_what_there_is(services: &Services, running: &mut Running) {
    // What is left is for the ones that run.
    if services.artifacts.space().shortage().await.is_some() {
        return;
    }
    while running.tasks.len() < services.options.concurrency.max(1)
        && !running.is_alone()
        && !services.soft_stop.is_cancelled()
    {
        let Some(worker) = services.worker.id() else {
            return;
        };
        // A suspect may take the whole process with it, so nothing else is here then.
        let mut claim = None;
        if running.tasks.is_empty() {
            claim = claim_one(services, running, worker, Which::Suspect).await;
            running.looked_for_suspects = Some(Instant::now());
        } else if running.makes_room(services) {
            return;
        }
        if claim.is_none() {
            claim = claim_one(services, running, worker, Which::Others).await;
        }
        let Some(claim) = claim else { return };
        run_unless_stopping(services, running, claim, worker).await;
    }
}

/// Where the stop came while the store was asked, what was claimed may be what another task of this
/// worker has just handed back because of it: begun here, its stage would only be cut off once more.
async fn run_unless_stopping(
    services: &Services,
    running: &mut Running,
    claim: Claim,
    by: WorkerId,
) {
    if services.soft_stop.is_cancelled() {
        finish::hand_back(services, claim.fence).await;
    } else {
        running.run(services, claim, by);
    }
}

async fn claim_one(
    services: &Services,
    running: &Running,
    worker: WorkerId,
    which: Which,
) -> Option<Claim> {
    let left = running.leaves(services);
    let options = &services.options;
    let wanted = Wanted {
        worker,
        programs: &services.programs.fitting(&left),
        which,
        limit: 1,
        adopt_after: if options.is_shared {
            options.adopt
        } else {
            Duration::ZERO
        },
    };
    match services.store.claim(wanted).await {
        Ok(mut claims) => claims.pop(),
        Err(error) => {
            tracing::error!(%error, "no job can be claimed");
            None
        }
    }
}

/// Returns when other programs are offered.
async fn others(offered: &mut watch::Receiver<Programs>) {
    if offered.changed().await.is_err() {
        // There will be none.
        std::future::pending::<()>().await;
    }
}

/// Returns when there may be a job to claim.
async fn news(hints: &mut Receiver<Hint>) {
    loop {
        match hints.recv().await {
            Ok(Hint::Queued | Hint::All) | Err(RecvError::Lagged(_)) => return,
            Ok(_) => {}
            // There is still the poll.
            Err(RecvError::Closed) => std::future::pending().await,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use farcall_artifacts::Artifacts;
    use farcall_core::{
        JsonObject,
        clock::SystemClock,
        job::{Job, Pipeline, state::JobState},
        principal::Principal,
        problem::ErrorCode,
    };
    use farcall_store::{JobRecord, JobStore, Reach, SqliteStore};
    use tempfile::TempDir;
    use tokio_util::sync::CancellationToken;

    use super::*;
    use crate::{Queue, RunnerOptions, worker::Worker};

    /// A worker that has claimed the only job there is.
    struct Fixture {
        services: Services,
        claim: Claim,
        running: Running,
        _folder: TempDir,
    }

    impl Fixture {
        async fn new() -> Self {
            let folder = tempfile::tempdir().unwrap();
            let clock = Arc::new(SystemClock);
            let store: Arc<dyn JobStore> =
                Arc::new(SqliteStore::open(folder.path(), clock).await.unwrap());
            let pipeline = Pipeline::<JsonObject, JsonObject>::new().stage("idling", |_, x| Ok(x));
            let programs = Programs::new([Job::new("idle", "Idle.", pipeline)]);
            let options = RunnerOptions::default();
            let offered = programs.clone().for_good();
            let worker = Worker::register(Arc::clone(&store), offered.clone(), &options).await;
            let services = Services {
                store: Arc::clone(&store),
                artifacts: Artifacts::open(folder.path()).unwrap(),
                programs: programs.clone(),
                offered,
                options: Arc::new(options),
                worker: Arc::new(worker.unwrap()),
                soft_stop: CancellationToken::new(),
                hard_stop: CancellationToken::new(),
            };
            let queue = Queue::new(store, programs);
            let caller = Principal::anonymous();
            let started = queue.start("idle", JsonObject::new(), &caller).await;
            let running = Running::default();
            let by = services.worker.id().unwrap();
            let claim = claim_one(&services, &running, by, Which::Others).await;
            let claim = claim.unwrap();
            assert_eq!(claim.fence.id, started.unwrap().id);
            Self {
                services,
                claim,
                running,
                _folder: folder,
            }
        }

        async fn record(&self) -> JobRecord {
            let store = &self.services.store;
            let record = store.record(self.claim.fence.id, Reach::All).await;
            record.unwrap().unwrap()
        }
    }

    /// P6: whatever becomes of the task that runs a job, the job does not stay `running`.
    #[tokio::test]
    async fn a_job_whose_task_panicked_has_failed() {
        let mut fixture = Fixture::new().await;
        let running = &mut fixture.running;
        let task = running.tasks.spawn(async { panic!("our own fault") });
        let attempt = Attempt {
            claim: fixture.claim.clone(),
            holds: Slots::new(),
            overrun: Arc::default(),
        };
        running.attempts.insert(task.id(), attempt);
        let metrics = fixture.services.metrics().clone();
        let tells = |line: &str| {
            let text = metrics.text("1", farcall_metrics::Seen::default());
            assert!(text.lines().any(|told| told == line), "{line}\n{text}");
        };
        let ended = running.tasks.join_next_with_id().await.unwrap();
        running.note(&fixture.services, ended);
        // Until its record is written it has its place here.
        tells("farcall_worker_running 1");
        while let Some(ended) = running.tasks.join_next_with_id().await {
            running.note(&fixture.services, ended);
        }
        tells("farcall_worker_running 0");
        tells(r#"farcall_job_attempts_total{kind="idle",outcome="failed"} 1"#);
        let error = fixture.record().await.error.expect("it has failed");
        assert_eq!(error.code, ErrorCode::Internal);
    }

    #[tokio::test]
    async fn what_is_claimed_while_the_stop_comes_is_handed_back_and_not_begun() {
        let mut fixture = Fixture::new().await;
        let (services, claim) = (&fixture.services, fixture.claim.clone());
        services.soft_stop.cancel();
        let by = services.worker.id().unwrap();
        run_unless_stopping(services, &mut fixture.running, claim, by).await;
        assert!(fixture.running.tasks.is_empty());
        let record = fixture.record().await;
        assert_eq!((record.state, record.attempt), (JobState::Queued, 0));
    }
}
