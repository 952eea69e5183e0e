//! P3: a connection that is lost never takes a job along that was started over it, however it is
//! lost and whenever.

use std::time::{Duration, Instant};

use farcall::{App, Value, json};
use tokio::runtime::RuntimeMetrics;
use tokio_util::sync::CancellationToken;

use crate::{
    harness::{Client, Connection, Era, Rpc, Server, Setup, pace, soon},
    offers::{ended, print, started, status_when, tools},
    tasks::{exposed, follow, id_of},
};

/// How a client goes.
#[derive(Clone, Copy, Debug)]
enum Cut {
    /// It says that it goes (FIN).
    InOrder,
    /// Its machine forgets the connection (RST).
    Abrupt,
}

impl Cut {
    const ALL: [Self; 2] = [Self::InOrder, Self::Abrupt];

    async fn cut(self, connection: Connection) {
        match self {
            Self::InOrder => connection.close().await,
            Self::Abrupt => connection.reset(),
        }
    }
}

/// Every way to go, for clients of both eras.
fn cases() -> impl Iterator<Item = (Era, Cut)> {
    let of = |era| Cut::ALL.map(|cut| (era, cut));
    Era::ALL.into_iter().flat_map(of)
}

/// The job `print`, which can be called by its own name and waited for.
fn app(gate: &CancellationToken) -> App {
    let job = exposed(print(gate)).with(|options| options.wait = true);
    tools().add_job(job)
}

async fn server(gate: &CancellationToken) -> Server {
    Setup::new(app(gate)).start().await
}

fn call(client: &Client, era: Era, tool: &str, arguments: Value) -> Rpc {
    let params = json!({"name": tool, "arguments": arguments});
    match era {
        Era::Modern => client.rpc("tools/call", params),
        Era::Legacy => client.legacy("tools/call", params),
    }
}

/// A connection on which `request` was sent.
async fn sent(client: &Client, request: Rpc) -> Connection {
    let mut connection = Connection::open(client.address).await;
    connection.write(&request.wire()).await;
    connection
}

fn order(key: &str) -> Value {
    json!({"text": "x", "idempotency_key": key})
}

/// The id of the job that a start with `key` made, once there is one.
async fn begun(client: &Client, key: &str) -> String {
    // With other arguments it is a conflict where there is a job, and never a second one.
    let again = json!({"text": "y", "idempotency_key": key});
    let reply = soon(client.call("start_print", again)).await;
    assert_eq!(
        reply.result()["isError"],
        true,
        "the start under `{key}` was lost"
    );
    started(client, "print", order(key)).await
}

async fn at_work(client: &Client, id: &str) {
    status_when(client, "print", id, |status| status["stage"] == 1).await;
}

async fn goes_on(client: &Client, gate: &CancellationToken, id: &str, case: &str) {
    gate.cancel();
    let status = ended(client, "print", id).await;
    assert_eq!(status["state"], "succeeded", "{case}: {status}");
    assert!(status.get("attempt").is_none(), "{case}: {status}");
}

/// Nobody knows whether the request arrived. Where it did, its job is as good as any other.
#[tokio::test]
async fn a_start_that_is_cut_off_as_soon_as_it_was_sent_is_one_job_or_none() {
    let gate = CancellationToken::new();
    gate.cancel();
    let server = server(&gate).await;
    let mut were_there = 0;
    for (era, cut) in cases() {
        for round in 0..20 {
            let key = format!("{era:?}-{cut:?}-{round}");
            let request = call(&server, era, "start_print", order(&key));
            cut.cut(sent(&server, request).await).await;
            let again = server.call("start_print", order(&key)).await.structured();
            let id = again["job_id"].as_str().unwrap().to_owned();
            were_there += u32::from(again.get("deduplicated").is_some());
            goes_on(&server, &gate, &id, &key).await;
            assert_eq!(started(&server, "print", order(&key)).await, id);
        }
    }
    assert!(were_there > 0, "no start arrived before it was cut off");
}

#[tokio::test]
async fn a_job_goes_on_whose_caller_went_before_it_read_the_answer() {
    for (era, cut) in cases() {
        let case = format!("{era:?} {cut:?}");
        let gate = CancellationToken::new();
        let server = server(&gate).await;
        let request = call(&server, era, "start_print", order("a-key"));
        let connection = sent(&server, request).await;
        // The answer was sent, so the job is on disk; and nobody reads it.
        connection.readable().await;
        cut.cut(connection).await;
        let id = begun(&server, "a-key").await;
        at_work(&server, &id).await;
        goes_on(&server, &gate, &id, &case).await;
    }
}

