//! Jobs that may be what ends their server.

use std::{sync::Arc, time::Duration};

use farcall_core::{
    JsonObject,
    clock::{ManualClock, Timestamp},
    id::JobId,
    job::{Job, JobContext, Pipeline, state::JobState},
};
use farcall_jobs::{Runner, RunnerOptions};
use tokio::sync::Semaphore;

use crate::{
    leases::stuck,
    rig::{Rig, quick},
};

/// A worker with two places, one of them taken, beside a job that has lost its worker.
struct Busy {
    rig: Rig,
    runner: Runner,
    job: Job,
    /// Lets a job end for each permit.
    gate: Arc<Semaphore>,
    runs: JobId,
    suspect: JobId,
}

/// A job that waits for `gate`, unless it has lost a worker.
fn held(gate: &Arc<Semaphore>) -> Job {
    let gate = Arc::clone(gate);
    let pipeline = Pipeline::new().stage_async("brewing", move |ctx: JobContext, x: JsonObject| {
        let gate = Arc::clone(&gate);
        async move {
            if ctx.losses() == 0 {
                gate.acquire().await.unwrap().forget();
            }
            Ok(x)
        }
    });
    Job::new("brew", "Brew tea.", pipeline)
}

async fn busy(patience: Duration) -> Busy {
    let clock = Arc::new(ManualClock::at(Timestamp(0)));
    let rig = Rig::with_clock(Arc::clone(&clock) as _).await;
    let gate = Arc::new(Semaphore::new(0));
    let job = held(&gate);
    let options = RunnerOptions {
        concurrency: 2,
        patience,
        sweep: Duration::from_hours(1),
        ..quick()
    };
    let lease = options.lease;
    let runner = rig.run(&job, options).await;
    let (one, other) = (rig.start(&job).await, rig.start(&job).await);
    rig.is_running(one).await;
    rig.is_running(other).await;
    let suspect = stuck(&rig, &job, "", Duration::from_hours(1)).await;
    let lost = rig.record_when(suspect, |_| true).await.worker.unwrap();
    rig.store.rescue(&[lost]).await.unwrap();
    // Twice, because what the first beat told is heard for certain when the second one comes.
    for _ in 0..2 {
        clock.advance(u32::try_from(lease.as_millis()).unwrap() + 1);
        rig.has_beaten().await;
    }
    gate.add_permits(1);
    let both = async || {
        [
            rig.record_when(one, |_| true).await,
            rig.record_when(other, |_| true).await,
        ]
    };
    let runs = loop {
        let running = both()
            .await
            .into_iter()
            .filter(|job| job.state == JobState::Running);
        let running: Vec<_> = running.collect();
        if let [last] = &running[..] {
            break last.id;
        }
    };
    Busy {
        rig,
        runner,
        job,
        gate,
        runs,
        suspect,
    }
}

/// P7, P20.
#[tokio::test]
async fn a_server_that_is_never_idle_makes_room_for_a_job_that_has_to_run_alone() {
    let busy = busy(Duration::ZERO).await;
    let Busy { rig, job, gate, .. } = &busy;
    let next = rig.start(job).await;
    for _ in 0..50 {
        let waits = rig.record_when(next, |_| true).await;
        assert_eq!(waits.state, JobState::Queued, "it runs beside another");
    }
    gate.add_permits(2);
    rig.ended(busy.runs).await;
    let alone = rig.ended(busy.suspect).await;
    assert_eq!((alone.state, alone.losses), (JobState::Succeeded, 1));
    assert_eq!(rig.ended(next).await.state, JobState::Succeeded);
    busy.rig.stop(busy.runner).await;
}

/// P7.
#[tokio::test]
async fn until_then_others_run_and_it_waits() {
    let busy = busy(Duration::from_hours(1)).await;
    let Busy { rig, job, gate, .. } = &busy;
    let next = rig.start(job).await;
    rig.is_running(next).await;
    let waits = rig.record_when(busy.suspect, |_| true).await;
    assert_eq!(waits.state, JobState::Queued);
    gate.add_permits(2);
    for id in [busy.runs, next, busy.suspect] {
        assert_eq!(rig.ended(id).await.state, JobState::Succeeded);
    }
    busy.rig.stop(busy.runner).await;
}
