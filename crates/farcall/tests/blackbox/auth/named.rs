//! Callers that an operator has named.

use std::{
    fs,
    path::Path,
    time::{Duration, Instant},
};

use farcall::{Scope, json};
use farcall_store::Caller;

use crate::{
    harness::{Client, Engine, Server, Setup, on_each_engine, pace, soon},
    offers::{printed, result, started, status_when, tools, tools_and_jobs},
};

/// Within what every server knows of a change, and what a slow machine may add to it.
const SECOND: Duration = Duration::from_secs(1);
const SLOWNESS: Duration = Duration::from_secs(10);

async fn status(client: &Client) -> u16 {
    client.call("add", json!({"a": 1, "b": 2})).await.status
}

/// Waits until `client` is answered with `expected`, and says how long that took.
async fn answered(client: &Client, expected: u16) -> Duration {
    let begun = Instant::now();
    soon(async {
        while status(client).await != expected {
            pace().await;
        }
    })
    .await;
    begun.elapsed()
}

on_each_engine! {
    async fn from_the_first_name_on_nobody_comes_in_without_a_token(engine: Engine) {
        let server = engine.setup(tools_and_jobs()).start().await;
        assert_eq!(status(&server).await, 200);
        let before = printed(&server, "hello").await;
        let before = result(&server, "print", &before).await.structured();
        assert!(!before["url"].as_str().unwrap().contains('?'), "{before}");
        let operator = server.operator().await;
        let token = operator.names("ci", |_| {}).await;
        let took = answered(&server, 401).await;
        assert!(took < SECOND + SLOWNESS, "{took:?}");
        let ci = server.with_token(&token);
        let id = printed(&ci, "hello").await;
        assert_eq!(ci.get(&format!("/files/{id}")).await.status, 200);
        assert_eq!(server.get(&format!("/files/{id}")).await.status, 401);
        // Now that somebody is asked, a link has something to prove.
        let after = result(&ci, "print", &id).await.structured();
        let (_, target) = after["url"].as_str().unwrap().split_once("/files/").unwrap();
        assert!(target.contains("sig="), "{target}");
        assert_eq!(server.get(&format!("/files/{target}")).await.status, 200);
        // Also when nobody is left.
        operator.revokes(&token).await;
        answered(&ci, 401).await;
        assert_eq!(status(&server).await, 401);
        assert_eq!(server.get("/healthz").await.status, 200);
    }

    async fn a_new_token_opens_at_once_and_a_revoked_one_nothing_a_second_later(engine: Engine) {
        let server = engine.setup(tools_and_jobs()).start().await;
        let operator = server.operator().await;
        let first = operator.names("ci", |_| {}).await;
        answered(&server, 401).await;
        let mut soonest = Duration::MAX;
        for _ in 0..5 {
            let next = operator.rotates("ci", SECOND * 60, None).await;
            let client = server.with_token(&next);
            assert_eq!(status(&client).await, 200, "it is new, and opens");
            operator.revokes(&next).await;
            let took = answered(&client, 401).await;
            assert!(took < SECOND + SLOWNESS, "{took:?}");
            soonest = soonest.min(took);
        }
        assert!(soonest < SECOND * 2, "{soonest:?}");
        assert_eq!(status(&server.with_token(&first)).await, 200);
    }

    async fn a_rotation_costs_no_call(engine: Engine) {
        let setup = engine.setup(tools_and_jobs()).with("FARCALL_CALL_RATE", "off");
        let server = setup.with("FARCALL_TOOL_RATE", "off").start().await;
        let operator = server.operator().await;
        let first = operator.names("ci", |_| {}).await;
        answered(&server, 401).await;
        let (newest, token) = tokio::sync::watch::channel(first);
        let calling = (0..4).map(|_| {
            let (server, token) = (server.with_token(""), token.clone());
            tokio::spawn(async move {
                let mut calls = 0;
                while token.has_changed().is_ok() {
                    let held = token.borrow().clone();
                    assert_eq!(status(&server.with_token(&held)).await, 200);
                    calls += 1;
                }
                calls
            })
        });
        let calling: Vec<_> = calling.collect();
        for _ in 0..10 {
            let next = operator.rotates("ci", SECOND * 5, None).await;
            newest.send_replace(next);
            // As long as it takes until somebody has used it.
            let is_used = |ci: &Caller| ci.tokens.last().unwrap().last_used_at.is_some();
            operator.sees("ci", is_used).await;
        }
        drop(newest);
        for calls in calling {
            assert!(calls.await.unwrap() > 0);
        }
    }

    async fn a_token_ends_when_its_time_is_over(engine: Engine) {
        let server = engine.setup(tools_and_jobs()).start().await;
        let operator = server.operator().await;
        operator.names("ci", |_| {}).await;
        let short = operator.rotates("ci", SECOND * 60, Some(SECOND * 5)).await;
        let client = server.with_token(&short);
        assert_eq!(status(&client).await, 200);
        let took = answered(&client, 401).await;
        assert!(took > SECOND / 2 && took < SECOND * 5 + SLOWNESS, "{took:?}");
    }

    async fn every_caller_has_jobs_of_its_own(engine: Engine) {
        let server = engine.setup(tools_and_jobs()).start().await;
        let operator = server.operator().await;
        let ci = server.with_token(&operator.names("ci", |_| {}).await);
        let lab = server.with_token(&operator.names("lab", |_| {}).await);
        let root = operator.names("root", |rights| {
            rights.scopes.insert(Scope::Admin);
        });
        let root = server.with_token(&root.await);
        let id = printed(&ci, "mine").await;
        let arguments = json!({"job_id": id});
        let foreign = lab.call("get_print_status", arguments.clone()).await;
        assert_eq!(foreign.tool_failure()["error_code"], "unknown_job");
        assert_eq!(lab.get(&format!("/files/{id}")).await.status, 404);
        let seen = root.call("get_print_status", arguments).await;
        assert_eq!(seen.structured()["state"], "succeeded");
        // A rotation changes nothing about whose they are.
        let next = operator.rotates("ci", Duration::ZERO, None).await;
        let next = server.with_token(&next);
        assert_eq!(next.get(&format!("/files/{id}")).await.status, 200);
    }

    async fn a_caller_has_no_more_open_jobs_than_it_may(engine: Engine) {
        let gate = tokio_util::sync::CancellationToken::new();
        let app = tools().add_job(crate::offers::print(&gate)).add_job(crate::offers::count());
        let server = engine.setup(app).start().await;
        let operator = server.operator().await;
        let ci = operator.names("ci", |rights| rights.max_open_jobs = Some(2)).await;
        let ci = server.with_token(&ci);
        let lab = server.with_token(&operator.names("lab", |_| {}).await);
        let first = started(&ci, "print", json!({"text": "1"})).await;
        let keyed = json!({"text": "2", "idempotency_key": "k"});
        let second = started(&ci, "print", keyed.clone()).await;
        let refused = ci.call("start_print", json!({"text": "3"})).await.tool_failure();
        let sentence = refused["error"].as_str().unwrap();
        assert!(sentence.contains("you already have 2 unfinished jobs"), "{refused}");
        assert!(refused["retry_after_ms"].is_number(), "{refused}");
        assert_eq!(started(&ci, "print", keyed).await, second, "a repetition is no more");
        started(&lab, "print", json!({"text": "4"})).await;
        gate.cancel();
        status_when(&ci, "print", &first, |status| status["state"] == "succeeded").await;
        started(&ci, "print", json!({"text": "5"})).await;
    }

    async fn the_last_use_is_noted(engine: Engine) {
        let server = engine.setup(tools_and_jobs()).start().await;
        let operator = server.operator().await;
        let token = operator.names("ci", |_| {}).await;
        operator.sees("ci", |ci| ci.tokens[0].last_used_at.is_none()).await;
        assert_eq!(status(&server.with_token(&token)).await, 200);
        operator.sees("ci", |ci| ci.tokens[0].last_used_at.is_some()).await;
    }
}

