//! P10: jobs are cancelled at random moments, also while they end by themselves.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::{
    chance::{Chance, times},
    counted,
    harness::Server,
};

/// How many jobs are cancelled.
const CANCELS: usize = 1_000;

/// How many at once: more than run.
const AT_ONCE: usize = 20;

/// Starts a job, cancels it after a while, and returns its id.
async fn cancelled(server: &Server, mut chance: Chance) -> String {
    let how = if chance.below(3) == 0 {
        json!({"how": "stay", "more": "up"})
    } else {
        json!({"how": "go", "more": format!("0.{:03}", chance.below(60))})
    };
    let id = server.start("kin", how).await;
    tokio::time::sleep(chance.moment(250)).await;
    // Twice, now and then: the second changes nothing.
    for _ in 0..=chance.below(2) {
        server.value("cancel_kin", json!({"job_id": id})).await;
    }
    id
}

fn end(status: &Value) -> String {
    let state = status["state"].as_str().unwrap();
    let code = status["error_code"].as_str().unwrap_or_default();
    format!("{state} {code}")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cancel_at_any_moment_leaves_one_end_and_no_process() {
    let mut chance = Chance::new();
    println!("FARCALL_SEED={}", chance.seed);
    let (project, census, _out) = counted();
    let server = std::sync::Arc::new(project.serve().await);
    let mut ends = BTreeMap::new();
    for _ in 0..times(CANCELS) / AT_ONCE {
        let mut jobs = JoinSet::new();
        for _ in 0..AT_ONCE {
            let (server, chance) = (std::sync::Arc::clone(&server), chance.split());
            jobs.spawn(async move { cancelled(&server, chance).await });
        }
        for id in jobs.join_all().await {
            let status = server.ended("kin", &id).await;
            ends.insert(id, end(&status));
        }
        census.returns_to(&[server.process()]).await;
    }
    let mut kinds = BTreeMap::<_, usize>::new();
    for (id, before) in &ends {
        let now = end(&server.status("kin", id).await);
        assert_eq!(&now, before, "an end has changed: {id}");
        *kinds.entry(now).or_default() += 1;
    }
    println!("{} cancels: {kinds:?}", ends.len());
    let of = |end: &str| kinds.get(end).copied().unwrap_or_default();
    let (cancelled, succeeded) = (of("failed cancelled"), of("succeeded "));
    assert_eq!(cancelled + succeeded, ends.len(), "{kinds:?}");
    // Else there was no race.
    assert!(cancelled > 0 && succeeded > 0, "{kinds:?}");
    let server = std::sync::Arc::into_inner(server).unwrap();
    server.stop().await;
    census.returns_to(&[]).await;
}
