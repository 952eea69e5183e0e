//! Prompts: without and with arguments, with content that is no text, and with a question.

use farcall::{App, Content, Message, Prompt, Question, ResourceContent, json};

use crate::samples::PICTURE;

/// Adds the prompts.
pub(crate) fn register(app: App) -> App {
    app.prompt(simple())
        .prompt(with_arguments())
        .prompt(with_embedded_resource())
        .prompt(with_image())
        .prompt(with_question())
}

fn simple() -> Prompt {
    Prompt::new(
        "test_simple_prompt",
        "A prompt without arguments.",
        |_context, _arguments| async {
            let text = Content::text("This is a simple prompt for testing.");
            Ok(vec![Message::user(text)])
        },
    )
}

fn with_arguments() -> Prompt {
    Prompt::new(
        "test_prompt_with_arguments",
        "A prompt with two arguments.",
        |_context, arguments| async move {
            let (first, second) = (&arguments["arg1"], &arguments["arg2"]);
            let text = format!("Prompt with arguments: arg1='{first}', arg2='{second}'");
            Ok(vec![Message::user(Content::text(text))])
        },
    )
    .argument("arg1", "The first value.")
    .argument("arg2", "The second value.")
}

fn with_embedded_resource() -> Prompt {
    Prompt::new(
        "test_prompt_with_embedded_resource",
        "A prompt around a resource.",
        |_context, arguments| async move {
            let uri = arguments["resourceUri"].as_str();
            let text = "Embedded resource content for testing.";
            let resource = ResourceContent::text(uri, "text/plain", text);
            let request = "Please process the embedded resource above.";
            Ok(vec![
                Message::user(Content::embedded(resource)),
                Message::user(Content::text(request)),
            ])
        },
    )
    .argument("resourceUri", "The URI that the resource shall have.")
}

fn with_image() -> Prompt {
    Prompt::new(
        "test_prompt_with_image",
        "A prompt around a picture.",
        |_context, _arguments| async {
            let request = "Please analyze the image above.";
            Ok(vec![
                Message::user(Content::image(PICTURE, "image/png")),
                Message::user(Content::text(request)),
            ])
        },
    )
}

fn with_question() -> Prompt {
    Prompt::new(
        "test_input_required_result_prompt",
        "A prompt that asks first.",
        |context, _arguments| async move {
            let question = Question::form("What context should the prompt use?")
                .field("context", json!({"type": "string"}));
            let answer = context.ask("user_context", question).await?;
            let chosen = answer.as_value()["content"]["context"]
                .as_str()
                .unwrap_or("none");
            let text = format!("Work in this context: {chosen}");
            Ok(vec![Message::user(Content::text(text))])
        },
    )
}
