//! Who is next, and how many of a kind at once.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use farcall::{Job, JobContext, Pipeline, RunnerOptions, Value, json};
use tokio_util::sync::CancellationToken;

use crate::{
    harness::Setup,
    offers::{ended, print, started, status_when, tools},
};

fn places(concurrency: usize) -> RunnerOptions {
    RunnerOptions {
        concurrency,
        poll: Duration::from_millis(20),
        ..RunnerOptions::default()
    }
}

/// The job `name` of a priority; it writes itself down in `order`.
fn noted(name: &'static str, priority: i8, order: &Arc<Mutex<Vec<&'static str>>>) -> Job {
    let order = Arc::clone(order);
    let pipeline = Pipeline::new().stage("noting", move |_: &JobContext, _: Value| {
        order.lock().unwrap().push(name);
        Ok(Value::Null)
    });
    let mut job = Job::new(name, "Note it.", pipeline).with(|options| options.priority = priority);
    job.input_schema = farcall_core::schema::empty_object();
    job
}

/// P20.
#[tokio::test]
async fn the_higher_priority_is_first_and_the_older_among_equals() {
    let (gate, order) = (CancellationToken::new(), Arc::default());
    let app = tools()
        .add_job(print(&gate))
        .add_job(noted("late", -1, &order))
        .add_job(noted("one", 0, &order))
        .add_job(noted("other", 0, &order))
        .add_job(noted("urgent", 5, &order))
        .runner(places(1));
    let server = Setup::new(app).start().await;
    let first = started(&server, "print", json!({"text": "x"})).await;
    status_when(&server, "print", &first, |status| status["stage"] == 1).await;
    let mut waiting = Vec::new();
    for kind in ["late", "one", "other", "urgent"] {
        waiting.push((kind, started(&server, kind, json!({})).await));
    }
    gate.cancel();
    for (kind, id) in &waiting {
        assert_eq!(ended(&server, kind, id).await["state"], "succeeded");
    }
    assert_eq!(*order.lock().unwrap(), ["urgent", "one", "other", "late"]);
}

#[tokio::test]
async fn no_more_of_a_kind_run_at_once_than_it_allows_and_others_run_beside() {
    const AT_ONCE: usize = 2;
    let (runs, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let gate = CancellationToken::new();
    let (held, highest) = (gate.clone(), Arc::clone(&most));
    let pipeline = Pipeline::new().stage_async("brewing", move |_: JobContext, _: Value| {
        let (gate, runs, most) = (held.clone(), Arc::clone(&runs), Arc::clone(&highest));
        async move {
            most.fetch_max(runs.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
            gate.cancelled().await;
            runs.fetch_sub(1, Ordering::SeqCst);
            Ok(Value::Null)
        }
    });
    let mut job = Job::new("brew", "Brew tea.", pipeline)
        .with(|options| options.concurrency = u32::try_from(AT_ONCE).ok());
    job.input_schema = farcall_core::schema::empty_object();
    let order = Arc::default();
    let app = tools()
        .add_job(job)
        .add_job(noted("one", 0, &order))
        .runner(places(8));
    let server = Setup::new(app).start().await;
    let mut jobs = Vec::new();
    for _ in 0..6 {
        jobs.push(started(&server, "brew", json!({})).await);
    }
    for id in &jobs[..AT_ONCE] {
        status_when(&server, "brew", id, |status| status["stage"] == 1).await;
    }
    // There are places for more, and they are taken by others.
    let beside = started(&server, "one", json!({})).await;
    assert_eq!(ended(&server, "one", &beside).await["state"], "succeeded");
    let waits = status_when(&server, "brew", &jobs[AT_ONCE], |_| true).await;
    assert_eq!(waits["state"], "queued", "{waits}");
    gate.cancel();
    for id in &jobs {
        assert_eq!(ended(&server, "brew", id).await["state"], "succeeded");
    }
    assert_eq!(most.load(Ordering::SeqCst), AT_ONCE);
}
