//! One run: the list, a call, a job and its file.

use std::time::Duration;

use farcall_core::{JsonObject, job::state::JobState};
use serde_json::Value;
use url::Url;

use super::{
    Task, file,
    plan::Sum,
    report::{CallReport, JobReport, Run},
    screen::Screen,
};
use crate::{
    Failure,
    client::{
        CallError, Connection,
        jobs::{self, JobTools, Pace, Status},
        one_line, without_queries, without_query,
    },
};

/// The longest time between two looks at a job. What servers propose is meant for jobs of
/// minutes; a test would miss the stages of short ones.
const POLL_AT_MOST: Duration = Duration::from_millis(200);

pub(super) async fn drive(
    connection: &Connection,
    task: &Task,
    screen: &Screen,
    run: &mut Run,
) -> Result<(), Failure> {
    let tools = connection.tools().await?;
    run.tools = tools.iter().map(|tool| tool.name.clone()).collect();
    let quoted: Vec<_> = run.tools.iter().map(|name| quoted(name)).collect();
    screen.line(&format!("tools: [{}]", quoted.join(", ")));

    let plan = task.wanted.plan(&tools)?;
    if let Some((tool, arguments)) = plan.call {
        call(connection, screen, run, tool, arguments).await?;
    }
    if let Some((tools, arguments)) = plan.job {
        job(connection, task, screen, run, &tools, arguments).await?;
    }
    if let Some(reason) = &plan.left_out {
        screen.note(reason);
    }
    run.left_out = plan.left_out;
    Ok(())
}

async fn call(
    connection: &Connection,
    screen: &Screen,
    run: &mut Run,
    tool: String,
    arguments: JsonObject,
) -> Result<(), Failure> {
    let answer = connection.call(&tool, arguments.clone()).await;
    let answer = answer.map_err(|error| about(&tool, error))?;
    // The guide's way to write the one call that every reader knows.
    let shown = if tool == "add" && arguments.len() == 2 {
        let values: Vec<_> = arguments.values().map(ToString::to_string).collect();
        values.join(",")
    } else {
        Value::Object(arguments.clone()).to_string()
    };
    // A tool may well repeat what it was sent.
    let told = connection.endpoint().scrubbed_answer(&answer);
    screen.line(&format!(
        "{}({}) -> {}",
        one_line(&tool),
        shown,
        one_line(&told.to_string())
    ));
    match Sum::of(&tool, &arguments, &answer) {
        Sum::Wrong => return Err(Failure::failed("the sum of 2 and 3 should be 5")),
        Sum::Missing => screen.note("`add` names no `sum`, so whether it adds was not seen"),
        Sum::Right | Sum::Unasked => {}
    }
    run.call = Some(CallReport {
        tool,
        arguments: arguments.into(),
        answer: without_queries(&told),
    });
    Ok(())
}

async fn job(
    connection: &Connection,
    task: &Task,
    screen: &Screen,
    run: &mut Run,
    tools: &JobTools,
    arguments: JsonObject,
) -> Result<(), Failure> {
    let started = jobs::start(connection, tools, arguments).await;
    let started = started.map_err(|error| about(&tools.start, error))?;
    let id = started.job_id;
    let fields = [
        ("job_id", quoted(&jobs::short(&id))),
        ("state", started.payload["state"].to_string()),
    ];
    screen.line(&format!(
        "{} -> {}",
        one_line(&tools.start),
        brief(&fields, &started.payload)
    ));

    let report = run.job.insert(JobReport {
        name: tools.job.clone(),
        job_id: id.clone(),
        statuses: Vec::new(),
        result: None,
        file: None,
    });
    let pace = Pace {
        at_most: POLL_AT_MOST,
        give_up_after: task.give_up_after,
    };
    let followed = jobs::follow(connection, tools, &id, pace, |status| {
        seen(screen, &mut report.statuses, status);
        screen.progress(status);
    });
    let last = followed.await;
    screen.clear();
    let last = last.map_err(|error| about(&tools.status, error))?;
    if last.state != JobState::Succeeded {
        return Err(failed(&id, &last));
    }
    let result = jobs::result(connection, tools, &id).await;
    let result = result.map_err(|error| about(&tools.result, error))?;
    let told = connection.endpoint().scrubbed_answer(&result);
    let url = finished(screen, report, tools, &told)?;
    let file = file::fetch(connection.endpoint(), &url, &result).await?;
    let checked = file::check(&file, &url, &result);
    report.file = Some(file);
    checked
}

