//! The tools that a job becomes.

use farcall::json;
use tokio_util::sync::CancellationToken;

use crate::{
    harness::{Server, Setup},
    offers::{ended, print, printed, result, started, status_when, tools, tools_and_jobs},
};

async fn server() -> Server {
    Setup::new(tools_and_jobs()).start().await
}

#[tokio::test]
async fn a_job_becomes_four_tools_in_its_place() {
    let app = tools_and_jobs();
    let server = Setup::new(app).start().await;
    let listed = server.rpc("tools/list", json!({})).send().await.result();
    let names: Vec<_> = listed["tools"]
        .as_array()
        .unwrap()
        .iter()
        .map(|tool| &tool["name"])
        .collect();
    assert_eq!(
        names[3..],
        [
            "start_print",
            "get_print_status",
            "get_print_result",
            "cancel_print",
            "start_count",
            "get_count_status",
            "get_count_result",
            "cancel_count"
        ]
    );
    let start = listed["tools"][3]["description"].as_str().unwrap();
    assert!(start.contains("Results are kept for 7 days."), "{start}");
    for reader in [4, 5] {
        assert_eq!(listed["tools"][reader]["annotations"]["readOnlyHint"], true);
    }
    let cancel = &listed["tools"][6]["annotations"];
    assert_eq!(
        *cancel,
        json!({"destructiveHint": true, "idempotentHint": true})
    );
}

#[tokio::test]
async fn a_start_answers_at_once_with_what_to_do_next() {
    let gate = CancellationToken::new();
    let server = Setup::new(tools().add_job(print(&gate))).start().await;
    let answer = server
        .call("start_print", json!({"text": "x"}))
        .await
        .structured();
    let id = answer["job_id"].as_str().unwrap();
    assert!(
        id.len() == 32
            && id
                .bytes()
                .all(|digit| matches!(digit, b'0'..=b'9' | b'a'..=b'f')),
        "{id}"
    );
    assert_eq!(
        answer,
        json!({"job_id": id, "state": "queued", "total_stages": 2, "poll_after_ms": 2000})
    );
    gate.cancel();
}

#[tokio::test]
async fn a_running_job_says_its_stage_and_has_no_result() {
    let gate = CancellationToken::new();
    let server = Setup::new(tools().add_job(print(&gate))).start().await;
    let id = started(&server, "print", json!({"text": "x"})).await;
    let status = status_when(&server, "print", &id, |status| status["stage"] == 1).await;
    assert_eq!(
        status,
        json!({"job_id": id, "state": "running", "stage": 1, "total_stages": 2, "message": "[1/2] setting type", "poll_after_ms": 2000})
    );
    assert_eq!(
        result(&server, "print", &id).await.structured(),
        json!({"job_id": id, "ready": false, "state": "running"})
    );
    gate.cancel();
    ended(&server, "print", &id).await;
}

#[tokio::test]
async fn a_finished_job_is_done_at_its_last_stage() {
    let server = server().await;
    let id = printed(&server, "hello").await;
    let mut status = ended(&server, "print", &id).await;
    let expires_at = status.as_object_mut().unwrap().remove("expires_at");
    assert!(expires_at.unwrap().as_str().unwrap().ends_with('Z'));
    assert_eq!(
        status,
        json!({"job_id": id, "state": "succeeded", "stage": 2, "total_stages": 2, "message": "done"})
    );
}

#[tokio::test]
async fn the_result_names_every_file_and_the_primary_one_opens() {
    let server = server().await;
    let id = printed(&server, "hello").await;
    let result = result(&server, "print", &id).await.structured();
    let base = format!("http://{}/files/{id}", server.address);
    assert_eq!(
        (&result["ready"], &result["url"]),
        (&json!(true), &json!(base))
    );
    let files = result["artifacts"].as_array().unwrap();
    let names: Vec<_> = files
        .iter()
        .map(|file| file["name"].as_str().unwrap())
        .collect();
    assert_eq!(names, ["log.csv", "page.txt"]);
    let page = &files[1];
    assert_eq!(page["size"], 5);
    assert_eq!(page["url"], format!("{base}/page.txt"));
    assert_eq!(page["media_type"], "text/plain; charset=utf-8");
    assert_eq!(
        page["sha256"],
        "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"
    );
    let expires_at = page["expires_at"].as_str().unwrap();
    assert!(
        expires_at.ends_with('Z') && expires_at.contains('T'),
        "{expires_at}"
    );
    assert_eq!(server.get(&format!("/files/{id}")).await.status, 200);
}

