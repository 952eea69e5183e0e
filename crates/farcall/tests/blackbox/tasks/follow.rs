//! Tasks that tell of themselves: `notifications/tasks` on a stream of `subscriptions/listen`.

mod crowds;

use farcall::{App, Updates, Value, json};
use farcall_core::updates::Update;
use tokio_util::sync::CancellationToken;

use super::{EXTENSION, about, answer, ask, ended, exposed, get, id_of, knowing};
use crate::{
    harness::{Client, Events, Rpc, Server, Setup, soon},
    offers::{Callers, count, print, tools},
};

const SUBSCRIPTION: &str = "io.modelcontextprotocol/subscriptionId";

const NOWHERE: &str = "00000000000000000000000000000000";

async fn server(gate: &CancellationToken) -> Server {
    Setup::new(app(gate)).start().await
}

fn app(gate: &CancellationToken) -> App {
    tools().add_job(exposed(print(gate)))
}

fn open() -> CancellationToken {
    let open = CancellationToken::new();
    open.cancel();
    open
}

pub(crate) fn listen(client: &Client, filter: Value) -> Rpc {
    knowing(client.rpc("subscriptions/listen", json!({"notifications": filter})))
}

/// A stream with `filter`, and what of it was acknowledged.
async fn listening(client: &Client, filter: Value) -> (Events, Value) {
    let mut events = listen(client, filter).events().await;
    assert_eq!(events.status, 200);
    assert_eq!(events.headers["content-type"], "text/event-stream");
    assert_eq!(events.headers["x-accel-buffering"], "no");
    let mut first = events.expect().await;
    assert_eq!(first["method"], "notifications/subscriptions/acknowledged");
    assert_eq!(first["params"]["_meta"], json!({SUBSCRIPTION: 1}));
    (events, first["params"]["notifications"].take())
}

/// A stream about these tasks, of which all are acknowledged.
pub(crate) async fn following(client: &Client, ids: &[&str]) -> Events {
    let (events, accepted) = listening(client, json!({"taskIds": ids})).await;
    assert_eq!(accepted, json!({"taskIds": ids}));
    events
}

/// The next task that is told.
async fn told(events: &mut Events) -> Value {
    let mut message = events.expect().await;
    assert_eq!(message["method"], "notifications/tasks", "{message}");
    let mut task = message["params"].take();
    let meta = task.as_object_mut().unwrap().remove("_meta");
    assert_eq!(meta, Some(json!({SUBSCRIPTION: 1})));
    task
}

/// The next task that is told and is what the test waits for.
pub(crate) async fn told_when(events: &mut Events, is_it: impl Fn(&Value) -> bool) -> Value {
    loop {
        let task = told(events).await;
        if is_it(&task) {
            return task;
        }
    }
}

fn is_over(task: &Value) -> bool {
    task["status"] != "working" && task["status"] != "input_required"
}

/// Sees that the stream ends, and in order.
async fn ends(mut events: Events) {
    let last = events.expect().await;
    assert_eq!(last["id"], 1, "{last}");
    assert_eq!(last["result"]["resultType"], "complete", "{last}");
    let meta = &last["result"]["_meta"];
    assert_eq!(meta[SUBSCRIPTION], 1, "{last}");
    assert_eq!(
        meta["io.modelcontextprotocol/serverInfo"]["name"],
        "blackbox"
    );
    assert_eq!(events.message().await, None);
}

#[tokio::test]
async fn every_change_of_a_task_is_told_to_who_follows_it() {
    let gate = CancellationToken::new();
    let server = server(&gate).await;
    let id = id_of(&server, "print", json!({"text": "x"})).await;
    let mut events = following(&server, &[&id]).await;
    let at_work = |task: &Value| task["statusMessage"] == "[1/2] setting type";
    let task = told_when(&mut events, at_work).await;
    assert_eq!(
        (&task["taskId"], &task["status"]),
        (&json!(id), &json!("working"))
    );
    gate.cancel();
    let task = told_when(&mut events, is_over).await;
    assert_eq!(task["status"], "completed", "{task}");
    // What a poll would have answered at that moment.
    let mut polled = get(&server, &id).await;
    polled.as_object_mut().unwrap().remove("resultType");
    assert_eq!(task, polled);
    ends(events).await;
}

