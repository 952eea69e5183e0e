//! `get_<x>_log`.

use farcall::{Job, JobContext, Pipeline, Problem, Value, json};
use tokio_util::sync::CancellationToken;

use crate::{
    harness::{Client, Server, Setup},
    offers::{Callers, count, ended, started, status_when, tools},
};

/// The job `talk`, whose one stage does `stage`.
fn talk(stage: impl Fn(&JobContext) -> Result<(), Problem> + Send + Sync + 'static) -> Job {
    let pipeline = Pipeline::new().stage("talking", move |ctx: &JobContext, _: Value| stage(ctx));
    let mut job = Job::new("talk", "Talk.", pipeline).with(|options| options.log = true);
    job.input_schema = farcall_core::schema::empty_object();
    job
}

fn says(lines: u32) -> Job {
    talk(move |ctx| {
        for number in 1..=lines {
            ctx.log(format!("line {number}"));
        }
        Ok(())
    })
}

async fn talked(client: &Client) -> String {
    let id = started(client, "talk", json!({})).await;
    ended(client, "talk", &id).await;
    id
}

async fn server(job: Job) -> Server {
    let app = tools().add_job(job).add_job(count());
    Setup::new(app.token_verifier(Callers)).start().await
}

async fn read(client: &Client, id: &str, mut arguments: Value) -> Value {
    arguments["job_id"] = id.into();
    client.call("get_talk_log", arguments).await.structured()
}