async fn named() -> (Server, String) {
    let server = Setup::new(tools_and_jobs()).start().await;
    let token = server.operator().await.names("ci", |_| {}).await;
    answered(&server, 401).await;
    (server, token)
}

#[tokio::test]
async fn what_is_nearly_a_token_opens_nothing_and_is_answered_alike() {
    let (server, token) = named().await;
    let (id, secret) = (&token[3..15], &token[16..]);
    let other = "0".repeat(43);
    let mut wrong = vec![
        format!("fc_{id}_{other}"),
        format!("fc_zzzzzzzzzzzz_{secret}"),
        format!("fc_zzzzzzzzzzzz_{other}"),
        format!("fc_{id}_{}", secret.to_uppercase()),
        token.to_uppercase(),
        token[..token.len() - 1].to_owned(),
        format!("{token}0"),
        token[3..].to_owned(),
        format!("FC_{id}_{secret}"),
        format!("fc_{id}{secret}"),
        format!("fc__{id}_{secret}"),
        format!("fc_{id}_"),
        "fc_".to_owned(),
        "fc__".to_owned(),
        format!("fc_{id}_{}", "9".repeat(8_000)),
        format!("fc_{}_{secret}", "a".repeat(8_000)),
        format!("\"{token}\""),
        format!("{token},{token}"),
        format!("{token} {token}"),
        format!("{token}="),
        format!("fc_{id}_{}%00", &secret[..40]),
        format!("fc_{id}_{}'--", &secret[..40]),
        format!("fc_' OR '1'='1_{secret}"),
    ];
    for place in 16..token.len() {
        let mut changed = token.clone().into_bytes();
        changed[place] = if changed[place] == b'0' { b'1' } else { b'0' };
        wrong.push(String::from_utf8(changed).unwrap());
    }
    assert!(wrong.len() > 60);
    let refusals = wrong.iter().map(|wrong| {
        let client = server.with_token(wrong);
        async move { client.call("add", json!({"a": 1, "b": 2})).await }
    });
    let mut bodies = std::collections::BTreeSet::new();
    for reply in futures_in_turn(refusals).await {
        assert_eq!(reply.status, 401, "{}", reply.text());
        assert!(!reply.text().contains(secret));
        bodies.insert((reply.text(), reply.header("www-authenticate").to_owned()));
    }
    assert_eq!(bodies.len(), 1, "{bodies:?}");
    assert_eq!(status(&server.with_token(&token)).await, 200);
}

