//! Servers that break the job contract, and files that are not what they should be.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicUsize, Ordering},
};

use farcall::{
    App, JsonObject, Tool, ToolDeclaration, ToolOutput, Value,
    axum::{Router, http::HeaderMap, routing::get},
    json, testing,
};

use crate::harness::{TOKEN, serve, shows, smoke, with_server};

const ID: &str = "2669ffa42669ffa42669ffa42669ffa4";

/// A job called `x` whose tools answer what they are told to; its status tool goes through
/// `statuses`, and stays at the last one.
fn scripted(statuses: Vec<Value>, result: Value) -> App {
    let position = AtomicUsize::new(0);
    let status = move || {
        let now = position.fetch_add(1, Ordering::Relaxed);
        statuses[now.min(statuses.len() - 1)].clone()
    };
    App::new("broken")
        .add_tool(answering(
            "start_x",
            || json!({"job_id": ID, "state": "queued"}),
        ))
        .add_tool(answering("get_x_status", status))
        .add_tool(answering("get_x_result", move || result.clone()))
}

fn answering(name: &str, answer: impl Fn() -> Value + Send + Sync + 'static) -> Tool {
    let mut declaration = ToolDeclaration::new(name, "Answer as it is told to.");
    declaration.input_schema = JsonObject::from_iter([
        ("type".to_owned(), "object".into()),
        ("additionalProperties".to_owned(), true.into()),
    ]);
    Tool::dynamic(declaration, move |_, _| {
        let answer = ToolOutput::structured(answer());
        async move { Ok(answer) }
    })
}

fn status(state: &str, reached: u64) -> Value {
    json!({"job_id": ID, "state": state, "stage": reached, "total_stages": 3, "message": "working"})
}

fn ready(url: &str, content: &[u8]) -> Value {
    let sha256 = "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824";
    json!({"job_id": ID, "ready": true, "url": url, "artifacts": [
        {"name": "a.txt", "url": url, "size": content.len(), "sha256": sha256},
    ]})
}