#[tokio::test]
async fn urls_begin_with_the_public_address() {
    let setup = Setup::new(tools_and_jobs()).with("PUBLIC_BASE_URL", "https://mcp.example.com/");
    let server = setup.start().await;
    let id = printed(&server, "hello").await;
    let result = result(&server, "print", &id).await.structured();
    assert_eq!(result["url"], format!("https://mcp.example.com/files/{id}"));
}

#[tokio::test]
async fn a_job_without_files_leaves_its_value_as_one() {
    let server = server().await;
    let id = started(&server, "count", json!({"text": "four"})).await;
    ended(&server, "count", &id).await;
    let result = result(&server, "count", &id).await.structured();
    assert_eq!(result["result"], json!({"characters": 4}));
    assert_eq!(result["artifacts"][0]["name"], "result.json");
    let file = server.get(&format!("/files/{id}")).await;
    assert_eq!(file.json(), json!({"characters": 4}));
}

#[tokio::test]
async fn a_job_that_fails_says_why_everywhere() {
    let server = server().await;
    let id = started(&server, "print", json!({"text": "x", "jam": true})).await;
    let status = ended(&server, "print", &id).await;
    assert_eq!(status["state"], "failed");
    assert_eq!(status["error"], "the paper is jammed; pull it out");
    assert_eq!(status["error_code"], "user_error");
    assert_eq!(
        result(&server, "print", &id).await.structured(),
        json!({"job_id": id, "ready": false, "state": "failed", "error": "the paper is jammed; pull it out", "error_code": "user_error"})
    );
    assert_eq!(server.get(&format!("/files/{id}")).await.status, 404);
}

#[tokio::test]
async fn a_job_that_panics_fails_and_the_next_one_runs() {
    use farcall::{Job, JobContext, Pipeline, Value};

    let pipeline = Pipeline::new().stage("falling", |_: &JobContext, arguments: Value| {
        assert!(arguments.is_null(), "panicked in /src/stage.rs:1");
        Ok(arguments)
    });
    let mut job = Job::new("fall", "Fall over.", pipeline);
    job.input_schema = farcall_core::schema::empty_object();
    let server = Setup::new(tools_and_jobs().add_job(job)).start().await;
    let id = started(&server, "fall", json!({})).await;
    let status = ended(&server, "fall", &id).await;
    assert_eq!(
        (&status["state"], &status["error_code"]),
        (&json!("failed"), &json!("internal"))
    );
    printed(&server, "after").await;
}

#[tokio::test]
async fn wrong_parameters_start_nothing() {
    let server = server().await;
    for (arguments, said) in [
        (json!({}), "`text` is required and missing"),
        (json!({"text": 1}), "`text`: it is not of type \"string\""),
        (
            json!({"text": "x", "pages": 2}),
            "`pages` is not a known parameter",
        ),
        (json!({"text": "x".repeat(1001)}), "`text`"),
    ] {
        let sentence = server.call("start_print", arguments).await.tool_error();
        assert!(sentence.contains(said), "{sentence}");
    }
}

#[tokio::test]
async fn many_jobs_at_once_all_end() {
    let server = server().await;
    let mut ids = Vec::new();
    for n in 0..20 {
        ids.push(started(&server, "count", json!({"text": "x".repeat(n)})).await);
    }
    for (n, id) in ids.iter().enumerate() {
        ended(&server, "count", id).await;
        let result = result(&server, "count", id).await.structured();
        assert_eq!(result["result"]["characters"], n);
    }
}
