//! Limits in time, as the caller of a job learns of them.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use farcall::{Job, JobContext, Pipeline, RunnerOptions, Value, json};
use tokio_util::sync::CancellationToken;

use crate::{
    harness::Setup,
    offers::{ended, result, started, status_when, tools},
};

/// One place, and a short way to every decision.
fn one_place() -> RunnerOptions {
    RunnerOptions {
        concurrency: 1,
        poll: Duration::from_millis(20),
        grace: Duration::from_millis(50),
        sweep: Duration::from_millis(20),
        ..RunnerOptions::default()
    }
}

/// The job `brew`, which waits for `gate`; `begun` counts how often it has begun.
fn brew(gate: &CancellationToken, begun: &Arc<AtomicUsize>) -> Job {
    let (gate, begun) = (gate.clone(), Arc::clone(begun));
    let pipeline = Pipeline::new().stage_async("brewing", move |_: JobContext, _: Value| {
        begun.fetch_add(1, Ordering::SeqCst);
        let gate = gate.clone();
        async move {
            gate.cancelled().await;
            Ok(Value::Null)
        }
    });
    let mut job = Job::new("brew", "Brew tea.", pipeline);
    job.input_schema = farcall_core::schema::empty_object();
    job
}

/// P11.
#[tokio::test]
async fn a_job_that_ran_too_long_has_failed_and_says_so() {
    let (never, begun) = (CancellationToken::new(), Arc::default());
    let job = brew(&never, &begun).with(|options| {
        options.timeout = Some(Duration::from_millis(100));
        options.retries = 3;
    });
    let app = tools().add_job(job).runner(one_place());
    let server = Setup::new(app).start().await;
    let id = started(&server, "brew", json!({})).await;
    let status = ended(&server, "brew", &id).await;
    assert_eq!(status["state"], "failed", "{status}");
    assert_eq!(status["error_code"], "timeout", "{status}");
    let sentence = "the job ran longer than its limit of 0.1 s and was stopped";
    assert_eq!(status["error"], sentence);
    let result = result(&server, "brew", &id).await.structured();
    assert_eq!(result["error"], sentence, "{result}");
    // Not at all, where its thread was ready too late.
    assert!(begun.load(Ordering::SeqCst) <= 1, "it is not tried again");
}

/// P11.
#[tokio::test]
async fn a_job_that_waited_too_long_has_failed_and_is_never_begun() {
    let (gate, begun) = (CancellationToken::new(), Arc::default());
    let job =
        brew(&gate, &begun).with(|options| options.queue_timeout = Some(Duration::from_secs(1)));
    let app = tools().add_job(job).runner(one_place());
    let server = Setup::new(app).start().await;
    let first = started(&server, "brew", json!({})).await;
    status_when(&server, "brew", &first, |status| status["stage"] == 1).await;
    let second = started(&server, "brew", json!({})).await;
    let status = ended(&server, "brew", &second).await;
    assert_eq!(status["state"], "failed", "{status}");
    assert_eq!(status["error_code"], "queue_timeout", "{status}");
    let sentence = status["error"].as_str().unwrap();
    assert!(sentence.contains("within 1 s"), "{sentence}");
    // The limit is on the wait alone.
    gate.cancel();
    assert_eq!(ended(&server, "brew", &first).await["state"], "succeeded");
    assert_eq!(begun.load(Ordering::SeqCst), 1);
}