#[tokio::test]
async fn what_happened_before_somebody_followed_is_told_first() {
    let server = server(&open()).await;
    for jam in [false, true] {
        let id = id_of(&server, "print", json!({"text": "x", "jam": jam})).await;
        ended(&server, &id).await;
        let mut events = following(&server, &[&id]).await;
        let task = told(&mut events).await;
        assert_eq!(task["status"], "completed", "{task}");
        assert_eq!(task["result"]["isError"], jam, "{task}");
        ends(events).await;
    }
}

#[tokio::test]
async fn a_task_in_which_nothing_happens_is_told_as_it_is() {
    let server = server(&CancellationToken::new()).await;
    let id = id_of(&server, "print", json!({"text": "x"})).await;
    let at_work = |task: &Value| task["statusMessage"] == "[1/2] setting type";
    super::get_when(&server, &id, at_work).await;
    let mut events = following(&server, &[&id]).await;
    let task = told(&mut events).await;
    assert!(at_work(&task), "{task}");
}

#[tokio::test]
async fn a_task_that_is_cancelled_says_so() {
    let server = server(&CancellationToken::new()).await;
    let id = id_of(&server, "print", json!({"text": "x"})).await;
    let mut events = following(&server, &[&id]).await;
    about(&server, "tasks/cancel", &id).send().await.result();
    let task = told_when(&mut events, is_over).await;
    assert_eq!(task["status"], "cancelled", "{task}");
    ends(events).await;
}

#[tokio::test]
async fn who_follows_hears_every_question() {
    let job = ask::brew(ask::two_names);
    let server = Setup::new(tools().add_job(job)).start().await;
    let id = id_of(&server, "brew", json!({})).await;
    let mut events = following(&server, &[&id]).await;
    for (key, name) in [("first", "Ada"), ("second", "Bo")] {
        let asks = |task: &Value| task["inputRequests"].get(key).is_some();
        let task = told_when(&mut events, asks).await;
        assert_eq!(task["status"], "input_required", "{task}");
        answer(&server, &id, json!({key: ask::accepted(name)})).await;
    }
    let task = told_when(&mut events, is_over).await;
    assert_eq!(
        task["result"]["structuredContent"]["result"],
        json!(["Ada", "Bo"])
    );
    ends(events).await;
}

#[tokio::test]
async fn a_question_that_joins_an_open_one_is_told_too() {
    let joining = CancellationToken::new();
    let gate = joining.clone();
    let pipeline = farcall::Pipeline::new().stage_async(
        "brewing",
        move |ctx: farcall::JobContext, _: Value| {
            let gate = gate.clone();
            async move {
                let later = async {
                    gate.cancelled().await;
                    ctx.ask_async("b", ask::question("B?")).await
                };
                let (first, second) = tokio::join!(ctx.ask_async("a", ask::question("A?")), later);
                Ok(json!([first?.as_value(), second?.as_value()]))
            }
        },
    );
    let mut job = farcall::Job::new("brew", "Brew tea.", pipeline);
    job.input_schema = farcall_core::schema::empty_object();
    let server = Setup::new(tools().add_job(exposed(job))).start().await;
    let id = id_of(&server, "brew", json!({})).await;
    let mut events = following(&server, &[&id]).await;
    let open = |task: &Value, key: &str| task["inputRequests"].get(key).is_some();
    told_when(&mut events, |task| open(task, "a")).await;
    joining.cancel();
    let task = told_when(&mut events, |task| open(task, "b")).await;
    assert!(open(&task, "a"), "{task}");
    answer(&server, &id, json!({"a": ask::accepted("A")})).await;
    let task = told_when(&mut events, |task| !open(task, "a")).await;
    assert_eq!(task["status"], "input_required", "{task}");
    answer(&server, &id, json!({"b": ask::accepted("B")})).await;
    told_when(&mut events, is_over).await;
    ends(events).await;
}

