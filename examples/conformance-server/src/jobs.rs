//! Jobs that are tasks to clients that know tasks, and one tool that is none (SEP-2663).

use std::time::{Duration, Instant};

use farcall::{
    Answer, App, Job, JobContext, JsonObject, Pipeline, Problem, Question, data, job, json, tool,
};

/// Adds what is in this module.
pub(crate) fn register(app: App) -> App {
    app.tool::<greet>()
        .job::<slow_compute>()
        .job::<failing_job>()
        .job::<protocol_error_job>()
        .job::<confirm_delete>()
        .job::<multi_input>()
        .add_job(test_tool_with_task())
}

/// Greet somebody at once.
#[tool]
async fn greet(
    /// Who is greeted.
    name: String,
) -> String {
    format!("Hello, {name}!")
}

/// How long to work.
#[data]
struct Effort {
    /// For how many seconds.
    seconds: f64,
    /// What it is for.
    #[default]
    label: String,
}

/// Work for a while.
#[job(expose("contract", "task"))]
fn slow_compute() -> Pipeline<Effort, String> {
    Pipeline::new().stage("computing", |ctx: &JobContext, effort: Effort| {
        let (began, time) = (Instant::now(), Duration::from_secs_f64(effort.seconds));
        while began.elapsed() < time {
            ctx.check()?;
            take(Duration::from_millis(20));
        }
        Ok(format!("computed {}", effort.label))
    })
}

/// Takes time, as real work does.
#[expect(
    clippy::disallowed_methods,
    reason = "the suite asks for jobs that last"
)]
fn take(time: Duration) {
    std::thread::sleep(time);
}

/// Nothing to say.
#[data]
struct Nothing {}

/// Fail after a second.
#[job(expose("task"))]
fn failing_job() -> Pipeline<Nothing, String> {
    Pipeline::new().stage("failing", |_: &JobContext, _: Nothing| {
        take(Duration::from_secs(1));
        Err(Problem::user("this job always fails"))
    })
}

/// Break down.
#[job(expose("contract", "task"))]
fn protocol_error_job() -> Pipeline<Nothing, String> {
    Pipeline::new().stage("breaking", |_: &JobContext, _: Nothing| {
        panic!("this job always panics")
    })
}

/// What to delete.
#[data]
struct Deletion {
    /// The name of the file.
    filename: String,
}

/// Delete a file, once somebody has confirmed it.
#[job(expose("contract", "task"))]
fn confirm_delete() -> Pipeline<Deletion, String> {
    Pipeline::new().stage("asking", |ctx: &JobContext, deletion: Deletion| {
        let name = deletion.filename;
        let sure =
            Question::form(format!("Delete {name}?")).field("confirm", json!({"type": "boolean"}));
        let answer = ctx.ask("confirm", sure)?;
        let is_sure = answer.is_accepted() && answer.as_value()["content"]["confirm"] == true;
        Ok(if is_sure {
            format!("{name} is deleted")
        } else {
            format!("{name} stays")
        })
    })
}

/// Ask two things at once.
#[job(expose("contract", "task"))]
fn multi_input() -> Pipeline<Nothing, String> {
    Pipeline::new().stage("asking", |ctx: &JobContext, _: Nothing| {
        let name = Question::form("What is your name?").field("name", json!({"type": "string"}));
        let sure = Question::form("Are you sure?").field("confirm", json!({"type": "boolean"}));
        let questions = vec![("name".to_owned(), name), ("confirm".to_owned(), sure)];
        let answers = ctx.ask_all(questions)?;
        let accepted = answers.iter().filter(|answer| answer.is_accepted()).count();
        Ok(format!("{accepted} of {} accepted", answers.len()))
    })
}

/// Whom to greet.
#[data]
struct Guest {
    /// Their name; asked for where it is missing.
    #[default]
    user_name: String,
}

/// A job that asks for a name before it begins.
fn test_tool_with_task() -> Job {
    let greet = Pipeline::new().stage("greeting", |_: &JobContext, guest: Guest| {
        Ok(format!("Hello, {}!", guest.user_name))
    });
    Job::new("test_tool_with_task", "Greet a guest in a task.", greet)
        .with(|options| options.expose = farcall::Expose::Task)
        .before_start(|ctx, mut arguments: JsonObject| async move {
            let question =
                Question::form("What is your name?").field("name", json!({"type": "string"}));
            let answer: Answer = ctx.ask("user_name", question).await?;
            let name = answer.as_value()["content"]["name"].clone();
            arguments.insert("user_name".to_owned(), name);
            Ok(arguments)
        })
}