/// Prints the result, and returns the URL of its file.
fn finished(
    screen: &Screen,
    report: &mut JobReport,
    tools: &JobTools,
    result: &Value,
) -> Result<String, Failure> {
    report.result = Some(without_queries(result));
    let fault = |what: &str| {
        Failure::failed(format!(
            "the job `{}` has succeeded, but `{}` {what}: {}",
            jobs::short(&report.job_id),
            one_line(&tools.result),
            one_line(&without_queries(result).to_string())
        ))
    };
    if result["ready"] != true {
        return Err(fault("says that it is not ready"));
    }
    let url = result["url"]
        .as_str()
        .ok_or_else(|| fault("names no `url`"))?;
    let fields = [
        ("ready", "true".to_owned()),
        ("url", quoted(&short_url(url, &report.job_id))),
    ];
    screen.line(&format!("result -> {}", brief(&fields, result)));
    Ok(url.to_owned())
}

/// One line for each change, from the first stage on: before it, starting the job has said all.
fn seen(screen: &Screen, statuses: &mut Vec<Status>, status: &Status) {
    let is_new = statuses.last().is_none_or(|last| {
        (last.state, last.stage, &last.message) != (status.state, status.stage, &status.message)
    });
    if !is_new {
        return;
    }
    if status.stage > 0 || status.state.is_terminal() {
        screen.line(&format!(
            "status -> {} {}/{} {}",
            status.state, status.stage, status.total_stages, status.message
        ));
    }
    statuses.push(status.clone());
}

fn failed(id: &str, last: &Status) -> Failure {
    let reason = last.error.as_deref().unwrap_or("it does not say why");
    let failure = Failure::failed(format!(
        "the job `{}` failed in stage {} of {}: {reason}",
        jobs::short(id),
        last.stage,
        last.total_stages
    ));
    match &last.error_code {
        Some(code) => failure.hint(format!("its error_code is {code}")),
        None => failure,
    }
}

/// The failure of a call names the tool.
fn about(tool: &str, error: CallError) -> Failure {
    match error {
        CallError::Refused { message, .. } => Failure::failed(format!(
            "`{}` answers with an error: {message}",
            one_line(tool)
        )),
        CallError::Failed(failure) => failure,
    }
}

/// A JSON object of these fields, and `…` for the others that `payload` has.
fn brief(fields: &[(&str, String)], payload: &Value) -> String {
    let mut shown: Vec<_> = fields
        .iter()
        .map(|(name, value)| format!("\"{name}\":{value}"))
        .collect();
    if payload
        .as_object()
        .is_some_and(|all| all.len() > fields.len())
    {
        shown.push("…".to_owned());
    }
    format!("{{{}}}", shown.join(","))
}

/// A URL up to the first digits of the job's id; what follows can be a signature.
fn short_url(url: &str, job_id: &str) -> String {
    match url.split_once(job_id) {
        Some((before, _)) => one_line(&format!("{before}{}", jobs::short(job_id))),
        None => Url::parse(url).map_or_else(|_| one_line(url), |url| without_query(&url)),
    }
}

fn quoted(text: &str) -> String {
    Value::from(one_line(text)).to_string()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const ID: &str = "2669ffa4c0de2669ffa4c0de2669ffa4";

    #[test]
    fn other_fields_are_told_by_an_ellipsis() {
        let fields = [("ready", "true".to_owned())];
        assert_eq!(brief(&fields, &json!({"ready": true})), r#"{"ready":true}"#);
        assert_eq!(
            brief(&fields, &json!({"ready": true, "a": 1})),
            r#"{"ready":true,…}"#
        );
    }

    #[test]
    fn a_url_ends_in_the_first_digits_of_the_id() {
        let url = format!("http://127.0.0.1:8900/files/{ID}?sig=secret");
        assert_eq!(short_url(&url, ID), "http://127.0.0.1:8900/files/2669ffa4…");
        assert_eq!(short_url("http://a/b?sig=secret", ID), "http://a/b");
    }
}