#[tokio::test]
async fn several_tasks_share_a_stream() {
    let gate = CancellationToken::new();
    let server = Setup::new(app(&gate).add_job(exposed(count())))
        .start()
        .await;
    let slow = id_of(&server, "print", json!({"text": "x"})).await;
    let quick = id_of(&server, "count", json!({"text": "x"})).await;
    // Whoever names one twice follows it once.
    let ids = json!({"taskIds": [slow, quick, slow]});
    let (mut events, accepted) = listening(&server, ids).await;
    assert_eq!(accepted, json!({"taskIds": [slow, quick]}));
    let task = told_when(&mut events, is_over).await;
    assert_eq!(task["taskId"], quick, "{task}");
    gate.cancel();
    let task = told_when(&mut events, is_over).await;
    assert_eq!(task["taskId"], slow, "{task}");
    ends(events).await;
}

#[tokio::test]
async fn tasks_and_other_news_share_a_stream() {
    let (gate, updates) = (CancellationToken::new(), Updates::default());
    let server = Setup::new(app(&gate).updates(&updates)).start().await;
    let id = id_of(&server, "print", json!({"text": "x"})).await;
    let filter = json!({"taskIds": [id], "toolsListChanged": true, "promptsListChanged": true});
    let (mut events, accepted) = listening(&server, filter).await;
    // There is no prompt here whose list could change.
    assert_eq!(accepted, json!({"taskIds": [id], "toolsListChanged": true}));
    let is_there = |task: &Value| task["statusMessage"] == "[1/2] setting type";
    told_when(&mut events, is_there).await;
    updates.send(Update::Prompts);
    updates.send(Update::Tools);
    let news = json!({
        "jsonrpc": "2.0", "method": "notifications/tools/list_changed",
        "params": {"_meta": {SUBSCRIPTION: 1}},
    });
    assert_eq!(events.expect().await, news);
    gate.cancel();
    told_when(&mut events, is_over).await;
    // There may be more of the other news, so it goes on.
    updates.send(Update::Tools);
    assert_eq!(events.expect().await, news);
}

#[tokio::test]
async fn only_who_knows_tasks_can_follow_them() {
    let server = server(&open()).await;
    let id = id_of(&server, "print", json!({"text": "x"})).await;
    let filter = json!({"notifications": {"taskIds": [id]}});
    let refused = server
        .rpc("subscriptions/listen", filter.clone())
        .send()
        .await;
    assert_eq!((refused.status, refused.rpc_error().0), (400, -32_021));
    assert_eq!(
        refused.json()["error"]["data"],
        json!({"requiredCapabilities": {"extensions": {EXTENSION: {}}}})
    );
    let older = server.legacy("subscriptions/listen", filter).send().await;
    assert_eq!(older.rpc_error().0, -32_601);
    // Who asks for none of them need not know them.
    for none in [json!([]), Value::Null] {
        let filter = json!({"notifications": {"taskIds": none}});
        let request = server.rpc("subscriptions/listen", filter);
        let mut events = request.events().await;
        let first = events.expect().await;
        assert_eq!(first["params"]["notifications"], json!({}), "{first}");
        ends(events).await;
    }
}

#[tokio::test]
async fn a_request_that_is_wrong_is_refused_and_not_begun() {
    let updates = Updates::default();
    let server = Setup::new(app(&open()).updates(&updates)).start().await;
    for wrong in [json!("x"), json!([1]), json!({"0": "x"}), json!(true)] {
        let refused = listen(&server, json!({"taskIds": wrong})).send().await;
        assert_eq!(refused.rpc_error().0, -32_602, "{wrong}");
        assert!(refused.rpc_error().1.contains("`taskIds`"), "{wrong}");
    }
    let ids = || listen(&server, json!({"taskIds": [NOWHERE]}));
    let too_many: Vec<_> = (0..1_001).map(|number| format!("x://{number}")).collect();
    let refused = listen(&server, json!({"resourceSubscriptions": too_many})).send();
    assert_eq!(refused.await.rpc_error().0, -32_602);
    let refused = ids().accept("application/json").send().await;
    assert_eq!(refused.status, 406);
    for (header, value) in [
        ("mcp-protocol-version", "2025-11-25"),
        ("mcp-method", "tools/list"),
    ] {
        let refused = ids().header(header, value).send().await;
        assert_eq!(
            (refused.status, refused.rpc_error().0),
            (400, -32_020),
            "{header}"
        );
    }
}

