//! Answers about prompts, resources and completions, within the limits that tools have.

use farcall_core::{
    BoxFuture,
    completion::{MAX_SUGGESTIONS, Suggestions, Target},
    content::ResourceContent,
    context::CallContext,
    panic,
    problem::{self, Demand, Problem},
    prompt,
    tool::DEFAULT_TIME_LIMIT,
};
use rmcp::{
    ErrorData,
    model::{
        CompleteRequestParams, CompleteResult, CompletionInfo, ErrorCode, GetPromptRequestParams,
        GetPromptResponse, GetPromptResult, JsonObject, MetaObject, PromptMessage,
        ReadResourceRequestParams, ReadResourceResponse, ReadResourceResult, Reference, Role,
    },
};
use serde_json::{Value, json};

use super::{
    audited, call,
    client::Era,
    handler::{Connection, Request},
    limit,
};
use crate::audit;

impl Connection {
    /// Writes the messages of a prompt, or asks for what it needs first.
    pub(super) async fn write_prompt(
        &self,
        params: GetPromptRequestParams,
        request: Request,
    ) -> Result<GetPromptResponse, ErrorData> {
        let (server, caller) = (self.server(), self.caller(&request)?);
        let about = || audited::of_prompt(&params.name, params.arguments.as_ref());
        let line = audited::begin(&server, &request, &caller, "prompts/get", about);
        let answer = self.written(params, request).await;
        told(line, answer, |answer| {
            matches!(answer, GetPromptResponse::InputRequired(_))
        })
    }

    async fn written(
        &self,
        params: GetPromptRequestParams,
        request: Request,
    ) -> Result<GetPromptResponse, Failed> {
        let server = self.server();
        let is_there = self.caller(&request)?.is_unrestricted();
        let prompt = server.catalog.prompt(&params.name).filter(|_| is_there);
        let Some(prompt) = prompt.cloned() else {
            let sentence = "there is no such prompt; `prompts/list` has the names";
            return Err(ErrorData::invalid_params(sentence, None).into());
        };
        let arguments = params.arguments.unwrap_or_default();
        let strings = strings(&arguments)?;
        let arguments = Value::Object(arguments);
        let subject = ("prompts/get", params.name.as_str(), &arguments);
        let brought = (params.request_state, params.input_responses);
        let (context, binding) = self.context(&request, Era::of(&request), subject, brought)?;
        let writing = {
            let context = context.clone();
            move || -> BoxFuture<_> {
                Box::pin(async move { prompt.write(context, strings).await })
            }
        };
        let problem = match in_time(&context, writing).await {
            Ok(script) => {
                let messages = script
                    .messages
                    .into_iter()
                    .map(message)
                    .collect::<Result<_, _>>()?;
                let mut result = GetPromptResult::new(messages);
                result.description = script.description;
                result.meta = script.meta.map(MetaObject);
                return Ok(GetPromptResponse::Complete(result));
            }
            Err(problem) => problem,
        };
        let Some(demand) = for_the_protocol(&problem, &request) else {
            return Err(protocol_error("prompt", &problem, None));
        };
        let rounds = &server.rounds;
        let required = rounds.demand(demand, &context.recollection(), &binding)?;
        Ok(GetPromptResponse::InputRequired(required))
    }

    /// Reads a resource, or asks for what it needs first.
    pub(super) async fn read(
        &self,
        params: ReadResourceRequestParams,
        request: Request,
    ) -> Result<ReadResourceResponse, ErrorData> {
        let (server, caller) = (self.server(), self.caller(&request)?);
        let about = || audited::of_resource(&params.uri);
        let line = audited::begin(&server, &request, &caller, "resources/read", about);
        let answer = self.contents(params, request).await;
        told(line, answer, |answer| {
            matches!(answer, ReadResourceResponse::InputRequired(_))
        })
    }

