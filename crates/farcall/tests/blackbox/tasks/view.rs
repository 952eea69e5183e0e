//! What a task looks like in every state of its job.

use std::time::Duration;

use farcall::{Job, JobContext, Pipeline, Problem, Value, json};
use farcall_core::problem::ErrorCode;
use tokio_util::sync::CancellationToken;

use super::{about, ended, exposed, get_when, id_of};
use crate::{
    harness::{Server, Setup},
    offers::{print, tools},
};

/// The job `brew`, whose one stage does `stage`.
fn brew(stage: impl Fn(&JobContext) -> Result<Value, Problem> + Send + Sync + 'static) -> Job {
    let pipeline = Pipeline::new().stage("brewing", move |ctx: &JobContext, _: Value| stage(ctx));
    let mut job = Job::new("brew", "Brew tea.", pipeline);
    job.input_schema = farcall_core::schema::empty_object();
    exposed(job)
}

async fn server(job: Job) -> Server {
    Setup::new(tools().add_job(job)).start().await
}

/// How a `brew` ends whose stage fails with `code`.
async fn after(code: ErrorCode) -> Value {
    let server = server(brew(move |_| Err(Problem::new(code, "no tea")))).await;
    let id = id_of(&server, "brew", json!({})).await;
    ended(&server, &id).await
}

#[tokio::test]
async fn a_task_that_works_says_where_it_is() {
    let never = CancellationToken::new();
    let server = server(exposed(print(&never))).await;
    let id = id_of(&server, "print", json!({"text": "x"})).await;
    let at_stage = |task: &Value| task["statusMessage"] == "[1/2] setting type";
    let task = get_when(&server, &id, at_stage).await;
    assert_eq!(task["status"], "working");
    assert!(task.get("result").is_none() && task.get("error").is_none());
}

#[tokio::test]
async fn a_task_that_succeeded_has_what_the_tool_would_have_answered() {
    let open = CancellationToken::new();
    open.cancel();
    let server = server(exposed(print(&open))).await;
    let order = json!({"text": "hello"});
    let id = id_of(&server, "print", order.clone()).await;
    let task = ended(&server, &id).await;
    assert_eq!(task["status"], "completed");
    assert!(task.get("pollIntervalMs").is_none(), "{task}");
    let result = &task["result"];
    let text = result["content"][0]["text"].as_str().unwrap();
    assert_eq!(serde_json(text), result["structuredContent"]);
    let told = crate::offers::result(&server, "print", &id).await;
    assert_eq!(result["structuredContent"], told.structured());
    assert_eq!(result["isError"], false);
    let direct = server.call("print", order).await.result();
    let fields = |result: &Value| {
        result
            .as_object()
            .unwrap()
            .keys()
            .cloned()
            .collect::<Vec<_>>()
    };
    assert_eq!(fields(&direct), fields(result));
}

fn serde_json(text: &str) -> Value {
    text.parse().unwrap()
}

#[tokio::test]
async fn what_the_code_of_a_job_comes_to_is_a_completed_task_that_says_so() {
    for code in [
        ErrorCode::UserError,
        ErrorCode::ExitNonzero,
        ErrorCode::OutputLimit,
        ErrorCode::Timeout,
    ] {
        let task = after(code).await;
        assert_eq!(task["status"], "completed", "{task}");
        assert_eq!(task["result"]["isError"], true, "{task}");
        let text = task["result"]["content"][0]["text"].as_str().unwrap();
        let failure = serde_json(text);
        assert_eq!(
            (&failure["error"], &failure["job_id"]),
            (&json!("no tea"), &task["taskId"])
        );
        if code != ErrorCode::UserError {
            assert_eq!(failure["error_code"], code.as_str());
        }
    }
}

#[tokio::test]
async fn what_the_server_does_to_a_job_is_a_failed_task() {
    for code in [
        ErrorCode::Internal,
        ErrorCode::StorageFull,
        ErrorCode::WorkerLost,
    ] {
        let task = after(code).await;
        assert_eq!(task["status"], "failed", "{task}");
        assert_eq!(
            task["error"],
            json!({"code": -32_603, "message": "no tea", "data": {"error_code": code}})
        );
        assert!(task.get("result").is_none(), "{task}");
    }
}

#[tokio::test]
async fn a_panic_is_a_failed_task() {
    let server = server(brew(|_| panic!("in /src/brew.rs:1"))).await;
    let id = id_of(&server, "brew", json!({})).await;
    let task = ended(&server, &id).await;
    assert_eq!(
        (&task["status"], &task["error"]["code"]),
        (&json!("failed"), &json!(-32_603))
    );
}

#[tokio::test]
async fn a_cancelled_task_says_so_and_can_be_cancelled_again() {
    let never = CancellationToken::new();
    let server = server(exposed(print(&never))).await;
    let id = id_of(&server, "print", json!({"text": "x"})).await;
    for _ in 0..2 {
        let cancelled = about(&server, "tasks/cancel", &id).send().await;
        assert_eq!(cancelled.result(), json!({"resultType": "complete"}));
        let task = ended(&server, &id).await;
        assert_eq!(task["status"], "cancelled", "{task}");
        assert!(task.get("result").is_none() && task.get("error").is_none());
    }
    let status = crate::offers::ended(&server, "print", &id).await;
    assert_eq!(status["error_code"], "cancelled");
}

#[tokio::test]
async fn a_job_that_does_not_want_to_be_cancelled_goes_on() {
    let gate = CancellationToken::new();
    let job = exposed(print(&gate)).with(|options| options.cancel = false);
    let server = server(job).await;
    let id = id_of(&server, "print", json!({"text": "x"})).await;
    let cancelled = about(&server, "tasks/cancel", &id).send().await;
    assert_eq!(cancelled.result(), json!({"resultType": "complete"}));
    gate.cancel();
    assert_eq!(ended(&server, &id).await["status"], "completed");
}

#[tokio::test]
async fn a_task_is_there_as_long_as_its_job() {
    let open = CancellationToken::new();
    open.cancel();
    let day = Duration::from_hours(24);
    let job = exposed(print(&open)).with(|options| options.keep_for = day);
    let server = server(job).await;
    let id = id_of(&server, "print", json!({"text": "x"})).await;
    let task = ended(&server, &id).await;
    let ttl = task["ttlMs"].as_u64().unwrap();
    assert!((86_400_000..86_460_000).contains(&ttl), "{ttl}");
    let folder = server.cut().await;
    let setup = Setup::new(tools().add_job(exposed(print(&open))));
    let server = setup.in_folder(folder).start().await;
    let again = ended(&server, &id).await;
    assert_eq!(
        again["result"]["structuredContent"]["ready"], true,
        "{again}"
    );
    assert_eq!(again["ttlMs"], ttl);
}
