//! `cancel_<x>`.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
        mpsc,
    },
    time::Duration,
};

use farcall::{Job, JobContext, Pipeline, Problem, RunnerOptions, StopReason, Value, json};
use tokio_util::sync::CancellationToken;

use crate::{
    harness::{Client, Setup},
    offers::{Callers, ended, print, printed, started, status_when, tools, tools_and_jobs},
};

/// One place, and next to no time to stop.
fn one_place() -> RunnerOptions {
    RunnerOptions {
        concurrency: 1,
        poll: Duration::from_millis(20),
        grace: Duration::from_millis(50),
        ..RunnerOptions::default()
    }
}

/// The job `brew` of one stage.
fn brew(stage: impl Fn(&JobContext) -> Result<Value, Problem> + Send + Sync + 'static) -> Job {
    let pipeline = Pipeline::new().stage("brewing", move |ctx: &JobContext, _: Value| stage(ctx));
    let mut job = Job::new("brew", "Brew tea.", pipeline);
    job.input_schema = farcall_core::schema::empty_object();
    job
}

async fn cancelled(client: &Client, job: &str, id: &str) -> Value {
    let tool = format!("cancel_{job}");
    client.call(&tool, json!({"job_id": id})).await.structured()
}

async fn is_running(client: &Client, job: &str, id: &str) {
    status_when(client, job, id, |status| status["stage"] == 1).await;
}

fn assert_cancelled(status: &Value) {
    assert_eq!(status["state"], "failed", "{status}");
    assert_eq!(status["error_code"], "cancelled", "{status}");
    assert_eq!(status["error"], "the job was cancelled", "{status}");
}

/// P10.
#[tokio::test]
async fn a_job_that_waits_has_failed_at_once() {
    let never = CancellationToken::new();
    let app = tools().add_job(print(&never)).runner(one_place());
    let server = Setup::new(app).start().await;
    let first = started(&server, "print", json!({"text": "x"})).await;
    is_running(&server, "print", &first).await;
    let second = started(&server, "print", json!({"text": "y"})).await;
    assert_eq!(
        cancelled(&server, "print", &second).await,
        json!({"job_id": second, "state": "failed"})
    );
    assert_cancelled(&ended(&server, "print", &second).await);
    let still = status_when(&server, "print", &first, |_| true).await;
    assert_eq!(still["state"], "running");
}

/// P10.
#[tokio::test]
async fn a_job_that_runs_learns_why_it_should_stop() {
    let reason = Arc::new(Mutex::new(None));
    let job = brew({
        let reason = Arc::clone(&reason);
        move |ctx| {
            tokio::runtime::Handle::current().block_on(ctx.cancellation().cancelled());
            *reason.lock().unwrap() = ctx.stop_reason();
            ctx.check()?;
            Ok(Value::Null)
        }
    });
    let server = Setup::new(tools().add_job(job)).start().await;
    let id = started(&server, "brew", json!({})).await;
    is_running(&server, "brew", &id).await;
    assert_eq!(cancelled(&server, "brew", &id).await["state"], "running");
    assert_cancelled(&ended(&server, "brew", &id).await);
    assert_eq!(*reason.lock().unwrap(), Some(StopReason::Cancelled));
}

#[tokio::test]
async fn a_future_that_does_not_look_is_dropped_and_the_next_job_runs() {
    let never = CancellationToken::new();
    let app = tools_and_jobs_with(&never).runner(one_place());
    let server = Setup::new(app).start().await;
    let id = started(&server, "print", json!({"text": "x"})).await;
    is_running(&server, "print", &id).await;
    cancelled(&server, "print", &id).await;
    assert_cancelled(&ended(&server, "print", &id).await);
    let next = started(&server, "count", json!({"text": "x"})).await;
    assert_eq!(ended(&server, "count", &next).await["state"], "succeeded");
}

fn tools_and_jobs_with(gate: &CancellationToken) -> farcall::App {
    tools().add_job(print(gate)).add_job(crate::offers::count())
}

