//! Starts that are repeated: by their key, or by their arguments within a while.

use std::time::Duration;

use farcall::{Job, JobContext, Pipeline, Value, json};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::{
    harness::{Client, Setup, pace, soon},
    offers::{Callers, count, ended, print, result, started, tools, tools_and_jobs},
};

async fn start(client: &Client, arguments: Value) -> Value {
    client.call("start_count", arguments).await.structured()
}

fn keyed(text: &str, key: &str) -> Value {
    json!({"text": text, "idempotency_key": key})
}

/// P2.
#[tokio::test]
async fn sixty_four_starts_with_one_key_at_once_are_one_job() {
    let server = Setup::new(tools_and_jobs()).start().await;
    let mut starts = JoinSet::new();
    for _ in 0..64 {
        let client = Client::clone(&server);
        starts.spawn(async move { start(&client, keyed("once", "a-key")).await });
    }
    let answers = soon(starts.join_all()).await;
    let id = &answers[0]["job_id"];
    assert!(answers.iter().all(|answer| answer["job_id"] == *id));
    let is_first = |answer: &&Value| answer.get("deduplicated").is_none();
    assert_eq!(answers.iter().filter(is_first).count(), 1);
}

/// P2.
#[tokio::test]
async fn a_key_is_known_after_a_restart_and_when_its_job_is_over() {
    let never = CancellationToken::new();
    let server = Setup::new(tools().add_job(print(&never))).start().await;
    let order = json!({"text": "once", "idempotency_key": "a-key"});
    let id = started(&server, "print", order.clone()).await;
    let folder = server.cut().await;

    let server = Setup::new(tools_and_jobs()).in_folder(folder).start().await;
    assert_eq!(started(&server, "print", order.clone()).await, id);
    assert_eq!(ended(&server, "print", &id).await["state"], "succeeded");
    let again = server.call("start_print", order).await.structured();
    assert_eq!(
        again,
        json!({"job_id": id, "state": "succeeded", "total_stages": 2, "poll_after_ms": 2000, "deduplicated": true})
    );
}

/// P2.
#[tokio::test]
async fn a_key_with_other_arguments_is_a_conflict() {
    let server = Setup::new(tools_and_jobs()).start().await;
    let id = start(&server, keyed("one", "a-key")).await["job_id"].clone();
    let conflict = server.call("start_count", keyed("two", "a-key")).await;
    assert_eq!(
        conflict.tool_failure(),
        json!({
            "error": "this `idempotency_key` came with other arguments before; send a key of its own for each job that you want",
            "error_code": "idempotency_conflict",
        })
    );
    assert_ne!(start(&server, keyed("two", "b-key")).await["job_id"], id);
    assert_ne!(start(&server, json!({"text": "one"})).await["job_id"], id);
}

#[tokio::test]
async fn a_key_belongs_to_its_caller_and_to_its_job() {
    let app = tools_and_jobs().token_verifier(Callers);
    let server = Setup::new(app).start().await;
    let (alice, bob) = (
        server.with_token("alice-token"),
        server.with_token("bob-token"),
    );
    let hers = start(&alice, keyed("same", "a-key")).await;
    let his = start(&bob, keyed("same", "a-key")).await;
    let printed = alice.call("start_print", keyed("same", "a-key")).await;
    assert_ne!(hers["job_id"], his["job_id"]);
    assert_ne!(hers["job_id"], printed.structured()["job_id"]);
    for answer in [hers, his, printed.structured()] {
        assert!(answer.get("deduplicated").is_none(), "{answer}");
    }
}

#[tokio::test]
async fn the_code_of_the_job_does_not_see_the_key() {
    let repeat = Pipeline::new().stage("repeating", |_: &JobContext, said: Value| Ok(said));
    let mut job = Job::new("repeat", "Repeat.", repeat);
    job.input_schema = farcall_core::schema::empty_object();
    let server = Setup::new(tools().add_job(job)).start().await;
    let id = started(&server, "repeat", json!({"idempotency_key": "a-key"})).await;
    ended(&server, "repeat", &id).await;
    let left = result(&server, "repeat", &id).await.structured();
    assert_eq!(left["result"], json!({}));
}