    async fn contents(
        &self,
        params: ReadResourceRequestParams,
        request: Request,
    ) -> Result<ReadResourceResponse, Failed> {
        let uri = params.uri;
        let subject = ("resources/read", uri.as_str(), &Value::Null);
        let brought = (params.request_state, params.input_responses);
        let (context, binding) = self.context(&request, Era::of(&request), subject, brought)?;
        let server = self.server();
        let catalog = &server.catalog;
        let is_there = context.principal().is_unrestricted();
        let reading = if let Some(resource) = catalog.resource(&uri).filter(|_| is_there) {
            in_time(&context, || resource.read(context.clone())).await
        } else if let Some((template, variables)) = catalog.template(&uri).filter(|_| is_there) {
            in_time(&context, || {
                template.read(context.clone(), uri.clone(), variables)
            })
            .await
        } else {
            let sentence = "there is no such resource; `resources/list` has the URIs";
            return Err(ErrorData::resource_not_found(sentence, Some(named(&uri))).into());
        };
        let problem = match reading {
            Ok(contents) => {
                let contents = contents.into_iter().map(ResourceContent::into_value);
                let contents: Result<_, serde_json::Error> =
                    contents.map(serde_json::from_value).collect();
                match contents {
                    Ok(contents) => {
                        return Ok(ReadResourceResponse::Complete(ReadResourceResult::new(
                            contents,
                        )));
                    }
                    Err(error) => Problem::internal(error),
                }
            }
            Err(problem) => problem,
        };
        let Some(demand) = for_the_protocol(&problem, &request) else {
            return Err(protocol_error("resource", &problem, Some(named(&uri))));
        };
        let rounds = &server.rounds;
        let required = rounds.demand(demand, &context.recollection(), &binding)?;
        Ok(ReadResourceResponse::InputRequired(required))
    }

    /// Suggests values for an argument; none where nobody suggests any.
    pub(super) async fn suggest(
        &self,
        params: CompleteRequestParams,
        request: Request,
    ) -> Result<CompleteResult, ErrorData> {
        let target = match params.r#ref {
            Reference::Prompt(prompt) => Target::Prompt(prompt.name),
            Reference::Resource(resource) => Target::ResourceTemplate(resource.uri),
            _ => return Ok(CompleteResult::default()),
        };
        let argument = params.argument;
        let server = self.server();
        let is_there = self.caller(&request)?.is_unrestricted();
        let completion = server.catalog.completion(&target, &argument.name);
        let Some(completion) = completion.filter(|_| is_there) else {
            return Ok(CompleteResult::default());
        };
        let subject = ("completion/complete", argument.name.as_str(), &Value::Null);
        let (context, _) = self.context(&request, Era::of(&request), subject, (None, None))?;
        let filled = params.context.and_then(|context| context.arguments);
        let filled = filled.unwrap_or_default().into_iter().collect();
        let suggest = || completion.suggest(context.clone(), argument.value, filled);
        let suggested = in_time(&context, suggest).await;
        let Suggestions {
            mut values,
            total,
            has_more,
        } = suggested.map_err(|problem| protocol_error("completion", &problem, None).error)?;
        values.truncate(MAX_SUGGESTIONS);
        let mut info =
            CompletionInfo::new(values).map_err(|error| ErrorData::internal_error(error, None))?;
        info.total = total;
        info.has_more = has_more;
        Ok(CompleteResult::new(info))
    }
}

/// Why there is no answer, as the protocol says it and as the audit log does.
struct Failed {
    error: ErrorData,
    outcome: &'static str,
}

impl From<ErrorData> for Failed {
    fn from(error: ErrorData) -> Self {
        let outcome = "refused";
        Self { error, outcome }
    }
}

/// Ends the line of a request, where there is one; an answer may be a question.
fn told<T>(
    line: Option<audit::Call>,
    answer: Result<T, Failed>,
    is_question: impl FnOnce(&T) -> bool,
) -> Result<T, ErrorData> {
    if let Some(line) = line {
        line.end(audit::Outcome::new(match &answer {
            Ok(answer) if is_question(answer) => "input_required",
            Ok(_) => "ok",
            Err(failed) => failed.outcome,
        }));
    }
    answer.map_err(|failed| failed.error)
}

/// What the protocol has an answer of its own for: everything since 2026-07-28, and before it
/// nothing, because questions are requests there.
fn for_the_protocol<'a>(problem: &'a Problem, request: &Request) -> Option<&'a Demand> {
    problem.demand().filter(|_| Era::of(request) == Era::Rounds)
}

/// Runs what a prompt, a resource or a completion is made by: a panic in it becomes a problem,
/// and so does taking longer than a tool may by default.
async fn in_time<T>(
    context: &CallContext,
    begin: impl FnOnce() -> BoxFuture<Result<T, Problem>>,
) -> Result<T, Problem> {
    let running = panic::contain(|| Ok(begin()))?;
    tokio::select! {
        outcome = panic::contain_async(running) => outcome,
        () = limit::abandoned(context) => {
            Err(Problem::new(problem::ErrorCode::Cancelled, "the request was taken back"))
        }
        () = limit::reached(DEFAULT_TIME_LIMIT, context.waiting()) => {
            let seconds = DEFAULT_TIME_LIMIT.as_secs();
            let sentence = format!("this took longer than its limit of {seconds} s and was cut");
            Err(Problem::new(problem::ErrorCode::Timeout, sentence))
        }
    }
}