#[tokio::test]
async fn a_thread_that_does_not_look_keeps_its_place_but_not_its_record() {
    let (let_go, held) = mpsc::channel::<()>();
    let (held, is_free) = (Mutex::new(held), Arc::new(AtomicBool::new(false)));
    let stubborn = brew(move |_| {
        held.lock().unwrap().recv().unwrap();
        Ok(Value::Null)
    });
    let was_free = Arc::clone(&is_free);
    let look = Pipeline::new().stage("looking", move |_: &JobContext, _: Value| {
        Ok(was_free.load(Ordering::SeqCst))
    });
    let mut look = Job::new("look", "See whether the place is free.", look);
    look.input_schema = farcall_core::schema::empty_object();
    let app = tools().add_job(stubborn).add_job(look).runner(one_place());
    let server = Setup::new(app).start().await;

    let id = started(&server, "brew", json!({})).await;
    is_running(&server, "brew", &id).await;
    cancelled(&server, "brew", &id).await;
    assert_cancelled(&ended(&server, "brew", &id).await);
    let next = started(&server, "look", json!({})).await;
    for _ in 0..50 {
        let waits = status_when(&server, "look", &next, |_| true).await;
        assert_eq!(waits["state"], "queued");
    }
    is_free.store(true, Ordering::SeqCst);
    let_go.send(()).unwrap();
    ended(&server, "look", &next).await;
    let seen = crate::offers::result(&server, "look", &next).await;
    assert_eq!(seen.structured()["result"], true);
    assert_cancelled(&ended(&server, "brew", &id).await);
}

/// P10.
#[tokio::test]
async fn cancelling_again_or_too_late_changes_nothing() {
    let server = Setup::new(tools_and_jobs()).start().await;
    let id = printed(&server, "done").await;
    for _ in 0..2 {
        assert_eq!(
            cancelled(&server, "print", &id).await,
            json!({"job_id": id, "state": "succeeded"})
        );
    }
    assert_eq!(server.get(&format!("/files/{id}")).await.status, 200);
}

#[tokio::test]
async fn a_job_that_waits_to_be_tried_again_can_be_cancelled() {
    let job = brew(|_| Err(Problem::user("there is no water"))).with(|options| {
        options.retries = 1;
        options.retry_delay = Duration::from_hours(1);
    });
    let server = Setup::new(tools().add_job(job)).start().await;
    let id = started(&server, "brew", json!({})).await;
    let waits = |status: &Value| status["message"] == "attempt 1 failed: there is no water";
    status_when(&server, "brew", &id, waits).await;
    assert_eq!(cancelled(&server, "brew", &id).await["state"], "failed");
    assert_cancelled(&ended(&server, "brew", &id).await);
}

#[tokio::test]
async fn nobody_cancels_somebody_elses_job_or_one_of_another_kind() {
    let never = CancellationToken::new();
    let app = tools_and_jobs_with(&never).token_verifier(Callers);
    let server = Setup::new(app).start().await;
    let (alice, bob) = (
        server.with_token("alice-token"),
        server.with_token("bob-token"),
    );
    let id = started(&alice, "print", json!({"text": "mine"})).await;
    is_running(&alice, "print", &id).await;
    for (caller, tool) in [(&bob, "cancel_print"), (&alice, "cancel_count")] {
        let failure = caller.call(tool, json!({"job_id": id})).await;
        assert_eq!(failure.tool_failure()["error_code"], "unknown_job");
    }
    let status = status_when(&alice, "print", &id, |_| true).await;
    assert_eq!(status["state"], "running");
    let admin = server.with_token("carol-token");
    assert_eq!(cancelled(&admin, "print", &id).await["state"], "running");
}

#[tokio::test]
async fn a_job_that_does_not_want_to_be_cancelled_has_no_such_tool() {
    let job = brew(|_| Ok(Value::Null)).with(|options| options.cancel = false);
    let server = Setup::new(tools().add_job(job)).start().await;
    let listed = server.rpc("tools/list", json!({})).send().await.result();
    let tools = listed["tools"].as_array().unwrap().iter();
    let names: Vec<_> = tools.map(|tool| tool["name"].as_str().unwrap()).collect();
    assert!(names.contains(&"start_brew"), "{names:?}");
    assert!(!names.contains(&"cancel_brew"), "{names:?}");
}