#[tokio::test]
async fn what_is_no_key_starts_nothing() {
    let server = Setup::new(tools_and_jobs()).start().await;
    for wrong in [
        json!(""),
        json!("a b"),
        json!("schlüssel"),
        json!("a\n"),
        json!("k".repeat(256)),
        json!(7),
        Value::Null,
    ] {
        let arguments = json!({"text": "x", "idempotency_key": wrong});
        let sentence = server.call("start_count", arguments).await.tool_error();
        assert!(sentence.contains("`idempotency_key`"), "{sentence}");
    }
    start(&server, keyed("x", &"~".repeat(255))).await;
}

#[tokio::test]
async fn a_job_whose_parameters_are_one_of_several_shapes_takes_a_key_too() {
    let pour = Pipeline::new().stage("pouring", |_: &JobContext, order: Value| Ok(order));
    let mut job = Job::new("pour", "Pour a drink.", pour);
    let shape = |drink: &str, measure: &str| {
        json!({
            "type": "object",
            "properties": {
                "drink": {"const": drink, "description": "What to pour."},
                measure: {"type": "integer", "description": "How many."},
            },
            "required": ["drink", measure],
            "additionalProperties": false,
        })
    };
    job.input_schema = farcall_core::schema::object(json!({
        "type": "object",
        "oneOf": [shape("tea", "cups"), shape("water", "glasses")],
    }));
    let server = Setup::new(tools().add_job(job)).start().await;
    let order = json!({"drink": "tea", "cups": 2, "idempotency_key": "a-key"});
    let id = started(&server, "pour", order.clone()).await;
    assert_eq!(started(&server, "pour", order).await, id);
    let wrong = json!({"drink": "tea", "cups": 2, "milk": true});
    server.call("start_pour", wrong).await.tool_error();
}

#[tokio::test]
async fn the_key_of_an_expired_job_is_free() {
    let job = count().with(|options| options.keep_for = Duration::ZERO);
    let server = Setup::new(tools().add_job(job)).start().await;
    let first = start(&server, keyed("x", "a-key")).await;
    let second = soon(async {
        loop {
            let answer = start(&server, keyed("x", "a-key")).await;
            if answer.get("deduplicated").is_none() {
                return answer;
            }
            pace().await;
        }
    });
    assert_ne!(second.await["job_id"], first["job_id"]);
}

#[tokio::test]
async fn identical_starts_of_a_job_that_wants_it_are_one_job() {
    let never = CancellationToken::new();
    let unique = print(&never).with(|options| options.unique_for = Some(Duration::from_hours(1)));
    let app = tools().add_job(unique).add_job(count());
    let server = Setup::new(app.token_verifier(Callers)).start().await;
    let (alice, bob) = (
        server.with_token("alice-token"),
        server.with_token("bob-token"),
    );
    let start = async |client: &Client, arguments: Value| {
        let answer = client.call("start_print", arguments).await.structured();
        let was_there = answer.get("deduplicated").is_some();
        (answer["job_id"].clone(), was_there)
    };
    let (id, _) = start(&alice, json!({"text": "x"})).await;
    assert_eq!(
        start(&alice, json!({"text": "x"})).await,
        (id.clone(), true)
    );
    for (client, arguments) in [
        (&alice, json!({"text": "y"})),
        (&alice, keyed("z", "a-key")),
        (&bob, json!({"text": "x"})),
    ] {
        let (other, was_there) = start(client, arguments).await;
        assert!(other != id && !was_there);
    }
    // A job that has failed is no reason not to try again.
    alice.call("cancel_print", json!({"job_id": id})).await;
    let (next, was_there) = start(&alice, json!({"text": "x"})).await;
    assert!(next != id && !was_there);

    let first = started(&alice, "count", json!({"text": "x"})).await;
    assert_ne!(started(&alice, "count", json!({"text": "x"})).await, first);
}