fn texts(page: &Value) -> Vec<&str> {
    let lines = page["lines"].as_array().unwrap().iter();
    lines.map(|line| line["text"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn everything_that_was_said_is_there_in_its_order_when_the_job_is_over() {
    let server = server(talk(|ctx| {
        ctx.log("the first");
        ctx.log("two\nlines");
        Err(Problem::user("no more to say"))
    }))
    .await;
    let alice = server.with_token("alice-token");
    let id = talked(&alice).await;
    let page = read(&alice, &id, json!({})).await;
    assert_eq!(texts(&page), ["the first", "two", "lines"]);
    assert_eq!(
        (&page["job_id"], &page["next_cursor"], &page["more"]),
        (&json!(id), &json!("4"), &json!(false))
    );
    let line = &page["lines"][1];
    assert_eq!(line["n"], 2);
    assert!(line["at"].as_str().unwrap().ends_with('Z'), "{line}");
}

#[tokio::test]
async fn a_log_is_read_while_it_is_written_and_goes_on_at_its_cursor() {
    let gate = CancellationToken::new();
    let wait = gate.clone();
    let job = talk(move |ctx| {
        ctx.log("before");
        tokio::runtime::Handle::current().block_on(wait.cancelled());
        ctx.log("after");
        Ok(())
    });
    let server = server(job).await;
    let alice = server.with_token("alice-token");
    let id = started(&alice, "talk", json!({})).await;
    status_when(&alice, "talk", &id, |status| status["stage"] == 1).await;
    let page = crate::harness::soon(async {
        loop {
            let page = read(&alice, &id, json!({})).await;
            if !texts(&page).is_empty() {
                return page;
            }
            crate::harness::pace().await;
        }
    });
    let page = page.await;
    assert_eq!(
        (texts(&page), &page["more"]),
        (vec!["before"], &json!(true))
    );
    gate.cancel();
    ended(&alice, "talk", &id).await;
    let rest = read(&alice, &id, json!({"cursor": page["next_cursor"]})).await;
    assert_eq!(
        (texts(&rest), &rest["more"]),
        (vec!["after"], &json!(false))
    );
}

#[tokio::test]
async fn a_long_log_comes_in_pages_without_a_gap() {
    let server = server(says(450)).await;
    let alice = server.with_token("alice-token");
    let id = talked(&alice).await;
    assert_eq!(texts(&read(&alice, &id, json!({})).await).len(), 50);
    let (mut seen, mut page) = (Vec::new(), json!({"next_cursor": "1", "more": true}));
    while page["more"] == true {
        let arguments = json!({"cursor": page["next_cursor"], "lines": 200});
        page = read(&alice, &id, arguments).await;
        seen.extend(texts(&page).into_iter().map(str::to_owned));
    }
    let expected: Vec<_> = (1..=450).map(|number| format!("line {number}")).collect();
    assert_eq!(seen, expected);
}

#[tokio::test]
async fn a_text_finds_its_lines_however_far_away() {
    let server = server(says(9_000)).await;
    let alice = server.with_token("alice-token");
    let id = talked(&alice).await;
    let (mut found, mut calls, mut cursor) = (Vec::new(), 0, json!("1"));
    loop {
        let arguments = json!({"cursor": cursor, "grep": "777"});
        let page = read(&alice, &id, arguments).await;
        found.extend(texts(&page).into_iter().map(str::to_owned));
        calls += 1;
        if page["more"] == false {
            break;
        }
        cursor = page["next_cursor"].clone();
    }
    assert_eq!(found.len(), 18, "{found:?}");
    // No call looks through more than 2,000 lines.
    assert_eq!(calls, 5);
}

#[tokio::test]
async fn one_answer_is_no_longer_than_a_client_can_bear() {
    let server = server(talk(|ctx| {
        for _ in 0..100 {
            ctx.log("x".repeat(5_000));
        }
        Ok(())
    }))
    .await;
    let alice = server.with_token("alice-token");
    let id = talked(&alice).await;
    let page = read(&alice, &id, json!({"lines": 200})).await;
    assert_eq!(texts(&page).len(), 32);
    assert!(texts(&page).iter().all(|line| line.len() == 2_048));
    let rest = read(
        &alice,
        &id,
        json!({"cursor": page["next_cursor"], "lines": 200}),
    )
    .await;
    assert_eq!(rest["lines"][0]["n"], 33);
}

#[tokio::test]
async fn of_a_very_long_log_the_end_is_kept_and_the_numbers_say_so() {
    let server = server(says(25_000)).await;
    let alice = server.with_token("alice-token");
    let id = talked(&alice).await;
    let page = read(&alice, &id, json!({"grep": "line 25000"})).await;
    // Lines are left out before they are written, or after; either is to be seen.
    let first = read(&alice, &id, json!({"lines": 1})).await;
    let is_numbered_on = first["lines"][0]["n"] != 1;
    let is_told = texts(&first)[0].ends_with("lines were left out here)");
    assert!(is_numbered_on || is_told, "{first}");
    assert!(page["lines"].as_array().is_some());
}

#[tokio::test]
async fn a_wrong_cursor_or_text_is_refused() {
    let server = server(says(1)).await;
    let alice = server.with_token("alice-token");
    for (name, wrong) in [
        ("cursor", json!("-1")),
        ("cursor", json!("x")),
        ("cursor", json!("9".repeat(19))),
        ("cursor", json!(1)),
        ("lines", json!(0)),
        ("lines", json!(201)),
        ("grep", json!("x".repeat(201))),
    ] {
        let arguments = json!({"job_id": "0", name: wrong});
        let sentence = alice.call("get_talk_log", arguments).await.tool_error();
        assert!(sentence.contains(&format!("`{name}`")), "{sentence}");
    }
    let id = talked(&alice).await;
    let beyond = read(&alice, &id, json!({"cursor": "9".repeat(18)})).await;
    assert_eq!((texts(&beyond).len(), &beyond["more"]), (0, &json!(false)));
}

#[tokio::test]
async fn a_log_belongs_to_its_caller_and_to_its_job() {
    let server = server(says(1)).await;
    let (alice, bob) = (
        server.with_token("alice-token"),
        server.with_token("bob-token"),
    );
    let hers = talked(&alice).await;
    let counted = started(&alice, "count", json!({"text": "x"})).await;
    for (caller, id) in [(&bob, &hers), (&alice, &counted)] {
        let failure = caller.call("get_talk_log", json!({"job_id": id})).await;
        assert_eq!(failure.tool_failure()["error_code"], "unknown_job");
    }
}

#[tokio::test]
async fn a_job_that_does_not_ask_for_it_has_no_such_tool() {
    let job = says(1).with(|options| options.log = false);
    let server = Setup::new(tools().add_job(job)).start().await;
    let listed = server.rpc("tools/list", json!({})).send().await.result();
    let tools = listed["tools"].as_array().unwrap();
    assert!(tools.iter().all(|tool| tool["name"] != "get_talk_log"));
    talked(&server).await;
}
