//! Jobs that ask their caller.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::{Duration, Instant},
};

use farcall::{Asking, Job, JobContext, Pipeline, Problem, Question, Value, json};

use super::{about, answer, call, ended, exposed, get, get_when, id_of, knowing};
use crate::{
    harness::{Client, Server, Setup},
    offers::{self, tools},
};

pub(super) fn question(text: &str) -> Question {
    Question::form(text).field("name", json!({"type": "string"}))
}

pub(super) fn accepted(name: &str) -> Value {
    json!({"action": "accept", "content": {"name": name}})
}

/// The job `brew`, whose one stage does `stage`.
pub(super) fn brew(
    stage: impl Fn(&JobContext) -> Result<Value, Problem> + Send + Sync + 'static,
) -> Job {
    let pipeline = Pipeline::new().stage("brewing", move |ctx: &JobContext, _: Value| stage(ctx));
    let mut job = Job::new("brew", "Brew tea.", pipeline);
    job.input_schema = farcall_core::schema::empty_object();
    exposed(job)
}

/// Asks for two names, one after the other.
pub(super) fn two_names(ctx: &JobContext) -> Result<Value, Problem> {
    let first = ctx.ask("first", question("Who?"))?;
    let second = ctx.ask("second", question("Who else?"))?;
    let name = |answer: &farcall::Answer| answer.as_value()["content"]["name"].clone();
    Ok(json!([name(&first), name(&second)]))
}

async fn server(job: Job) -> Server {
    Setup::new(tools().add_job(job)).start().await
}

async fn asking(client: &Client, id: &str, key: &str) -> Value {
    let asks = |task: &Value| task["inputRequests"].get(key).is_some();
    let task = get_when(client, id, asks).await;
    assert_eq!(task["status"], "input_required", "{task}");
    task
}

#[tokio::test]
async fn a_task_asks_and_goes_on_with_the_answer() {
    let server = server(brew(two_names)).await;
    let id = id_of(&server, "brew", json!({})).await;
    let task = asking(&server, &id, "first").await;
    assert_eq!(
        task["inputRequests"],
        json!({"first": {"method": "elicitation/create", "params": {
            "mode": "form", "message": "Who?",
            "requestedSchema": {"type": "object", "properties": {"name": {"type": "string"}}, "required": ["name"]},
        }}})
    );
    assert_eq!(task["statusMessage"], "waits for an answer of its caller");
    let status = offers::status_when(&server, "brew", &id, |_| true).await;
    assert_eq!(
        (&status["state"], &status["message"]),
        (
            &json!("running"),
            &json!("waits for an answer of its caller")
        )
    );
    answer(&server, &id, json!({"first": accepted("Ada")})).await;
    let task = asking(&server, &id, "second").await;
    assert!(task["inputRequests"].get("first").is_none(), "{task}");
    answer(&server, &id, json!({"second": accepted("Bo")})).await;
    let task = ended(&server, &id).await;
    assert_eq!(
        task["result"]["structuredContent"]["result"],
        json!(["Ada", "Bo"])
    );
}

#[tokio::test]
async fn several_questions_are_answered_one_by_one_and_what_was_not_asked_is_dropped() {
    let server = server(brew(|ctx| {
        let questions = vec![
            ("a".to_owned(), question("A?")),
            ("b".to_owned(), question("B?")),
        ];
        let answers = ctx.ask_all(questions)?;
        Ok(json!([answers[0].as_value(), answers[1].as_value()]))
    }))
    .await;
    let id = id_of(&server, "brew", json!({})).await;
    asking(&server, &id, "a").await;
    answer(&server, &id, json!({"c": accepted("x"), "a": "no object"})).await;
    let task = get(&server, &id).await;
    assert_eq!(
        task["inputRequests"].as_object().unwrap().len(),
        2,
        "{task}"
    );
    answer(&server, &id, json!({"b": accepted("B")})).await;
    let task = get(&server, &id).await;
    assert_eq!(task["status"], "input_required", "{task}");
    assert!(task["inputRequests"].get("b").is_none(), "{task}");
    // The first answer counts.
    answer(
        &server,
        &id,
        json!({"b": accepted("late"), "a": {"action": "decline"}}),
    )
    .await;
    let task = ended(&server, &id).await;
    assert_eq!(
        task["result"]["structuredContent"]["result"],
        json!([{"action": "decline"}, accepted("B")])
    );
    answer(&server, &id, json!({"a": accepted("much too late")})).await;
}

