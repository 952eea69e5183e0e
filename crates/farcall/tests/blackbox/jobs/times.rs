//! How soon what has a limit is ended, on a server that is set up as most are.

use std::{
    path::Path,
    sync::{
        Arc,
        mpsc::{Receiver, channel},
    },
    time::{Duration, Instant},
};

use farcall::{Job, JobContext, Pipeline, RunnerOptions, StopReason, Value, json};
use farcall_core::{clock::SystemClock, id::JobId};
use farcall_store::{JobStore, Reach, SqliteStore};
use tokio_util::sync::CancellationToken;

use crate::{
    harness::{Client, Engine, Server, on_each_engine, pace, soon},
    offers::{ended, started, status_when, tools},
};

const LIMIT: Duration = Duration::from_secs(1);

/// How long code may take to stop, how often waiting jobs are looked at, how often a worker says
/// that it is there: as the promises say it, not as the program does.
const GRACE: Duration = Duration::from_secs(10);
const SWEEP: Duration = Duration::from_secs(5);
const BEAT: Duration = Duration::from_secs(2);

/// What a busy machine needs for a call and a commit.
const SLACK: Duration = Duration::from_secs(5);

fn brew(pipeline: Pipeline<Value, Value>) -> Job {
    let mut job = Job::new("brew", "Brew tea.", pipeline);
    job.input_schema = farcall_core::schema::empty_object();
    job
}

/// A job that looks; what it was told, and when, comes through the channel.
fn attentive() -> (Job, Receiver<(Option<StopReason>, Instant)>) {
    let (told, heard) = channel();
    let pipeline = Pipeline::new().stage("brewing", move |ctx: &JobContext, _: Value| {
        tokio::runtime::Handle::current().block_on(ctx.cancellation().cancelled());
        told.send((ctx.stop_reason(), Instant::now())).unwrap();
        ctx.check()?;
        Ok(Value::Null)
    });
    (brew(pipeline), heard)
}

/// A job that waits for `gate` without a look at anything else.
fn deaf(gate: &CancellationToken) -> Job {
    let gate = gate.clone();
    brew(
        Pipeline::new().stage("brewing", move |_: &JobContext, _: Value| {
            tokio::runtime::Handle::current().block_on(gate.cancelled());
            Ok(Value::Null)
        }),
    )
}

/// A server with the options that it has by itself.
async fn server(engine: Engine, job: Job) -> Server {
    engine.setup(tools().add_job(job)).start().await
}

/// A job that runs, and a moment at which it had not begun.
async fn running(client: &Client) -> (String, Instant) {
    let before = Instant::now();
    let id = started(client, "brew", json!({})).await;
    status_when(client, "brew", &id, |status| status["stage"] == 1).await;
    (id, before)
}

fn assert_between(elapsed: Duration, least: Duration, most: Duration) {
    assert!(elapsed >= least, "after {elapsed:?}, less than {least:?}");
    let most = most + SLACK;
    assert!(elapsed <= most, "after {elapsed:?}, more than {most:?}");
}

on_each_engine! {
    /// P11.
    async fn a_job_that_looks_ends_at_its_limit(engine: Engine) {
        let (job, heard) = attentive();
        let job = job.with(|options| options.timeout = Some(LIMIT));
        let server = server(engine, job).await;
        let (id, before) = running(&server).await;
        let status = ended(&server, "brew", &id).await;
        assert_eq!(status["error_code"], "timeout", "{status}");
        assert_between(before.elapsed(), LIMIT, LIMIT);
        let (reason, _) = heard.recv().unwrap();
        assert_eq!(reason, Some(StopReason::TimedOut));
    }

    /// P11.
    async fn a_job_that_does_not_look_has_ended_ten_seconds_after_its_limit(engine: Engine) {
        let gate = CancellationToken::new();
        let job = deaf(&gate).with(|options| options.timeout = Some(LIMIT));
        let setup = engine.setup(tools().add_job(job));
        let server = setup.with("FARCALL_METRICS", "127.0.0.1:0").start().await;
        let (id, before) = running(&server).await;
        let status = ended(&server, "brew", &id).await;
        let elapsed = before.elapsed();
        // It counts while its code still runs, which nobody knows the end of.
        let line = r#"farcall_job_attempts_total{kind="brew",outcome="timeout"} 1"#;
        let metrics = server.at_its_metrics();
        soon(async {
            while !metrics.get("/metrics").await.text().lines().any(|told| told == line) {
                pace().await;
            }
        })
        .await;
        gate.cancel();
        assert_eq!(status["error_code"], "timeout", "{status}");
        assert_between(elapsed, LIMIT + GRACE, LIMIT + GRACE);
    }

    /// P11.
    async fn a_job_that_nobody_begins_ends_within_five_seconds_of_its_limit(engine: Engine) {
        let gate = CancellationToken::new();
        let job = deaf(&gate).with(|options| options.queue_timeout = Some(LIMIT));
        let options = RunnerOptions { concurrency: 1, ..RunnerOptions::default() };
        let app = tools().add_job(job).runner(options);
        let server = engine.setup(app).start().await;
        running(&server).await;
        let before = Instant::now();
        let waits = started(&server, "brew", json!({})).await;
        let status = ended(&server, "brew", &waits).await;
        let elapsed = before.elapsed();
        gate.cancel();
        assert_eq!(status["error_code"], "queue_timeout", "{status}");
        assert_between(elapsed, LIMIT, LIMIT + SWEEP);
    }

    /// P10: told by whoever takes the cancel.
    async fn a_cancel_reaches_the_work_at_once(engine: Engine) {
        let (job, heard) = attentive();
        let server = server(engine, job).await;
        let mut soonest = Duration::MAX;
        for _ in 0..3 {
            let (id, _) = running(&server).await;
            let before = Instant::now();
            server.call("cancel_brew", json!({"job_id": id})).await.structured();
            let status = ended(&server, "brew", &id).await;
            assert_eq!(status["error_code"], "cancelled", "{status}");
            let (reason, told_at) = heard.recv().unwrap();
            assert_eq!(reason, Some(StopReason::Cancelled));
            soonest = soonest.min(told_at - before);
        }
        // Sooner than a beat would have brought it.
        assert!(soonest < BEAT / 20, "{soonest:?}");
    }
}

/// P10: another process takes it, and tells nobody.
#[tokio::test]
async fn a_cancel_that_nobody_hears_of_reaches_the_work_within_a_beat() {
    let (job, heard) = attentive();
    let server = server(Engine::Sqlite, job).await;
    let mut soonest = Duration::MAX;
    for _ in 0..3 {
        let (id, _) = running(&server).await;
        let folder = Path::new(server.secret_path());
        let beside = SqliteStore::attach(folder, Arc::new(SystemClock)).await;
        let beside = beside.unwrap();
        let job = JobId::parse(&id).unwrap();
        let before = Instant::now();
        beside.cancel(job, Reach::All).await.unwrap();
        beside.close().await;
        let status = ended(&server, "brew", &id).await;
        assert_eq!(status["error_code"], "cancelled", "{status}");
        let (_, told_at) = heard.recv().unwrap();
        soonest = soonest.min(told_at - before);
    }
    assert!(soonest <= BEAT, "{soonest:?}");
}
