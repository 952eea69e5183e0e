//! Jobs that run too long, or wait too long.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use farcall_core::{
    JsonObject,
    clock::{ManualClock, Timestamp},
    job::{Job, JobContext, Pipeline, StopReason, state::JobState},
    problem::ErrorCode,
};
use farcall_jobs::RunnerOptions;

use crate::rig::{Rig, quick};

const HOUR_MS: i64 = 3_600_000;

/// P11: the time limit is for each attempt, and no error that is tried again.
#[tokio::test]
async fn an_attempt_that_runs_too_long_is_stopped_and_not_tried_again() {
    let reasons = Arc::new(Mutex::new(Vec::new()));
    let told = Arc::clone(&reasons);
    let pipeline = Pipeline::new().stage("brewing", move |ctx: &JobContext, x: JsonObject| {
        tokio::runtime::Handle::current().block_on(ctx.cancellation().cancelled());
        told.lock().unwrap().push(ctx.stop_reason());
        ctx.check()?;
        Ok(x)
    });
    let job = Job::new("brew", "Brew tea.", pipeline).with(|options| {
        options.timeout = Some(Duration::from_secs(1));
        options.retries = 3;
    });
    let rig = Rig::new().await;
    let runner = rig.run(&job, quick()).await;
    let end = rig.ended(rig.start(&job).await).await;
    let error = end.error.unwrap();
    assert_eq!(error.code, ErrorCode::Timeout);
    assert_eq!(
        error.message,
        "the job ran longer than its limit of 1 s and was stopped"
    );
    assert_eq!(*reasons.lock().unwrap(), [Some(StopReason::TimedOut)]);
    rig.stop(runner).await;
}

/// P11.
#[tokio::test]
async fn a_job_that_nobody_began_in_time_has_failed_and_one_that_runs_goes_on() {
    let gate = Arc::new(tokio::sync::Notify::new());
    let held = Arc::clone(&gate);
    let pipeline = Pipeline::new().stage_async("brewing", move |_: JobContext, x: JsonObject| {
        let held = Arc::clone(&held);
        async move {
            held.notified().await;
            Ok(x)
        }
    });
    let job = Job::new("brew", "Brew tea.", pipeline)
        .with(|options| options.queue_timeout = Some(Duration::from_hours(1)));
    let clock = Arc::new(ManualClock::at(Timestamp(HOUR_MS)));
    let rig = Rig::with_clock(Arc::clone(&clock) as _).await;
    let options = RunnerOptions {
        concurrency: 1,
        ..quick()
    };
    let runner = rig.run(&job, options).await;
    let first = rig.start(&job).await;
    rig.is_running(first).await;
    let second = rig.start(&job).await;
    clock.jump(HOUR_MS);
    let end = rig.ended(second).await;
    let error = end.error.unwrap();
    assert_eq!(error.code, ErrorCode::QueueTimeout);
    assert!(error.message.contains("within 3600 s"), "{}", error.message);
    gate.notify_one();
    assert_eq!(rig.ended(first).await.state, JobState::Succeeded);
    rig.stop(runner).await;
}
