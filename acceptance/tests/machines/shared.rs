//! What replicas must agree about, whichever of them is asked.

use std::{collections::BTreeSet, time::Duration};

use farcall_acceptance::{Server, wait::until};
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::{caller::Caller, rig::Machines};

const LEASE: Duration = Duration::from_secs(10);

/// Two replicas that stand beside each other, as callers reach each of them.
async fn replicas(machines: &Machines) -> ([Server; 2], [Caller; 2]) {
    let servers = [machines.api(0).await, machines.api(1).await];
    let callers = [0, 1].map(|place: usize| machines.caller_of(&servers[place]));
    (servers, callers)
}

/// P2.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn sixty_four_starts_of_one_key_at_two_replicas_are_one_job() {
    let machines = Machines::new(2, LEASE).await;
    let (servers, callers) = replicas(&machines).await;
    let mut starts = JoinSet::new();
    for start in 0..64 {
        let caller = callers[start % 2].clone();
        let order = json!({"number": 1, "idempotency_key": "the-only-cake"});
        starts.spawn(async move { caller.call("start_bake", order).await });
    }
    let mut ids = BTreeSet::new();
    let mut made = 0;
    while let Some(answer) = starts.join_next().await {
        let answer = answer.unwrap();
        made += u32::from(answer.get("deduplicated").is_none());
        ids.insert(answer["job_id"].as_str().unwrap().to_owned());
    }
    assert_eq!((ids.len(), made), (1, 1), "{ids:?}");
    let rows: Vec<(i64,)> = machines.query("SELECT count(*) FROM jobs").await;
    assert_eq!(rows, [(1,)]);
    for server in servers {
        server.stop().await;
    }
}

/// A round of a call: what it demands, or what it says.
async fn round(caller: &Caller, answers: Option<(&Value, Value)>) -> Value {
    let mut params = json!({"name": "decide", "arguments": {}});
    if let Some((state, answers)) = answers {
        params["requestState"] = state.clone();
        params["inputResponses"] = answers;
    }
    caller
        .request("tools/call", "decide", params)
        .await
        .unwrap()
}

fn yes() -> Value {
    json!({"sure": {"action": "accept", "content": {"sure": true}}})
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_question_of_one_replica_is_answered_at_another() {
    let machines = Machines::new(2, LEASE).await;
    let (servers, callers) = replicas(&machines).await;
    let [one, other] = callers.map(|caller| caller.who_can_be_asked());
    let asked = round(&one, None).await;
    assert_eq!(asked["resultType"], "input_required", "{asked}");
    let said = round(&other, Some((&asked["requestState"], yes()))).await;
    assert_eq!(said["content"][0]["text"], "cake", "{said}");
    for server in servers {
        server.stop().await;
    }
}

/// With a secret of the configuration the database is not asked for one; that of another program
/// is none.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_secret_of_the_configuration_stands_before_that_of_the_database() {
    const SECRET: &str = "0123456789abcdef0123456789abcdef";
    let machines = Machines::new(2, LEASE).await;
    let with = |number, secret: &str| {
        let replica = machines.replica(number, "api");
        replica.env("FARCALL_SECRET", secret)
    };
    let servers = [with(0, SECRET).start().await, with(1, SECRET).start().await];
    let callers = [0, 1].map(|place: usize| machines.caller_of(&servers[place]).who_can_be_asked());
    let asked = round(&callers[0], None).await;
    let state = &asked["requestState"];
    let said = round(&callers[1], Some((state, yes()))).await;
    assert_eq!(said["content"][0]["text"], "cake", "{said}");
    let secrets: Vec<(String,)> = machines.query("SELECT name FROM secrets").await;
    assert_eq!(secrets, []);
    for server in &servers {
        assert!(!server.talk().contains(SECRET));
    }
    let stranger = machines.launch("stranger", "api").start().await;
    let stranger = (machines.caller_of(&stranger).who_can_be_asked(), stranger);
    let params =
        json!({"name": "decide", "arguments": {}, "requestState": state, "inputResponses": yes()});
    let refused = stranger.0.refusal("tools/call", "decide", params).await;
    assert_eq!(refused["code"], -32602, "{refused}");
    for server in servers.into_iter().chain([stranger.1]) {
        server.stop().await;
    }
}

/// `ctx.ask` waits on a worker; the question is read at one replica and answered at another.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_job_on_a_worker_is_answered_through_any_replica() {
    let machines = Machines::new(2, LEASE).await;
    let (servers, callers) = replicas(&machines).await;
    let worker = machines.worker("one").await;
    let [one, other] = callers.map(|caller| caller.who_can_be_asked());
    let params = json!({"name": "chat", "arguments": {"number": 5}});
    let task = one.request("tools/call", "chat", params).await.unwrap();
    let id = task["taskId"].as_str().unwrap_or_else(|| panic!("{task}"));
    let of_task = json!({"taskId": id});
    until("the question", async || {
        let task = other
            .request("tasks/get", id, of_task.clone())
            .await
            .unwrap();
        (task["status"] == "input_required").then_some(())
    })
    .await;
    let answer = json!({"taskId": id, "inputResponses": yes()});
    one.request("tasks/update", id, answer).await.unwrap();
    let end = until("the end of the task", async || {
        let task = other
            .request("tasks/get", id, of_task.clone())
            .await
            .unwrap();
        (task["status"] == "completed").then_some(task)
    })
    .await;
    let result = &end["result"]["structuredContent"]["result"];
    assert_eq!(*result, json!({"number": 5, "is_sure": true}), "{end}");
    for server in servers.into_iter().chain([worker]) {
        server.stop().await;
    }
}

/// Nobody hints at a change to another process; who waits is told all the same.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_caller_that_waits_at_one_replica_hears_of_what_happens_elsewhere() {
    let machines = Machines::new(2, LEASE).await;
    let (servers, [one, other]) = replicas(&machines).await;
    let started = one.call("start_bake", json!({"number": 1})).await;
    let id = started["job_id"].as_str().unwrap();
    let waiting = {
        let (caller, id) = (other.clone(), id.to_owned());
        let wait = json!({"job_id": id, "wait_s": 20});
        tokio::spawn(async move { caller.call("get_bake_status", wait).await })
    };
    // Nobody runs it; so what is heard of is the cancel.
    let cancelled = one.call("cancel_bake", json!({"job_id": id})).await;
    assert_eq!(cancelled["state"], "failed", "{cancelled}");
    let began = std::time::Instant::now();
    let heard = waiting.await.unwrap();
    assert_eq!(heard["error_code"], "cancelled", "{heard}");
    assert!(
        began.elapsed() < Duration::from_secs(10),
        "it waited to the end"
    );

    // And one that runs elsewhere is told to stop.
    let worker = machines.worker("one").await;
    let started = one
        .call("start_bake", json!({"number": 2, "waits": true}))
        .await;
    let id = started["job_id"].as_str().unwrap();
    until("the stage that waits", async || {
        machines
            .runs()
            .iter()
            .any(|run| run.stage == 1)
            .then_some(())
    })
    .await;
    other.call("cancel_bake", json!({"job_id": id})).await;
    let end = one.ended("bake", id).await;
    assert_eq!(end["error_code"], "cancelled", "{end}");
    for server in servers.into_iter().chain([worker]) {
        server.stop().await;
    }
}
