//! Workers that are lost while others live.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
    time::Duration,
};

use farcall_core::{
    JsonObject,
    clock::{ManualClock, Timestamp},
    id::JobId,
    job::{Job, JobContext, Pipeline, StopReason, state::JobState},
};
use farcall_jobs::RunnerOptions;
use farcall_store::{JobRecord, NewWorker, Wanted, WantedJob, Which, WorkerId};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use crate::rig::{Rig, quick};

/// The job `name`, which is done at once.
fn at_once(name: &str) -> Job {
    let pipeline = Pipeline::new().stage("brewing", |_: &JobContext, x: JsonObject| Ok(x));
    Job::new(name, "Brew tea.", pipeline)
}

/// Starts `job`, and lets a worker that does nothing with it claim it.
pub(crate) async fn stuck(rig: &Rig, job: &Job, identity: &str, lease: Duration) -> JobId {
    let (worker, fingerprint) = (WorkerId::from_random([9; 16]), job.program.fingerprint());
    let programs = BTreeMap::from([(job.name.clone(), fingerprint)]);
    let known = NewWorker {
        id: worker,
        host: String::new(),
        identity: identity.to_owned(),
        programs,
        slots: BTreeMap::new(),
    };
    rig.store.register(known, lease).await.unwrap();
    let id = rig.start(job).await;
    assert_eq!(claimed(rig, job, worker).await, id);
    id
}

/// What `worker` gets when it claims one `job`.
async fn claimed(rig: &Rig, job: &Job, worker: WorkerId) -> JobId {
    let program = WantedJob {
        name: job.name.clone(),
        fingerprint: job.program.fingerprint(),
        concurrency: None,
    };
    let wanted = Wanted {
        worker,
        programs: &[program],
        which: Which::Others,
        limit: 1,
        adopt_after: Duration::ZERO,
    };
    rig.store.claim(wanted).await.unwrap()[0].fence.id
}

/// P6.
#[tokio::test]
async fn a_job_whose_worker_went_silent_is_taken_up_while_the_server_runs() {
    let clock = Arc::new(ManualClock::at(Timestamp(0)));
    let rig = Rig::with_clock(Arc::clone(&clock) as _).await;
    let job = at_once("brew");
    let id = stuck(&rig, &job, "", Duration::from_secs(10)).await;
    let runner = rig.run(&job, quick()).await;
    let state = rig.record_when(id, |_| true).await.state;
    assert_eq!(state, JobState::Running, "its lease holds");
    clock.advance(10_001);
    let end = rig.ended(id).await;
    assert_eq!((end.state, end.losses), (JobState::Succeeded, 1));
    rig.stop(runner).await;
}

/// P6: nobody waits for the lease of a process that is seen to be dead.
#[tokio::test]
async fn a_job_of_a_dead_process_is_taken_up_at_the_start() {
    let rig = Rig::new().await;
    // It leaves jobs alone that it does not know itself.
    let shared = RunnerOptions {
        vanished: Duration::from_hours(1),
        is_shared: true,
        ..quick()
    };
    let other = rig.run(&at_once("other"), shared).await;
    let workers = rig.store.workers().await.unwrap();
    let (place, _) = workers[0].worker.identity.rsplit_once('/').unwrap();
    // The same process id, given again at another moment.
    let dead = format!("{place}/1");
    let job = at_once("brew");
    let id = stuck(&rig, &job, &dead, Duration::from_hours(1)).await;
    let runner = rig.run(&job, quick()).await;
    let end = rig.ended(id).await;
    assert_eq!((end.state, end.losses), (JobState::Succeeded, 1));
    other.stop(Duration::ZERO, &CancellationToken::new()).await;
    rig.stop(runner).await;
}

/// P6: the connection to a database can break after the claim and before its answer.
#[tokio::test]
async fn a_claim_whose_answer_was_lost_is_handed_back_and_counts_nothing() {
    let gate = Arc::new(Notify::new());
    let held = Arc::clone(&gate);
    let pipeline = Pipeline::new().stage_async("brewing", move |_: JobContext, x: JsonObject| {
        let held = Arc::clone(&held);
        async move {
            held.notified().await;
            Ok(x)
        }
    });
    let job = Job::new("brew", "Brew tea.", pipeline);
    let rig = Rig::new().await;
    let options = RunnerOptions {
        concurrency: 1,
        ..quick()
    };
    let runner = rig.run(&job, options).await;
    let first = rig.start(&job).await;
    let worker = rig.is_running(first).await.worker.unwrap();
    let second = rig.start(&job).await;
    assert_eq!(claimed(&rig, &job, worker).await, second);
    let waits = |record: &JobRecord| record.state == JobState::Queued;
    rig.record_when(second, waits).await;
    assert_eq!(rig.is_running(first).await.state, JobState::Running);
    for id in [first, second] {
        rig.is_running(id).await;
        gate.notify_one();
        let end = rig.ended(id).await;
        assert_eq!(
            (end.state, end.attempt, end.losses),
            (JobState::Succeeded, 1, 0)
        );
    }
    rig.stop(runner).await;
}

/// P5, P6.
#[tokio::test]
async fn a_worker_that_was_declared_lost_stops_its_work_and_begins_anew() {
    let reasons = Arc::new(Mutex::new(Vec::new()));
    let told = Arc::clone(&reasons);
    let pipeline = Pipeline::new().stage("brewing", move |ctx: &JobContext, x: JsonObject| {
        if ctx.losses() == 0 {
            tokio::runtime::Handle::current().block_on(ctx.cancellation().cancelled());
            told.lock().unwrap().push(ctx.stop_reason());
        }
        Ok(x)
    });
    let job = Job::new("brew", "Brew tea.", pipeline);
    let rig = Rig::new().await;
    let runner = rig.run(&job, quick()).await;
    let id = rig.start(&job).await;
    let worker = rig.is_running(id).await.worker.unwrap();
    rig.store.rescue(&[worker]).await.unwrap();
    let end = rig.ended(id).await;
    assert_eq!(end.state, JobState::Succeeded);
    assert_eq!((end.attempt, end.losses), (2, 1));
    assert_eq!(*reasons.lock().unwrap(), [Some(StopReason::Lost)]);
    let live: Vec<_> = rig.store.workers().await.unwrap();
    let live: Vec<_> = live.iter().filter(|worker| worker.is_live).collect();
    assert!(live.len() == 1 && live[0].worker.id != worker, "{live:?}");
    rig.stop(runner).await;
}