fn message(message: prompt::Message) -> Result<PromptMessage, ErrorData> {
    let role = match message.role {
        prompt::Role::Assistant => Role::Assistant,
        prompt::Role::User => Role::User,
    };
    Ok(PromptMessage::new(role, call::block(message.content)?))
}

/// The arguments of a prompt are strings.
fn strings(arguments: &JsonObject) -> Result<prompt::Arguments, ErrorData> {
    let entries = arguments.iter().map(|(name, value)| {
        if let Value::String(text) = value {
            return Ok((name.clone(), text.clone()));
        }
        let shown: String = name.chars().take(64).collect();
        let sentence = format!("the argument `{}` is no string", shown.escape_debug());
        Err(ErrorData::invalid_params(sentence, None))
    });
    entries.collect()
}

/// The URI that was asked for, at no length of the sender's choosing.
fn named(uri: &str) -> Value {
    json!({"uri": uri.chars().take(2_000).collect::<String>()})
}

/// What a problem of a prompt, a resource or a completion is in the protocol; `data` stands beside it
/// where the problem has none of its own.
fn protocol_error(what: &str, problem: &Problem, data: Option<Value>) -> Failed {
    if let Some(cause) = problem.cause() {
        tracing::error!(what, %cause, "a request failed");
    }
    let facts = problem.details();
    let own = facts.get("code").and_then(Value::as_i64);
    let code = match (problem.code(), own) {
        (problem::ErrorCode::UserError, Some(own)) => passed_on(own),
        (problem::ErrorCode::UserError, None) => ErrorCode::INVALID_PARAMS,
        // Anything else is nothing that other arguments would change.
        _ => ErrorCode::INTERNAL_ERROR,
    };
    let data = facts.get("data").cloned().or(data);
    Failed {
        error: ErrorData::new(code, problem.public_message(), data),
        outcome: problem.code().as_str(),
    }
}

/// The code of an error that a mounted server answered with, as this one may.
fn passed_on(code: i64) -> ErrorCode {
    // JSON-RPC 2.0 section 5.1 reserves these. What they say about a request (that it is none, that its
    // method or headers are not known) is between its caller and this server.
    const RESERVED: std::ops::RangeInclusive<i64> = -32_768..=-32_000;
    const MEANT: [ErrorCode; 3] = [
        ErrorCode::INTERNAL_ERROR,
        ErrorCode::INVALID_PARAMS,
        ErrorCode::RESOURCE_NOT_FOUND,
    ];
    match i32::try_from(code).map(ErrorCode) {
        Ok(own) if MEANT.contains(&own) || !RESERVED.contains(&code) => own,
        _ => ErrorCode::INTERNAL_ERROR,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_code_of_a_mounted_server_is_passed_on_where_it_means_the_same_here() {
        for (own, code) in [
            (-32_002, ErrorCode::RESOURCE_NOT_FOUND),
            (-32_602, ErrorCode::INVALID_PARAMS),
            (7, ErrorCode(7)),
            (-31_999, ErrorCode(-31_999)),
            // HTTP would say that there is no such method here.
            (-32_601, ErrorCode::INTERNAL_ERROR),
            (-32_020, ErrorCode::INTERNAL_ERROR),
            (i64::MIN, ErrorCode::INTERNAL_ERROR),
        ] {
            let problem = Problem::user("no").with("code", own).with("data", "d");
            let error = protocol_error("resource", &problem, Some(named("a://b"))).error;
            assert_eq!((error.code, error.data), (code, Some(json!("d"))), "{own}");
        }
    }

    #[test]
    fn a_problem_without_a_code_is_about_the_arguments() {
        let error = protocol_error("resource", &Problem::user("no"), Some(named("a://b"))).error;
        assert_eq!(error.code, ErrorCode::INVALID_PARAMS);
        assert_eq!(error.data, Some(json!({"uri": "a://b"})));
        let error = protocol_error("prompt", &Problem::internal("x").with("code", 7), None).error;
        assert_eq!(error.code, ErrorCode::INTERNAL_ERROR);
    }
}
