//! Jobs that are tried again after an error of their own.

use std::{
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use farcall::{Job, RunnerOptions, Value, json, prelude::*};

use crate::{
    harness::{Server, Setup},
    offers::{ended, started, status_when, tools_and_jobs},
};

/// When each attempt began.
type Attempts = Arc<Mutex<Vec<Instant>>>;

/// The job `brew`: it fails with `fault` as often as `failures` says.
fn brew(
    attempts: &Attempts,
    failures: usize,
    fault: impl Fn() -> Problem + Send + Sync + 'static,
) -> Job {
    let attempts = Arc::clone(attempts);
    let brewing = move |_: &JobContext, _: Value| {
        let mut attempts = attempts.lock().unwrap();
        attempts.push(Instant::now());
        if attempts.len() <= failures {
            return Err(fault());
        }
        Ok("tea".to_owned())
    };
    let mut job = Job::new(
        "brew",
        "Brew tea.",
        Pipeline::new().stage("brewing", brewing),
    );
    job.input_schema = farcall_core::schema::empty_object();
    job
}

fn no_water() -> Problem {
    Problem::user("there is no water")
}

fn setup(job: Job) -> Setup {
    let options = RunnerOptions {
        poll: Duration::from_millis(20),
        ..RunnerOptions::default()
    };
    Setup::new(tools_and_jobs().add_job(job).runner(options))
}

async fn brewed(server: &Server) -> Value {
    let id = started(server, "brew", json!({})).await;
    ended(server, "brew", &id).await
}

/// P8.
#[tokio::test]
async fn an_error_ends_a_job_that_asks_for_no_other_try() {
    let attempts = Attempts::default();
    let server = setup(brew(&attempts, 1, no_water)).start().await;
    let status = brewed(&server).await;
    assert_eq!(status["error"], "there is no water");
    assert_eq!(attempts.lock().unwrap().len(), 1);
}

/// P8.
#[tokio::test]
async fn a_job_that_fails_twice_and_is_tried_three_times_succeeds() {
    let attempts = Attempts::default();
    let job = brew(&attempts, 2, no_water).with(|options| {
        options.retries = 2;
        options.retry_delay = Duration::from_millis(50);
    });
    let server = setup(job).start().await;
    assert_eq!(brewed(&server).await["state"], "succeeded");
    let attempts = attempts.lock().unwrap();
    assert_eq!(attempts.len(), 3);
    let pauses: Vec<_> = attempts.windows(2).map(|pair| pair[1] - pair[0]).collect();
    assert!(pauses[0] >= Duration::from_millis(25), "{pauses:?}");
    assert!(pauses[1] >= Duration::from_millis(50), "{pauses:?}");
}

#[tokio::test]
async fn the_error_of_the_last_try_is_the_job_s() {
    let attempts = Attempts::default();
    let job = brew(&attempts, usize::MAX, no_water).with(|options| {
        options.retries = 1;
        options.retry_delay = Duration::from_millis(1);
    });
    let server = setup(job).start().await;
    let status = brewed(&server).await;
    assert_eq!(
        (&status["state"], &status["error"]),
        (&json!("failed"), &json!("there is no water"))
    );
    assert_eq!(attempts.lock().unwrap().len(), 2);
}

#[tokio::test]
async fn an_error_that_says_so_is_not_tried_again() {
    let attempts = Attempts::default();
    let fault = || no_water().no_retry();
    let job = brew(&attempts, usize::MAX, fault).with(|options| options.retries = 9);
    let server = setup(job).start().await;
    assert_eq!(brewed(&server).await["state"], "failed");
    assert_eq!(attempts.lock().unwrap().len(), 1);
}

/// P8: the wait is on disk.
#[tokio::test]
async fn a_restart_does_not_cut_the_wait_for_the_next_try_short() {
    let attempts = Attempts::default();
    let job = brew(&attempts, 1, no_water).with(|options| {
        options.retries = 1;
        options.retry_delay = Duration::from_secs(2);
    });
    let server = setup(job.clone()).start().await;
    let id = started(&server, "brew", json!({})).await;
    let waits = |status: &Value| status["message"] == "attempt 1 failed: there is no water";
    let status = status_when(&server, "brew", &id, waits).await;
    assert_eq!(status["state"], "queued");
    let folder = server.cut().await;

    let server = setup(job).in_folder(folder).start().await;
    assert_eq!(ended(&server, "brew", &id).await["state"], "succeeded");
    let attempts = attempts.lock().unwrap();
    let pause = attempts[1] - attempts[0];
    assert!(pause >= Duration::from_secs(1), "{pause:?}");
}