#[tokio::test]
async fn a_job_goes_on_whose_caller_went_while_it_was_told_of_its_progress() {
    for (era, cut) in cases() {
        let case = format!("{era:?} {cut:?}");
        let gate = CancellationToken::new();
        let server = server(&gate).await;
        let request = call(&server, era, "print", order("a-key")).meta("progressToken", 1);
        let mut connection = sent(&server, request).await;
        let mut told = String::new();
        while !told.contains("[1/2] setting type") {
            told.push_str(&String::from_utf8(connection.some().await).unwrap());
        }
        assert!(told.contains("text/event-stream"), "{told}");
        cut.cut(connection).await;
        let id = begun(&server, "a-key").await;
        at_work(&server, &id).await;
        goes_on(&server, &gate, &id, &case).await;
    }
}

#[tokio::test]
async fn a_job_goes_on_whose_caller_went_while_it_waited_for_a_change() {
    for (era, cut) in cases() {
        let case = format!("{era:?} {cut:?}");
        let gate = CancellationToken::new();
        let server = server(&gate).await;
        let id = started(&server, "print", order("a-key")).await;
        at_work(&server, &id).await;
        let poll = |wait_s: f64| json!({"job_id": id, "wait_s": wait_s});
        let request = call(&server, era, "get_print_status", poll(20.0));
        let connection = sent(&server, request).await;
        // So that it waits already.
        server
            .call("get_print_status", poll(0.2))
            .await
            .structured();
        assert!(connection.is_silent(), "{case}");
        cut.cut(connection).await;
        goes_on(&server, &gate, &id, &case).await;
    }
}

#[tokio::test]
async fn a_task_goes_on_whose_caller_went_while_it_followed_it() {
    for cut in Cut::ALL {
        let gate = CancellationToken::new();
        let server = server(&gate).await;
        let id = id_of(&server, "print", json!({"text": "x"})).await;
        at_work(&server, &id).await;
        let request = follow::listen(&server, json!({"taskIds": [id]}));
        let mut connection = sent(&server, request).await;
        let mut told = String::new();
        while !told.contains("notifications/tasks") {
            told.push_str(&String::from_utf8(connection.some().await).unwrap());
        }
        cut.cut(connection).await;
        goes_on(&server, &gate, &id, &format!("{cut:?}")).await;
    }
}

/// How many calls are cut off; more than may wait at once, so that each has to leave its place.
const MANY: usize = 1_200;

/// How many of them there are at the same time.
const AT_ONCE: usize = 100;

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_thousand_lost_connections_leave_nothing_behind() {
    let gate = CancellationToken::new();
    let server = server(&gate).await;
    let id = started(&server, "print", order("a-key")).await;
    at_work(&server, &id).await;
    let task = id_of(&server, "print", json!({"text": "task"})).await;
    let metrics = tokio::runtime::Handle::current().metrics();
    let before = settled(&metrics, usize::MAX).await;

    let way = |number: usize| {
        let era = Era::ALL[number % 2];
        match number / 2 % 4 {
            0 => call(&server, era, "print", order("a-key")).meta("progressToken", 1),
            1 => call(&server, era, "print", order("a-key")),
            2 => call(
                &server,
                era,
                "get_print_status",
                json!({"job_id": id, "wait_s": 20}),
            ),
            _ => follow::listen(&server, json!({"taskIds": [task]})),
        }
    };
    for batch in 0..MANY / AT_ONCE {
        let mut connections = Vec::new();
        for number in 0..AT_ONCE {
            connections.push(sent(&server, way(batch * AT_ONCE + number)).await);
        }
        // So that most of them have arrived.
        let poll = json!({"job_id": id, "wait_s": 0.1});
        server.call("get_print_status", poll).await.structured();
        for (number, connection) in connections.into_iter().enumerate() {
            Cut::ALL[number / 8 % 2].cut(connection).await;
        }
    }

    let after = settled(&metrics, before + 10).await;
    assert!(after <= before + 10, "{before} tasks before, {after} after");
    // Whoever waits now still has a place to wait at.
    let began = Instant::now();
    let poll = json!({"job_id": id, "wait_s": 1});
    server.call("get_print_status", poll).await.structured();
    assert!(began.elapsed() >= Duration::from_secs(1));
    let mut events = follow::following(&server, &[&task]).await;
    gate.cancel();
    follow::told_when(&mut events, |task| task["status"] == "completed").await;
    for id in [
        &id,
        &task,
        &started(&server, "print", order("another")).await,
    ] {
        assert_eq!(ended(&server, "print", id).await["state"], "succeeded");
    }
}

/// How many tasks there are once there are not more than `most`, or it takes too long.
async fn settled(metrics: &RuntimeMetrics, most: usize) -> usize {
    let give_up_at = Instant::now() + Duration::from_secs(20);
    loop {
        let alive = metrics.num_alive_tasks();
        if alive <= most || Instant::now() > give_up_at {
            return alive;
        }
        pace().await;
    }
}
