//! What jobs need of the machine, and never have twice.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicI64, Ordering},
        mpsc,
    },
    time::Duration,
};

use farcall::{Job, JobContext, Pipeline, RunnerOptions, Value, json};
use farcall_cli::Ready;
use farcall_config::{Config, Source};

use crate::{
    harness::Setup,
    offers::{count, ended, result, started, status_when, tools},
};

/// How many jobs want the same thing.
const JOBS: usize = 24;

/// How long they have it, in turns of the system.
const TURNS: u32 = 5_000;

/// Many places, and next to no time to stop.
fn many_places() -> RunnerOptions {
    RunnerOptions {
        concurrency: 8,
        poll: Duration::from_millis(20),
        grace: Duration::from_millis(50),
        ..RunnerOptions::default()
    }
}

/// The job `name`, which needs so many of `gpu`, and does `work`.
fn needing(name: &str, gpus: u32, work: impl Fn() -> Value + Send + Sync + 'static) -> Job {
    let pipeline = Pipeline::new().stage("using it", move |_: &JobContext, _: Value| Ok(work()));
    let mut job = Job::new(name, "Use a card.", pipeline).with(|options| {
        options.slots.insert("gpu".to_owned(), gpus);
    });
    job.input_schema = farcall_core::schema::empty_object();
    job
}

/// A job that takes so many of what there is, and returns the least that is left while it runs.
fn taking(name: &str, gpus: u32, left: &Arc<AtomicI64>) -> Job {
    let left = Arc::clone(left);
    needing(name, gpus, move || {
        let taken = i64::from(gpus);
        let mut least = left.fetch_sub(taken, Ordering::SeqCst) - taken;
        for _ in 0..TURNS {
            std::thread::yield_now();
            least = least.min(left.load(Ordering::SeqCst));
        }
        left.fetch_add(taken, Ordering::SeqCst);
        json!(least)
    })
}

/// P12.
#[tokio::test]
async fn what_one_job_has_no_other_one_gets() {
    let left = Arc::new(AtomicI64::new(2));
    let app = tools()
        .add_job(taking("draw", 1, &left))
        .add_job(taking("render", 2, &left))
        .runner(many_places());
    let server = Setup::new(app)
        .with("FARCALL_SLOTS", "gpu=2,ram_gb=64")
        .start()
        .await;
    let mut jobs = Vec::new();
    for _ in 0..JOBS / 2 {
        for kind in ["draw", "render"] {
            jobs.push((kind, started(&server, kind, json!({})).await));
        }
    }
    for (kind, id) in &jobs {
        assert_eq!(ended(&server, kind, id).await["state"], "succeeded");
        let seen = result(&server, kind, id).await.structured()["result"].clone();
        assert!(seen.as_i64().unwrap() >= 0, "{kind} had what was taken");
    }
}

/// P12: code that ignores its end has what it has.
#[tokio::test]
async fn a_job_that_needs_nothing_runs_beside_and_one_that_does_waits_for_the_thread() {
    let (let_go, held) = mpsc::channel::<()>();
    let held = Mutex::new(held);
    let stubborn = needing("hold", 1, move || {
        held.lock().unwrap().recv().unwrap();
        Value::Null
    });
    let app = tools()
        .add_job(stubborn)
        .add_job(needing("draw", 1, || Value::Null))
        .add_job(count())
        .runner(many_places());
    let server = Setup::new(app).with("FARCALL_SLOTS", "gpu=1").start().await;
    let first = started(&server, "hold", json!({})).await;
    status_when(&server, "hold", &first, |status| status["stage"] == 1).await;
    let cancel = json!({"job_id": first});
    server.call("cancel_hold", cancel).await.structured();
    assert_eq!(ended(&server, "hold", &first).await["state"], "failed");
    let next = started(&server, "draw", json!({})).await;
    let beside = started(&server, "count", json!({"text": "x"})).await;
    assert_eq!(ended(&server, "count", &beside).await["state"], "succeeded");
    let waits = status_when(&server, "draw", &next, |_| true).await;
    assert_eq!(waits["state"], "queued", "{waits}");
    let_go.send(()).unwrap();
    assert_eq!(ended(&server, "draw", &next).await["state"], "succeeded");
}

#[tokio::test]
async fn a_server_that_could_never_run_a_job_does_not_start() {
    let folder = tempfile::tempdir().unwrap();
    let data_dir = folder.path().join("data");
    for supply in ["", "gpu=1", "tpu=2"] {
        let app = tools().add_job(needing("render", 2, || Value::Null));
        let environment = [
            ("MCP_PORT", "0"),
            ("FARCALL_DATA_DIR", data_dir.to_str().unwrap()),
            ("FARCALL_SLOTS", supply),
        ];
        let config = Config::read(&Source::from_pairs(environment)).unwrap();
        let Err(failure) = Ready::prepare(app, &config).await else {
            panic!("it starts with `{supply}`");
        };
        let failure = failure.to_string();
        assert!(failure.contains("can never run `render`"), "{failure}");
    }
    assert!(!data_dir.exists(), "it touched the data");
}
