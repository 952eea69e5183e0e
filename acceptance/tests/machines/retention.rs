//! What has expired, where several servers delete it at the same time.

use std::{collections::BTreeMap, time::Duration};

use farcall_acceptance::{
    bakery::{self, FILES, STAGES},
    wait::until,
};
use serde_json::json;
use tokio::task::JoinSet;

use crate::{caller::Caller, rig::Machines};

const SERVERS: usize = 3;

const CALLERS: u32 = 4;

/// How many cakes each of them orders.
const CAKES: u32 = 25;

/// How long a cake is kept: long enough to be fetched on a busy machine.
const KEEP: Duration = Duration::from_secs(10);

/// P19.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn what_has_expired_goes_whole_while_several_servers_delete_and_jobs_run() {
    let machines = Machines::new(SERVERS, Duration::from_secs(30)).await;
    let mut servers = Vec::new();
    for number in 0..SERVERS {
        let server = machines
            .replica(number, "all")
            .env(bakery::KEEP, KEEP.as_millis().to_string());
        servers.push(server.start().await);
    }
    let caller = machines.caller();
    // It runs longer than anything is kept.
    let slow = json!({"number": 0, "takes_ms": KEEP.as_millis() / 2 + 200, "keeps": true});
    let slow = caller.call("start_bake", slow).await;
    let slow = slow["job_id"].as_str().unwrap().to_owned();
    let mut callers = JoinSet::new();
    let (its_caller, id) = (caller.clone(), slow.clone());
    callers.spawn(async move { fetched(&its_caller, &id).await });
    for number in 0..CALLERS {
        callers.spawn(orders(caller.clone(), number));
    }
    while let Some(ordered) = callers.join_next().await {
        ordered.unwrap();
    }

    until("every record and every file to go", async || {
        let left: Vec<(i64,)> = machines.query("SELECT count(*) FROM jobs").await;
        (left == [(0,)] && machines.objects() == 0).then_some(())
    })
    .await;
    let poll = json!({"name": "get_bake_status", "arguments": {"job_id": slow}});
    let gone = caller.request("tools/call", "get_bake_status", poll).await;
    let gone = gone.unwrap()["content"][0]["text"].to_string();
    assert!(gone.contains("unknown_job"), "{gone}");
    let rows: Vec<(i64,)> = machines.query("SELECT count(*) FROM artifacts").await;
    assert_eq!(rows, [(0,)]);
    // Whoever deletes what another one works on makes it run again, or not at all.
    let mut runs: BTreeMap<_, u32> = BTreeMap::new();
    for run in machines.runs() {
        *runs.entry((run.job, run.stage)).or_default() += 1;
    }
    assert!(runs.values().all(|&times| times == 1), "{runs:?}");
    assert_eq!(runs.len(), (CALLERS * CAKES + 1) as usize * STAGES.len());
    for server in servers {
        server.stop().await;
    }
}

/// Orders cakes one after the other, and fetches each while it is kept.
async fn orders(caller: Caller, number: u32) {
    for cake in 0..CAKES {
        let order = json!({"number": 1 + number * CAKES + cake, "takes_ms": 20, "keeps": true});
        let started = caller.call("start_bake", order).await;
        fetched(&caller, started["job_id"].as_str().unwrap()).await;
    }
}

async fn fetched(caller: &Caller, id: &str) {
    let end = caller.ended("bake", id).await;
    assert_eq!(end["state"], "succeeded", "{end}");
    assert_eq!(caller.files("bake", id).await.len(), FILES.len());
}
