//! A job and the server of its own: each lives as long as the other.

use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use farcall_core::problem::{ErrorCode, Problem};
use serde_json::json;
use tokio::time::Instant;

use crate::{
    harness::{Desk, Served, is_alive, until, within},
    host::Run,
};

/// A lease that does not end within a test.
const LONG: Duration = Duration::from_mins(10);

/// As long as a server has to leave by itself, before it is sent a signal.
const FAREWELL: Duration = Duration::from_secs(3);

const JOB: &str = "jobs.train = { stages = [\"loading\", \"training\"] }";

/// A mount with a job, whose next server behaves like this.
async fn desk(mode: &str) -> (Desk, Served) {
    let desk = Desk::new(JOB);
    let served = desk.start().await.unwrap();
    desk.put("mode", mode);
    (desk, served)
}

fn cause(problem: &Problem) -> String {
    problem.cause().unwrap().to_string()
}

/// P12: the lease is renewed while the server takes its time.
#[tokio::test]
async fn a_server_that_takes_long_to_start_lives_as_long_as_its_job() {
    let (desk, served) = desk("late").await;
    let run = Run::with_lease(Duration::from_secs(5));
    let first = run.until();
    let running = run.begin(served.job(), json!({"text": "training"}));
    let process = desk.process("started", 2).await;
    run.renew(LONG);
    until("the end of the first lease", || {
        assert!(is_alive(process));
        (Instant::now() > first + Duration::from_secs(1)).then_some(())
    })
    .await;
    desk.put("gate", "");
    assert_eq!(desk.process("training", 1).await, process);
    run.cancellation.cancel();
    let problem = within(running).await.unwrap().unwrap_err();
    assert_eq!(problem.code(), ErrorCode::Cancelled);
    assert!(!is_alive(process));
}

/// P10: what a cancelled job held, the next one has to itself.
#[tokio::test]
async fn a_cancelled_job_is_over_when_its_server_is_and_that_is_at_once() {
    for (mode, milestone, count) in [("late", "started", 2), ("", "training", 1)] {
        let mut quickest = Duration::MAX;
        for _ in 0..3 {
            let (desk, served) = desk(mode).await;
            let run = Run::with_lease(LONG);
            let running = run.begin(served.job(), json!({"text": "training"}));
            let process = desk.process(milestone, count).await;
            run.cancellation.cancel();
            let cancelled = Instant::now();
            let problem = within(running).await.unwrap().unwrap_err();
            assert!(!is_alive(process), "{mode}");
            assert_eq!(problem.code(), ErrorCode::Cancelled, "{mode}");
            quickest = quickest.min(cancelled.elapsed());
        }
        assert!(quickest < FAREWELL, "{mode}: {quickest:?}");
    }
}

#[tokio::test]
async fn a_server_that_refuses_the_handshake_has_ended_when_its_job_has() {
    for (mode, reason) in [
        ("refuse", "the error -32000: no such thing"),
        ("old", "the revision `1999-01-01`"),
    ] {
        let (desk, served) = desk(mode).await;
        let running = Run::with_lease(LONG).begin(served.job(), json!({"text": ""}));
        let process = desk.process("started", 2).await;
        let problem = within(running).await.unwrap().unwrap_err();
        assert!(!is_alive(process), "{mode}");
        assert!(cause(&problem).contains(reason), "{problem:?}");
    }
}

#[tokio::test]
async fn a_job_that_cannot_go_on_stops_its_server() {
    let (desk, served) = desk("").await;
    let run = Run::with_lease(LONG);
    run.is_stuck.store(true, Ordering::Relaxed);
    let running = Arc::clone(&run).begin(served.job(), json!({"text": "training"}));
    let problem = within(running).await.unwrap().unwrap_err();
    assert_eq!(problem.public_message(), "the store is away");
    assert!(!is_alive(desk.process("started", 2).await));
}

#[tokio::test]
async fn a_job_is_shown_as_its_tool_was() {
    let (_desk, served) = desk("").await;
    let job = served.job();
    assert_eq!(job.title.as_deref(), Some("Train"));
    assert_eq!(job.icons, [json!({"src": "data:,"})]);
}

#[tokio::test]
async fn a_limit_of_calls_is_none_of_a_job() {
    let desk = Desk::new(&format!("{JOB}\ntools.train = {{ timeout = \"60s\" }}"));
    let served = desk.start().await.unwrap();
    let [fault] = &served.0.faults[..] else {
        panic!("{:?}", served.0.faults);
    };
    assert!(fault.contains("set `jobs.train.timeout`"), "{fault}");
}
