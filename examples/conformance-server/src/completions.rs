//! Suggestions while a person types.

use farcall::{App, Completion, Target};

/// Adds suggestions for both arguments of one prompt.
pub(crate) fn register(app: App) -> App {
    ["arg1", "arg2"].into_iter().fold(app, |app, argument| {
        let target = Target::Prompt("test_prompt_with_arguments".to_owned());
        app.completion(Completion::new(
            target,
            argument,
            |_context, typed, _filled| async move {
                let known = ["testValue1", "testValue2"].map(str::to_owned);
                Ok(known
                    .into_iter()
                    .filter(|value| value.starts_with(&typed))
                    .collect())
            },
        ))
    })
}
