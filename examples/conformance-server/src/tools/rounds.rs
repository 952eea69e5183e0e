//! Calls that end in questions, and are made again with the answers (SEP-2322).

use farcall::{Answer, App, Asking, CallContext, Problem, Question, Value, json, tool};

/// Adds the tools of this module.
pub(super) fn register(app: App) -> App {
    app.tool::<test_input_required_result_elicitation>()
        .tool::<test_input_required_result_sampling>()
        .tool::<test_input_required_result_list_roots>()
        .tool::<test_input_required_result_request_state>()
        .tool::<test_input_required_result_multiple_inputs>()
        .tool::<test_input_required_result_multi_round>()
        .tool::<test_input_required_result_tampered_state>()
        .tool::<test_input_required_result_capabilities>()
}

/// Ask for a name.
#[tool]
async fn test_input_required_result_elicitation(ctx: CallContext) -> Result<String, Problem> {
    let answer = ctx.ask("user_name", name("What is your name?")).await?;
    Ok(format!("Hello, {}!", filled(&answer, "name")))
}

/// Ask the caller's model.
#[tool]
async fn test_input_required_result_sampling(ctx: CallContext) -> Result<String, Problem> {
    let question = Question::sample("What is the capital of France?", 100);
    let answer = ctx.ask("capital_question", question).await?;
    Ok(answer.text().unwrap_or("(no text)").to_owned())
}

/// Ask for the caller's folders.
#[tool]
async fn test_input_required_result_list_roots(ctx: CallContext) -> Result<String, Problem> {
    let answer = ctx.ask("client_roots", Question::roots()).await?;
    Ok(format!("The folders are: {}", folders(&answer)))
}

/// Ask and carry a state along.
#[tool]
async fn test_input_required_result_request_state(ctx: CallContext) -> Result<String, Problem> {
    let state: Option<String> = ctx.recall()?;
    if state.is_none() {
        ctx.remember(&"carried along")?;
    }
    ctx.ask("confirm", confirmation()).await?;
    Ok(match state.as_deref() {
        Some("carried along") => "state-ok".to_owned(),
        _ => "the state did not come back".to_owned(),
    })
}

/// Ask three things at once.
#[tool]
async fn test_input_required_result_multiple_inputs(ctx: CallContext) -> Result<String, Problem> {
    let questions = [
        ("user_name".to_owned(), name("What is your name?")),
        (
            "greeting".to_owned(),
            Question::sample("Generate a greeting", 50),
        ),
        ("client_roots".to_owned(), Question::roots()),
    ];
    let [person, greeting, roots] = ctx.ask_all(questions).await?;
    Ok(format!(
        "{} {}, you work in {}",
        greeting.text().unwrap_or("Hello"),
        filled(&person, "name"),
        folders(&roots)
    ))
}

/// Ask twice in a row.
#[tool]
async fn test_input_required_result_multi_round(ctx: CallContext) -> Result<String, Problem> {
    let first = ctx.ask("step1", name("Step 1: What is your name?")).await?;
    let question = Question::form("Step 2: What is your favorite color?")
        .field("color", json!({"type": "string"}));
    let second = ctx.ask("step2", question).await?;
    Ok(format!(
        "{} likes {}.",
        filled(&first, "name"),
        filled(&second, "color")
    ))
}

/// Ask and refuse a forged state.
#[tool]
async fn test_input_required_result_tampered_state(ctx: CallContext) -> Result<String, Problem> {
    // A forged state never comes this far: the library checks it before it calls the tool.
    ctx.ask("confirm", confirmation()).await?;
    Ok("The state came back as it was given.".to_owned())
}

/// Ask only what the caller can answer.
#[tool]
async fn test_input_required_result_capabilities(ctx: CallContext) -> Result<String, Problem> {
    let mut answered = Vec::new();
    if ctx.can_ask(Asking::Person) {
        let question = Question::form("Please provide a value");
        let question = question.field("value", json!({"type": "string"}));
        ctx.ask("person", question).await?;
        answered.push("a person");
    }
    if ctx.can_ask(Asking::Model) {
        ctx.ask("model", Question::sample("Sample request", 50))
            .await?;
        answered.push("a model");
    }
    Ok(match answered.as_slice() {
        [] => "This caller cannot be asked.".to_owned(),
        some => format!("Answered by {}.", some.join(" and ")),
    })
}

fn name(message: &str) -> Question {
    Question::form(message).field("name", json!({"type": "string"}))
}

fn confirmation() -> Question {
    Question::form("Please confirm").field("ok", json!({"type": "boolean"}))
}

/// What a person wrote into one field of a form.
fn filled<'a>(answer: &'a Answer, field: &str) -> &'a str {
    answer.as_value()["content"][field]
        .as_str()
        .unwrap_or("nobody")
}

fn folders(answer: &Answer) -> String {
    let roots = answer.as_value()["roots"].as_array();
    let uris = roots.into_iter().flatten().map(|root| &root["uri"]);
    let uris: Vec<_> = uris.filter_map(Value::as_str).collect();
    uris.join(", ")
}
