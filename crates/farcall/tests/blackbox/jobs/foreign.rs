//! Jobs that do not exist, for this caller: all of them look alike.

use std::time::Duration;

use farcall::{Value, json};

use crate::{
    harness::{Client, Server, Setup, soon},
    offers::{Callers, count, ended, printed, result, started, tools, tools_and_jobs},
};

const NOWHERE: &str = "00000000000000000000000000000000";

async fn server() -> Server {
    Setup::new(tools_and_jobs().token_verifier(Callers))
        .start()
        .await
}

/// Everything that `client` sees of the job `id`, with the id itself written as `ID`, as it came
/// over the wire: answers of tools and of `/files`, with status and headers that tell something.
async fn seen(client: &Client, id: &str) -> Vec<String> {
    let mut seen = Vec::new();
    for tool in [
        "get_print_status",
        "get_print_result",
        "cancel_print",
        "get_count_status",
        "get_count_result",
    ] {
        let reply = client.call(tool, json!({"job_id": id})).await;
        reply.tool_failure();
        seen.push(reply.text());
    }
    for path in [format!("/files/{id}"), format!("/files/{id}/page.txt")] {
        let reply = client.get(&path).await;
        let told: Vec<_> = reply.headers.keys().map(ToString::to_string).collect();
        seen.push(format!("{} {told:?} {}", reply.status, reply.text()));
    }
    seen.iter().map(|text| text.replace(id, "ID")).collect()
}

#[tokio::test]
async fn an_unknown_job_is_an_error_with_its_code_and_its_id() {
    let server = Setup::new(tools_and_jobs()).start().await;
    for tool in ["get_print_status", "get_print_result", "cancel_print"] {
        let failure = server
            .call(tool, json!({"job_id": NOWHERE}))
            .await
            .tool_failure();
        assert_eq!(
            failure,
            json!({
                "error": format!("unknown job_id `{NOWHERE}`; it may have expired, or it was never started here; start the job again"),
                "error_code": "unknown_job",
                "job_id": NOWHERE,
            })
        );
    }
}

#[tokio::test]
async fn what_is_no_id_at_all_is_unknown_too() {
    let server = Setup::new(tools_and_jobs()).start().await;
    let id = printed(&server, "mine").await;
    let long = "a".repeat(100_000);
    for wrong in [
        "",
        "1",
        "../../etc/passwd",
        "' OR 1=1 --",
        "\u{0}",
        "日本",
        &id.to_uppercase(),
        &format!("{id} "),
        &long,
    ] {
        for tool in ["get_print_status", "get_print_result", "cancel_print"] {
            let reply = server.call(tool, json!({"job_id": wrong})).await;
            let failure = reply.tool_failure();
            assert_eq!(failure["error_code"], "unknown_job", "{wrong:?}");
            assert!(reply.body.len() < 1500, "{} bytes", reply.body.len());
        }
    }
}

#[tokio::test]
async fn an_id_of_another_type_breaks_the_schema() {
    let server = Setup::new(tools_and_jobs()).start().await;
    for wrong in [json!(7), Value::Null, json!(["a"]), json!({"a": 1})] {
        let call = server.call("get_print_status", json!({"job_id": wrong}));
        let sentence = call.await.tool_error();
        assert!(sentence.contains("`job_id`"), "{sentence}");
    }
}

#[tokio::test]
async fn a_job_of_another_kind_is_unknown() {
    let server = Setup::new(tools_and_jobs()).start().await;
    let id = printed(&server, "mine").await;
    for tool in ["get_count_status", "get_count_result"] {
        let failure = server
            .call(tool, json!({"job_id": id}))
            .await
            .tool_failure();
        assert_eq!(failure["error_code"], "unknown_job");
    }
}

#[tokio::test]
async fn an_expired_job_is_unknown_and_its_file_is_gone() {
    let mut job = count();
    job.options.keep_for = Duration::ZERO;
    let server = Setup::new(tools().add_job(job)).start().await;
    let id = started(&server, "count", json!({"text": "x"})).await;
    let failure = soon(async {
        loop {
            let reply = server.call("get_count_status", json!({"job_id": id})).await;
            if reply.result()["isError"] == true {
                return reply.tool_failure();
            }
            tokio::task::yield_now().await;
        }
    })
    .await;
    assert_eq!(failure["error_code"], "unknown_job");
    assert_eq!(server.get(&format!("/files/{id}")).await.status, 404);
}

#[tokio::test]
async fn somebody_elses_job_looks_like_one_that_never_was() {
    let server = server().await;
    let (alice, bob) = (
        server.with_token("alice-token"),
        server.with_token("bob-token"),
    );
    let succeeded = printed(&alice, "a secret of alice").await;
    let failed = started(&alice, "print", json!({"text": "x", "jam": true})).await;
    ended(&alice, "print", &failed).await;
    let nothing = seen(&bob, NOWHERE).await;
    assert_eq!(nothing.len(), 7);
    for id in [succeeded.as_str(), failed.as_str()] {
        assert_eq!(seen(&bob, id).await, nothing);
    }
    // It is there all the time.
    let page = alice.get(&format!("/files/{succeeded}/page.txt")).await;
    assert_eq!(page.text(), "a secret of alice");
}

#[tokio::test]
async fn the_operator_sees_everyones_jobs() {
    let server = server().await;
    let id = printed(&server.with_token("alice-token"), "for carol too").await;
    let carol = server.with_token("carol-token");
    assert_eq!(ended(&carol, "print", &id).await["state"], "succeeded");
    assert_eq!(
        result(&carol, "print", &id).await.structured()["ready"],
        true
    );
    let page = carol.get(&format!("/files/{id}/page.txt")).await;
    assert_eq!((page.status, page.text().as_str()), (200, "for carol too"));
}

#[tokio::test]
async fn callers_run_the_same_job_without_meeting() {
    let server = server().await;
    let (alice, bob) = (
        server.with_token("alice-token"),
        server.with_token("bob-token"),
    );
    let (hers, his) = (printed(&alice, "same").await, printed(&bob, "same").await);
    assert_ne!(hers, his);
    assert_eq!(seen(&alice, &his).await, seen(&alice, NOWHERE).await);
    assert_eq!(
        result(&bob, "print", &his).await.structured()["ready"],
        true
    );
}