#[test]
fn a_stage_that_goes_back() {
    let app = scripted(vec![status("running", 2), status("running", 1)], json!({}));
    with_server(app, |url| async move {
        shows!(smoke(&url).run().await, @r#"
        exit 1
        ---- stdout
        tools: ["start_x", "get_x_status", "get_x_result"]
        start_x -> {"job_id":"[JOB]…","state":"queued"}
        status -> running 2/3 working
        ---- stderr
        error: `get_x_status` answered with stage 1, after it had said 2: {"job_id":"[JOB]","state":"running","stage":1,"total_stages":3,"message":"working"}
        "#);
    });
}

#[test]
fn a_stage_above_the_total() {
    with_server(
        scripted(vec![status("running", 4)], json!({})),
        |url| async move {
            shows!(smoke(&url).run().await, @r#"
        exit 1
        ---- stdout
        tools: ["start_x", "get_x_status", "get_x_result"]
        start_x -> {"job_id":"[JOB]…","state":"queued"}
        ---- stderr
        error: `get_x_status` answered with stage 4 of 3: {"job_id":"[JOB]","state":"running","stage":4,"total_stages":3,"message":"working"}
        "#);
        },
    );
}

#[test]
fn a_success_before_the_last_stage() {
    with_server(
        scripted(vec![status("succeeded", 2)], json!({})),
        |url| async move {
            shows!(smoke(&url).run().await, @r#"
        exit 1
        ---- stdout
        tools: ["start_x", "get_x_status", "get_x_result"]
        start_x -> {"job_id":"[JOB]…","state":"queued"}
        ---- stderr
        error: `get_x_status` answered that the job has succeeded in stage 2 of 3: {"job_id":"[JOB]","state":"succeeded","stage":2,"total_stages":3,"message":"working"}
        "#);
        },
    );
}

#[test]
fn another_job_than_the_one_that_was_asked_for() {
    let other =
        json!({"job_id": "1", "state": "running", "stage": 1, "total_stages": 3, "message": ""});
    with_server(scripted(vec![other], json!({})), |url| async move {
        shows!(smoke(&url).run().await, @r#"
        exit 1
        ---- stdout
        tools: ["start_x", "get_x_status", "get_x_result"]
        start_x -> {"job_id":"[JOB]…","state":"queued"}
        ---- stderr
        error: `get_x_status` answered without the `job_id` [JOB]…: {"job_id":"1","state":"running","stage":1,"total_stages":3,"message":""}
        "#);
    });
}

#[test]
fn what_only_the_second_version_shows_is_told_apart() {
    let statuses = vec![
        status("succeeded", 3),
        status("running", 3),
        status("running", 2),
    ];
    testing::block_on(async {
        let files = serve(Router::new().route("/files/x", get(async || "hello"))).await;
        let app = scripted(statuses, ready(&format!("{files}/files/x"), b"hello"));
        let server = testing::Server::start(app).await.unwrap();
        let ended = smoke(server.url()).run().await;
        assert_eq!(ended.exit, 1);
        assert!(
            ended
                .stderr
                .starts_with("error: over 2025-11-25: `get_x_status`"),
            "{ended}"
        );
        assert!(!ended.stdout.contains("OK"), "{ended}");
    });
}

#[test]
fn a_result_that_is_not_ready() {
    let result = json!({"job_id": ID, "ready": false, "state": "succeeded"});
    with_server(
        scripted(vec![status("succeeded", 3)], result),
        |url| async move {
            shows!(smoke(&url).run().await, @r#"
        exit 1
        ---- stdout
        tools: ["start_x", "get_x_status", "get_x_result"]
        start_x -> {"job_id":"[JOB]…","state":"queued"}
        status -> succeeded 3/3 working
        ---- stderr
        error: the job `[JOB]…` has succeeded, but `get_x_result` says that it is not ready: {"job_id":"[JOB]","ready":false,"state":"succeeded"}
        "#);
        },
    );
}

#[test]
fn a_file_that_is_shorter_than_it_should_be() {
    testing::block_on(async {
        let files = serve(Router::new().route("/files/x", get(async || "hello"))).await;
        let result = ready(&format!("{files}/files/x?sig=s3cret"), b"hello!");
        let app = scripted(vec![status("succeeded", 3)], result);
        let server = testing::Server::start(app).await.unwrap();
        let ended = smoke(server.url()).run().await;
        assert!(!ended.to_string().contains("s3cret"));
        shows!(ended, @r#"
        exit 1
        ---- stdout
        tools: ["start_x", "get_x_status", "get_x_result"]
        start_x -> {"job_id":"[JOB]…","state":"queued"}
        status -> succeeded 3/3 working
        result -> {"ready":true,"url":"http://127.0.0.1:[PORT]/files/x",…}
        ---- stderr
        error: the downloaded file has 5 bytes, the result says 6
        hint: is there a cache or a proxy on the way that changes what it carries?
        "#);
    });
}

#[test]
fn a_file_with_other_bytes_than_it_should_have() {
    testing::block_on(async {
        let files = serve(Router::new().route("/files/x", get(async || "jello"))).await;
        let result = ready(&format!("{files}/files/x"), b"hello");
        let app = scripted(vec![status("succeeded", 3)], result);
        let server = testing::Server::start(app).await.unwrap();
        shows!(smoke(server.url()).run().await, @r#"
        exit 1
        ---- stdout
        tools: ["start_x", "get_x_status", "get_x_result"]
        start_x -> {"job_id":"[JOB]…","state":"queued"}
        status -> succeeded 3/3 working
        result -> {"ready":true,"url":"http://127.0.0.1:[PORT]/files/x",…}
        ---- stderr
        error: the sha256 of the downloaded file is [SHA256], the result says [SHA256]
        hint: is there a cache or a proxy on the way that changes what it carries?
        "#);
    });
}

#[test]
fn credentials_do_not_go_where_the_server_sends_them() {
    testing::block_on(async {
        let seen = Arc::new(Mutex::new(Vec::new()));
        let record = {
            let seen = Arc::clone(&seen);
            move |headers: HeaderMap| {
                let is_there = headers.contains_key("authorization");
                seen.lock().unwrap().push(is_there);
                async { "hello" }
            }
        };
        let files = serve(Router::new().route("/files/x", get(record))).await;
        let result = ready(&format!("{files}/files/x"), b"hello");
        let app = scripted(vec![status("succeeded", 3)], result);
        let server = testing::Server::with_token(app, TOKEN).await.unwrap();
        let ended = smoke(server.url())
            .variable("FARCALL_TOKEN", TOKEN)
            .run()
            .await;
        assert_eq!(ended.exit, 0, "{ended}");
        assert_eq!(*seen.lock().unwrap(), [false, false]);
    });
}
