//! Questions in the middle of a call, one each.

use farcall::{Answer, App, CallContext, Problem, Question, Value, json, tool};

/// Adds the tools of this module.
pub(super) fn register(app: App) -> App {
    app.tool::<test_sampling>()
        .tool::<test_elicitation>()
        .tool::<test_elicitation_sep1034_defaults>()
        .tool::<test_elicitation_sep1330_enums>()
        .tool::<test_missing_capability>()
        .tool::<test_streaming_elicitation>()
}

/// Put a prompt to the caller's model.
#[tool]
async fn test_sampling(
    ctx: CallContext,
    /// The prompt to send to the LLM.
    prompt: String,
) -> Result<String, Problem> {
    let answer = ctx.ask("sample", Question::sample(prompt, 100)).await?;
    Ok(format!(
        "LLM response: {}",
        answer.text().unwrap_or("(no text)")
    ))
}

/// Ask the caller for a name and an address.
#[tool]
async fn test_elicitation(
    ctx: CallContext,
    /// The message to show the user.
    message: String,
) -> Result<String, Problem> {
    let question = Question::form(message)
        .field(
            "username",
            json!({"type": "string", "description": "User's response"}),
        )
        .field(
            "email",
            json!({"type": "string", "description": "User's email address"}),
        );
    let answer = ctx.ask("user", question).await?;
    Ok(format!("User response: {}", told(&answer)))
}

/// Ask with a default for every field.
#[tool]
async fn test_elicitation_sep1034_defaults(ctx: CallContext) -> Result<String, Problem> {
    let statuses = ["active", "inactive", "pending"];
    let question = Question::form("Please review and update the form fields with defaults")
        .optional_field("name", json!({"type": "string", "default": "John Doe"}))
        .optional_field("age", json!({"type": "integer", "default": 30}))
        .optional_field("score", json!({"type": "number", "default": 95.5}))
        .optional_field(
            "status",
            json!({"type": "string", "enum": statuses, "default": "active"}),
        )
        .optional_field("verified", json!({"type": "boolean", "default": true}));
    let answer = ctx.ask("defaults", question).await?;
    Ok(format!("Elicitation completed: {}", told(&answer)))
}

/// Ask with every kind of choice.
#[tool]
async fn test_elicitation_sep1330_enums(ctx: CallContext) -> Result<String, Problem> {
    let plain = ["option1", "option2", "option3"];
    let legacy = json!({
        "type": "string",
        "enum": ["opt1", "opt2", "opt3"],
        "enumNames": ["Option One", "Option Two", "Option Three"],
    });
    let question = Question::form("Please select options from the enum fields")
        .optional_field("untitledSingle", json!({"type": "string", "enum": plain}))
        .optional_field(
            "titledSingle",
            json!({"type": "string", "oneOf": titled("Option")}),
        )
        .optional_field("legacyEnum", legacy)
        .optional_field(
            "untitledMulti",
            json!({"type": "array", "items": {"type": "string", "enum": plain}}),
        )
        .optional_field(
            "titledMulti",
            json!({"type": "array", "items": {"anyOf": titled("Choice")}}),
        );
    let answer = ctx.ask("choices", question).await?;
    Ok(format!("Elicitation completed: {}", told(&answer)))
}

/// Need a caller that offers a model.
#[tool]
async fn test_missing_capability(ctx: CallContext) -> Result<String, Problem> {
    let question = Question::sample("Say hello.", 10);
    ctx.ask("hello", question).await?;
    Ok("The caller offers a model.".to_owned())
}

/// Ask in the middle of an answer.
#[tool]
async fn test_streaming_elicitation(ctx: CallContext) -> Result<String, Problem> {
    let question =
        Question::form("Please provide a value").field("value", json!({"type": "string"}));
    let answer = ctx.ask("value", question).await?;
    Ok(format!("The value came: {}", told(&answer)))
}

/// Three values with a title each: `First Option`, …
fn titled(noun: &str) -> Value {
    json!([
        {"const": "value1", "title": format!("First {noun}")},
        {"const": "value2", "title": format!("Second {noun}")},
        {"const": "value3", "title": format!("Third {noun}")},
    ])
}

fn told(answer: &Answer) -> String {
    let answer = answer.as_value();
    let action = answer["action"].as_str().unwrap_or("none");
    format!("action={action}, content={}", answer["content"])
}