#[tokio::test]
async fn a_server_without_tasks_acknowledges_none() {
    let updates = Updates::default();
    let server = Setup::new(tools().add_job(count()).updates(&updates))
        .start()
        .await;
    let id = crate::offers::started(&server, "count", json!({"text": "x"})).await;
    let filter = json!({"taskIds": [id], "toolsListChanged": true});
    let (mut events, accepted) = listening(&server, filter).await;
    assert_eq!(accepted, json!({"toolsListChanged": true}));
    updates.send(Update::Tools);
    let news = events.expect().await;
    assert_eq!(news["method"], "notifications/tools/list_changed");
}

#[tokio::test]
async fn what_is_no_task_of_this_caller_is_neither_acknowledged_nor_told() {
    let gate = CancellationToken::new();
    let mut gone = exposed(count());
    gone.name = "gone".to_owned();
    gone.options.keep_for = std::time::Duration::ZERO;
    let app = app(&gate).add_job(count()).add_job(gone);
    let server = Setup::new(app.token_verifier(Callers)).start().await;
    let (alice, bob) = (
        server.with_token("alice-token"),
        server.with_token("bob-token"),
    );
    let no_task = crate::offers::started(&bob, "count", json!({"text": "x"})).await;
    let expired = id_of(&bob, "gone", json!({"text": "x"})).await;
    soon(async {
        let get = || about(&bob, "tasks/get", &expired).send();
        while get().await.json().get("error").is_none() {}
    })
    .await;
    // These two take all the places there are to run at.
    let hers = id_of(&alice, "print", json!({"text": "x"})).await;
    let his = id_of(&bob, "print", json!({"text": "x"})).await;
    let mut seen = Vec::new();
    for id in [
        &hers,
        &no_task,
        &expired,
        NOWHERE,
        "0",
        "",
        &hers.to_uppercase(),
    ] {
        let (events, accepted) = listening(&bob, json!({"taskIds": [id]})).await;
        assert_eq!(accepted, json!({}), "{id}");
        ends(events).await;
        let reply = listen(&bob, json!({"taskIds": [id]})).send().await;
        seen.push(reply.text());
    }
    seen.dedup();
    assert_eq!(seen.len(), 1, "{seen:?}");

    let all = json!({"taskIds": [hers, NOWHERE, his, no_task]});
    let (mut events, accepted) = listening(&bob, all).await;
    assert_eq!(accepted, json!({"taskIds": [his]}));
    let mut hers_told = following(&alice, &[&hers]).await;
    gate.cancel();
    told_when(&mut hers_told, is_over).await;
    loop {
        let task = told(&mut events).await;
        assert_eq!(task["taskId"], his, "{task}");
        if is_over(&task) {
            break;
        }
    }
    ends(events).await;
}

#[tokio::test]
async fn a_server_that_stops_ends_the_stream_in_order() {
    let server = server(&CancellationToken::new()).await;
    let id = id_of(&server, "print", json!({"text": "x"})).await;
    let mut events = following(&server, &[&id]).await;
    told(&mut events).await;
    let stopping = tokio::spawn(server.cut());
    let mut last = events.expect().await;
    while last["method"] == "notifications/tasks" {
        last = events.expect().await;
    }
    assert_eq!(last["result"]["resultType"], "complete", "{last}");
    assert_eq!(events.message().await, None);
    soon(stopping).await.unwrap();
}
