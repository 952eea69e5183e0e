//! Prompts.

use farcall::{App, Content, Message, Problem, Prompt, json};

use crate::{
    harness::{Server, Setup},
    offers::tools,
};

fn app() -> App {
    let review = Prompt::new("review", "Review a text.", |_, arguments| async move {
        let tone = arguments.get("tone").map_or("kind", String::as_str);
        Ok(vec![
            Message::user(Content::text(format!("Review: {}", arguments["text"]))),
            Message::assistant(Content::text(format!("In a {tone} tone."))),
        ])
    });
    let review = review
        .argument("text", "The text to review.")
        .optional_argument("tone", "How to say it.")
        .with("title", "Review");
    let broken = Prompt::new("broken", "Panic.", |_, _| async { panic!("SELECT") });
    let refused = Prompt::new("refused", "Refuse.", |_, _| async {
        Err(Problem::user("not on Sundays"))
    });
    tools().prompt(review).prompt(broken).prompt(refused)
}

async fn server() -> Server {
    Setup::new(app()).start().await
}

async fn refusal(params: farcall::Value) -> (i64, String) {
    server()
        .await
        .rpc("prompts/get", params)
        .send()
        .await
        .rpc_error()
}

#[tokio::test]
async fn prompts_are_listed_with_their_arguments() {
    let listed = server()
        .await
        .rpc("prompts/list", json!({}))
        .send()
        .await
        .result();
    assert_eq!(
        listed["prompts"][0],
        json!({
            "name": "review",
            "title": "Review",
            "description": "Review a text.",
            "arguments": [
                {"name": "text", "description": "The text to review.", "required": true},
                {"name": "tone", "description": "How to say it.", "required": false},
            ],
        })
    );
}

#[tokio::test]
async fn a_prompt_is_written_with_its_arguments() {
    let params = json!({"name": "review", "arguments": {"text": "Ode"}});
    let result = server()
        .await
        .rpc("prompts/get", params)
        .send()
        .await
        .result();
    assert_eq!(result["description"], "Review a text.");
    assert_eq!(
        result["messages"],
        json!([
            {"role": "user", "content": {"type": "text", "text": "Review: Ode"}},
            {"role": "assistant", "content": {"type": "text", "text": "In a kind tone."}},
        ])
    );
}

#[tokio::test]
async fn a_missing_argument_is_named() {
    let (code, sentence) = refusal(json!({"name": "review", "arguments": {}})).await;
    assert_eq!(code, -32_602);
    assert_eq!(
        sentence,
        "the argument `text` is missing; `prompts/list` says what each prompt needs"
    );
}

#[tokio::test]
async fn an_argument_that_is_no_string_is_named() {
    let (code, sentence) = refusal(json!({"name": "review", "arguments": {"text": 1}})).await;
    assert_eq!(
        (code, sentence.as_str()),
        (-32_602, "the argument `text` is no string")
    );
}

#[tokio::test]
async fn an_unknown_prompt_is_refused() {
    let (code, sentence) = refusal(json!({"name": "revue"})).await;
    assert_eq!(code, -32_602);
    assert!(
        sentence.contains("`prompts/list` has the names"),
        "{sentence}"
    );
}

#[tokio::test]
async fn a_prompt_that_panics_is_a_fault_of_the_server() {
    let (code, sentence) = refusal(json!({"name": "broken"})).await;
    assert_eq!(code, -32_603);
    assert!(sentence.contains("the server failed"), "{sentence}");
}

#[tokio::test]
async fn what_a_prompt_refuses_is_told() {
    assert_eq!(
        refusal(json!({"name": "refused"})).await,
        (-32_602, "not on Sundays".to_owned())
    );
}