/// All of them at once, in their order.
async fn futures_in_turn<F: Future<Output: Send + 'static> + Send + 'static>(
    all: impl Iterator<Item = F>,
) -> Vec<F::Output> {
    let running: Vec<_> = all.map(tokio::spawn).collect();
    let mut answers = Vec::new();
    for answer in running {
        answers.push(answer.await.unwrap());
    }
    answers
}

#[tokio::test]
async fn the_shared_secret_goes_on_beside_named_callers() {
    let setup = Setup::new(tools_and_jobs()).with("MCP_BEARER_TOKEN", "a-secret-of-many-letters");
    let server = setup.start().await;
    let token = server.operator().await.names("ci", |_| {}).await;
    for token in [&token, "a-secret-of-many-letters"] {
        assert_eq!(status(&server.with_token(token)).await, 200);
    }
    assert_eq!(status(&server).await, 401);
}

#[tokio::test]
async fn a_server_that_keeps_nothing_knows_the_callers_that_were_named_beside_it() {
    let server = Setup::new(tools()).start().await;
    assert_eq!(status(&server).await, 200);
    // Another program of the same folder makes the store.
    let folder = server.secret_path().to_owned();
    let clock = std::sync::Arc::new(farcall_core::clock::SystemClock);
    let store = farcall_store::SqliteStore::open(folder.as_ref(), clock).await;
    farcall_store::JobStore::close(&store.unwrap()).await;
    let token = server.operator().await.names("ci", |_| {}).await;
    answered(&server, 401).await;
    assert_eq!(status(&server.with_token(&token)).await, 200);
}

#[tokio::test]
async fn a_store_that_cannot_be_opened_may_have_callers_in_it() {
    let server = Setup::new(tools()).start().await;
    assert_eq!(status(&server).await, 200);
    let folder = Path::new(server.secret_path());
    fs::create_dir_all(folder).unwrap();
    let store = folder.join("jobs.sqlite3");
    fs::write(
        &store,
        "nobody can read this, and somebody may have named a caller",
    )
    .unwrap();
    answered(&server, 401).await;
    // Nobody could look whose it is.
    let token = format!("fc_{}_{}", "a".repeat(12), "A".repeat(43));
    assert_eq!(status(&server.with_token(&token)).await, 503);
    fs::remove_file(store).unwrap();
    answered(&server, 200).await;
}

#[tokio::test]
async fn who_lacks_a_scope_is_told_which() {
    let server = Setup::new(tools_and_jobs()).start().await;
    let operator = server.operator().await;
    let token = operator
        .names("root", |rights| rights.scopes = [Scope::Admin].into())
        .await;
    let root = server.with_token(&token);
    let reply = root.call("add", json!({"a": 1, "b": 2})).await;
    assert_eq!(reply.status, 403, "{}", reply.text());
    assert_eq!(
        reply.header("www-authenticate"),
        "Bearer error=\"insufficient_scope\", scope=\"call\""
    );
    assert!(reply.rpc_error().1.contains("scope `call`"));
    assert_eq!(root.get("/files/x").await.status, 403);
}

/// P 3.2: what an answer takes tells nothing about whether there is a token of that id.
#[tokio::test]
async fn an_unknown_id_and_a_wrong_secret_take_equally_long() {
    let (server, token) = named().await;
    let wrong = [
        server.with_token(&format!("fc_{}_{}", &token[3..15], "0".repeat(43))),
        server.with_token(&format!("fc_{}_{}", "z".repeat(12), "0".repeat(43))),
    ];
    let mut took = [Vec::new(), Vec::new()];
    for round in 0..60 {
        // In turns, so that whatever the machine does meets both.
        for which in [round % 2, (round + 1) % 2] {
            let begun = Instant::now();
            assert_eq!(status(&wrong[which]).await, 401);
            took[which].push(begun.elapsed());
        }
    }
    let [secret, id] = took.map(|mut took| {
        took.sort_unstable();
        took[took.len() / 2].as_secs_f64()
    });
    // Half of what one search for nothing takes would be nanoseconds; what this finds is a database asked
    // for one of both, or a wait for one of both.
    assert!((secret - id).abs() < 0.02, "{secret} {id}");
}