#[tokio::test]
async fn a_stage_that_runs_again_does_not_ask_again() {
    let runs = Arc::new(AtomicU32::new(0));
    let job = || {
        let runs = Arc::clone(&runs);
        brew(move |ctx| {
            runs.fetch_add(1, Ordering::SeqCst);
            two_names(ctx)
        })
    };
    let first = server(job()).await;
    let id = id_of(&first, "brew", json!({})).await;
    asking(&first, &id, "first").await;
    answer(&first, &id, json!({"first": accepted("Ada")})).await;
    asking(&first, &id, "second").await;
    let folder = first.cut().await;

    let setup = Setup::new(tools().add_job(job())).in_folder(folder);
    let second = setup.start().await;
    let task = asking(&second, &id, "second").await;
    assert!(task["inputRequests"].get("first").is_none(), "{task}");
    answer(&second, &id, json!({"second": accepted("Bo")})).await;
    let task = ended(&second, &id).await;
    assert_eq!(
        task["result"]["structuredContent"]["result"],
        json!(["Ada", "Bo"])
    );
    assert_eq!(runs.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn a_future_asks_too() {
    let pipeline = Pipeline::new().stage_async("brewing", |ctx: JobContext, _: Value| async move {
        let answer = ctx.ask_async("who", question("Who?")).await?;
        Ok(answer.as_value()["content"]["name"].clone())
    });
    let mut job = Job::new("brew", "Brew tea.", pipeline);
    job.input_schema = farcall_core::schema::empty_object();
    let server = server(exposed(job)).await;
    let id = id_of(&server, "brew", json!({})).await;
    asking(&server, &id, "who").await;
    answer(&server, &id, json!({"who": accepted("Ada")})).await;
    let task = ended(&server, &id).await;
    assert_eq!(task["result"]["structuredContent"]["result"], "Ada");
}

#[tokio::test]
async fn who_cannot_be_asked_hears_that_the_job_would_have_to() {
    let server = server(brew(two_names)).await;
    let sentence = "this job asks its caller (`first`, with `elicitation/create`), which cannot be asked; start it from a client that knows tasks and declares this capability";
    // By its contract, directly, and as a task of a client that has no person to ask.
    let id = offers::started(&server, "brew", json!({})).await;
    let status = offers::ended(&server, "brew", &id).await;
    assert_eq!(status["error"], sentence, "{status}");
    let direct = server.call("brew", json!({})).await;
    assert_eq!(direct.tool_error(), sentence);
    let nobody = json!({"extensions": {super::EXTENSION: {}}});
    let mute = server.tool("brew", json!({})).capabilities(nobody);
    let handle = mute.send().await.result();
    let task = ended(&server, handle["taskId"].as_str().unwrap()).await;
    assert_eq!(task["result"]["isError"], true, "{task}");
}

#[tokio::test]
async fn a_job_knows_before_whether_its_caller_can_be_asked() {
    let server = server(brew(|ctx| {
        Ok(json!(Asking::ALL.map(|way| ctx.can_ask(way))))
    }))
    .await;
    let id = id_of(&server, "brew", json!({})).await;
    let task = ended(&server, &id).await;
    assert_eq!(
        task["result"]["structuredContent"]["result"],
        json!([true, false, false])
    );
    let direct = server.call("brew", json!({})).await.structured();
    assert_eq!(direct["result"], json!([false, false, false]));
}

#[tokio::test]
async fn to_wait_for_an_answer_is_no_work() {
    let limit = Duration::from_secs(2);
    let job = brew(two_names).with(|options| options.timeout = Some(limit));
    let server = server(job).await;
    let id = id_of(&server, "brew", json!({})).await;
    asking(&server, &id, "first").await;
    let began = Instant::now();
    while began.elapsed() < 2 * limit {
        assert_eq!(get(&server, &id).await["status"], "input_required");
    }
    answer(&server, &id, json!({"first": accepted("Ada")})).await;
    asking(&server, &id, "second").await;
    answer(&server, &id, json!({"second": accepted("Bo")})).await;
    let task = ended(&server, &id).await;
    assert_eq!(task["result"]["isError"], false, "{task}");
}

#[tokio::test]
async fn a_task_that_asks_can_be_cancelled() {
    let server = server(brew(two_names)).await;
    let id = id_of(&server, "brew", json!({})).await;
    asking(&server, &id, "first").await;
    about(&server, "tasks/cancel", &id).send().await.result();
    let task = ended(&server, &id).await;
    assert_eq!(task["status"], "cancelled");
    assert!(task.get("inputRequests").is_none(), "{task}");
}

#[tokio::test]
async fn what_has_to_be_asked_first_is_asked_before_there_is_a_task() {
    let pipeline = Pipeline::new().stage("brewing", |_: &JobContext, order: Value| Ok(order));
    let mut job = Job::new("brew", "Brew tea.", pipeline);
    job.input_schema = farcall_core::schema::empty_object();
    let job = exposed(job).before_start(|ctx, mut arguments| async move {
        let answer = ctx.ask("who", question("Who?")).await?;
        if !answer.is_accepted() {
            return Err(Problem::user("nobody wants tea"));
        }
        arguments.insert(
            "for".to_owned(),
            answer.as_value()["content"]["name"].clone(),
        );
        Ok(arguments)
    });
    let server = server(job).await;
    let asked = call(&server, "brew", json!({})).await.result();
    assert_eq!(asked["resultType"], "input_required", "{asked}");
    assert!(asked.get("taskId").is_none(), "{asked}");
    let again = |answer: Value| {
        knowing(server.tool("brew", json!({})))
            .param("requestState", asked["requestState"].clone())
            .param("inputResponses", json!({"who": answer}))
            .send()
    };
    let refused = again(json!({"action": "decline"})).await;
    assert_eq!(refused.tool_error(), "nobody wants tea");
    let handle = again(accepted("Ada")).await.result();
    let task = ended(&server, handle["taskId"].as_str().unwrap()).await;
    assert_eq!(
        task["result"]["structuredContent"]["result"],
        json!({"for": "Ada"})
    );
    // The contract's start asks as well.
    let asked = call(&server, "start_brew", json!({})).await.result();
    assert_eq!(asked["resultType"], "input_required", "{asked}");
    // And who cannot be asked does not start it.
    let refused = server.call("start_brew", json!({})).await;
    assert_eq!(refused.rpc_error().0, -32_021);
}
