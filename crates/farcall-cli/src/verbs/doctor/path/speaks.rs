//! The protocol to its end: both versions, the list of tools, a call, a job with its file.

use std::time::{Duration, Instant};

use farcall_core::{JsonObject, job::state::JobState};
use tokio::time::timeout;

use super::{
    super::finding::{Chart, Finding},
    Walk,
    hole::{self, Made},
    stream,
};
use crate::{
    Failure,
    client::{
        CallError, ConnectError, Connection, ListedTool, Wire,
        jobs::{self, JobTools, Pace},
        one_line, without_query,
    },
    verbs::smoke::{Plan, Sum, fetched},
    words::count,
};

const JOB: &str = "job";
const PROTOCOL: &str = "protocol";
const TOOLS: &str = "tools";

/// Who has not begun a conversation in this time, whatever the reason, is not asked for another.
const SILENT: Duration = Duration::from_secs(20);

pub(super) async fn look(walk: &Walk<'_>, chart: &mut Chart) {
    let mut spoken = None;
    for wire in [Wire::Stateless, Wire::Handshake] {
        let began = Instant::now();
        match opened(walk, wire, chart).await {
            Ok(opened) if spoken.is_none() => spoken = Some(opened),
            Ok((connection, _)) => connection.close().await,
            // Who was silent for so long will be so again.
            Err(Unspoken::Failed) if began.elapsed() >= SILENT && wire == Wire::Stateless => {
                let said = format!("{} was not tried: what answers is silent", Wire::Handshake);
                chart.add(Finding::unverified(PROTOCOL, said));
                break;
            }
            Err(_) => {}
        }
    }
    let Some((connection, tools)) = spoken else {
        left_out(walk, "call this again when that is repaired", chart).await;
        return;
    };
    used(walk, &connection, &tools, chart).await;
    connection.close().await;
}

/// What is left where there is nobody to talk to: whether strangers are let in shows all the same.
pub(super) async fn left_out(walk: &Walk<'_>, remedy: &str, chart: &mut Chart) {
    hole::look(walk, None, chart).await;
    let rest = "tools, jobs and streams were not looked at, for want of a conversation";
    chart.add(Finding::unverified("path", rest).remedy(remedy));
}

/// Why there is no conversation in one version.
enum Unspoken {
    /// Something answers that may well speak another version.
    Version,
    /// It fails, and another version may fail as well.
    Failed,
}

/// A conversation in one version, and the tools that it lists.
async fn opened(
    walk: &Walk<'_>,
    wire: Wire,
    chart: &mut Chart,
) -> Result<(Connection, Vec<ListedTool>), Unspoken> {
    let connection = match Connection::open(&walk.sent.endpoint, wire).await {
        Ok(connection) => connection,
        Err(ConnectError::NotSpoken(failure)) => {
            let said = format!("{wire} is not spoken: {}", failure.message);
            chart.add(match wire {
                Wire::Stateless => Finding::warning(PROTOCOL, said)
                    .cause("the server is older than that version")
                    .remedy("clients of it use an older one; a server of farcall speaks both"),
                Wire::Handshake => Finding::broken(PROTOCOL, said)
                    .cause("the server takes no handshake")
                    .remedy("most clients need it; a server of farcall speaks both"),
            });
            return Err(Unspoken::Version);
        }
        Err(ConnectError::Failed(failure)) => {
            chart.add(of(
                PROTOCOL,
                &failure,
                "the answer does not arrive as the server gives it",
            ));
            return Err(Unspoken::Failed);
        }
    };
    match connection.tools().await {
        Ok(tools) => {
            let listed = count(tools.len() as u64, "tool");
            chart.add(Finding::ok(
                PROTOCOL,
                format!("{} is spoken, and lists {listed}", connection.version()),
            ));
            Ok((connection, tools))
        }
        Err(failure) => {
            chart.add(of(PROTOCOL, &failure, "the list does not arrive"));
            connection.close().await;
            Err(Unspoken::Failed)
        }
    }
}

async fn used(walk: &Walk<'_>, connection: &Connection, tools: &[ListedTool], chart: &mut Chart) {
    enabled(walk, tools, chart);
    let plan = match walk.wanted.plan(tools) {
        Ok(plan) => plan,
        Err(failure) => {
            chart.add(of(TOOLS, &failure, "another name was meant"));
            Plan::default()
        }
    };
    called(connection, plan.call, plan.left_out.as_deref(), chart).await;
    let is_shown = stream::look(walk, None, chart).await;
    let file = if let Some((job, arguments)) = plan.job {
        let driving = Driving {
            walk,
            connection,
            job: &job,
        };
        driving.to_its_file(arguments, is_shown, chart).await
    } else {
        if !is_shown {
            stream::left_out(walk, chart);
        }
        let why = plan.left_out.unwrap_or_else(|| "there is none".to_owned());
        chart.add(Finding::unverified(JOB, why));
        None
    };
    hole::look(walk, file.as_ref(), chart).await;
}

/// The tools that a consumer lists, held against those that there are.
fn enabled(walk: &Walk<'_>, tools: &[ListedTool], chart: &mut Chart) {
    const CHECK: &str = "enabledTools";
    let Some(enabled) = walk.enabled else {
        return;
    };
    let is_listed = |name: &&String| tools.iter().any(|tool| tool.name == **name);
    let quoted = |names: Vec<&str>| {
        names
            .iter()
            .map(|name| format!("`{}`", one_line(name)))
            .collect::<Vec<_>>()
            .join(", ")
    };
    let absent: Vec<_> = enabled
        .iter()
        .filter(|name| !is_listed(name))
        .map(String::as_str)
        .collect();
    let more: Vec<_> = tools
        .iter()
        .map(|tool| tool.name.as_str())
        .filter(|name| !enabled.iter().any(|own| own == name))
        .collect();
    chart.add(if !absent.is_empty() {
        Finding::broken(CHECK, format!("it lists {}, and the server has no such tool for this caller", quoted(absent)))
            .cause("the hand-off was written by hand or before a change, or the caller's token does not show that tool")
            .remedy(format!("write the names that there are: {}", quoted(tools.iter().map(|tool| tool.name.as_str()).collect())))
    } else if enabled.is_empty() && !more.is_empty() {
        Finding::broken(CHECK, "its list of tools is empty, so the client shows its agent none of them")
            .cause("the list was left empty, and not left out")
            .remedy(format!("write the names that there are: {}; or leave the list out, for all of them", quoted(more)))
    } else if more.is_empty() {
        Finding::ok(CHECK, "it lists exactly the tools that there are")
    } else {
        Finding::warning(CHECK, format!("it does not list {}", quoted(more)))
            .cause("the consumer's agent will not see them")
            .remedy("add them, where they are meant for this consumer")
    });
}

async fn called(
    connection: &Connection,
    call: Option<(String, JsonObject)>,
    left_out: Option<&str>,
    chart: &mut Chart,
) {
    const CHECK: &str = "tool call";
    let Some((tool, arguments)) = call else {
        let why = left_out.unwrap_or("there is no tool that is known to be safe to call");
        chart.add(Finding::unverified(CHECK, why).remedy("name one: --tool NAME --args JSON"));
        return;
    };
    let tool_name = one_line(&tool);
    chart.add(match connection.call(&tool, arguments.clone()).await {
        Ok(answer) => match Sum::of(&tool, &arguments, &answer) {
            Sum::Wrong => Finding::broken(CHECK, "`add` says that 2 and 3 are not 5")
                .cause("the tool computes something else, or `sum` is no number")
                .remedy("correct it"),
            Sum::Missing => Finding::unverified(
                CHECK,
                "`add` answers, and names no `sum`, so whether it adds was not seen",
            )
            .remedy("nothing, where it is another `add`; the contract's answers {\"sum\": …}"),
            Sum::Right | Sum::Unasked => Finding::ok(CHECK, format!("`{tool_name}` answers")),
        },
        Err(error) => failed(CHECK, &tool_name, error),
    });
}

/// A job that is driven.
struct Driving<'a> {
    walk: &'a Walk<'a>,
    connection: &'a Connection,
    job: &'a JobTools,
}

impl Driving<'_> {
    /// Starts the job, watches it to its end and fetches its file; the URL of that.
    async fn to_its_file(
        &self,
        arguments: JsonObject,
        is_shown: bool,
        chart: &mut Chart,
    ) -> Option<Made> {
        let started = match jobs::start(self.connection, self.job, arguments).await {
            Ok(started) => started,
            Err(error) => {
                chart.add(failed(JOB, &self.job.start, error));
                return None;
            }
        };
        let id = started.job_id;
        if !is_shown {
            // While it runs there is a stream about it.
            stream::look(self.walk, Some(&id), chart).await;
        }
        match self.ended(&id).await {
            Ok((file, finding)) => {
                chart.add(finding);
                Some(file)
            }
            Err(finding) => {
                chart.add(*finding);
                None
            }
        }
    }

    async fn ended(&self, id: &str) -> Result<(Made, Finding), Box<Finding>> {
        let pace = Pace {
            at_most: Duration::from_millis(500),
            give_up_after: self.walk.give_up_after,
        };
        let (connection, job) = (self.connection, self.job);
        let name = one_line(&job.job);
        let of_tool = |tool: &str, error| Box::new(failed(JOB, tool, error));
        let mut is_under_way = false;
        let began = Instant::now();
        let last = jobs::follow(connection, job, id, pace, |status| {
            is_under_way = !status.state.is_terminal();
        })
        .await;
        let last = match last {
            Ok(last) => last,
            Err(CallError::Failed(failure))
                if is_under_way && began.elapsed() >= pace.give_up_after =>
            {
                return Err(Box::new(slow(&failure)));
            }
            Err(error) => return Err(of_tool(&job.status, error)),
        };
        if last.state != JobState::Succeeded {
            let reason = last.error.as_deref().unwrap_or("it does not say why");
            let code = last.error_code.as_deref().unwrap_or("no error_code");
            return Err(Box::new(
                Finding::broken(
                    JOB,
                    format!(
                        "the job `{name}` failed in stage {} of {}: {reason} ({code})",
                        last.stage, last.total_stages
                    ),
                )
                .cause("the job itself, or what it runs")
                .remedy(format!(
                    "jobs show {} on the machine of the server has the last lines of its log",
                    jobs::short(id)
                )),
            ));
        }
        let result = jobs::result(connection, job, id).await;
        let result = result.map_err(|error| of_tool(&job.result, error))?;
        let Some(url) = result["url"].as_str() else {
            return Err(Box::new(
                Finding::broken(
                    JOB,
                    format!("the job `{name}` has succeeded, and its result names no `url`"),
                )
                .cause("the server hands out paths, or nothing")
                .remedy("return the URL of the file, which clients can fetch"),
            ));
        };
        let limit = self.walk.give_up_after;
        let late = |_| {
            let limit = limit.as_secs();
            Failure::failed(format!("{} is not here after {limit} seconds", place(url)))
                .hint("give it more time: --timeout SECONDS")
        };
        let file = timeout(limit, fetched(&self.walk.sent.endpoint, url, &result)).await;
        match file.map_err(late).flatten() {
            Ok(size) => Ok((
                made(url, &result),
                Finding::ok(
                    JOB,
                    format!(
                        "the job `{name}` ran to its file of {}, fetched from {}",
                        crate::words::bytes(size),
                        place(url)
                    ),
                ),
            )),
            Err(failure) => Err(Box::new(self.no_file(url, &failure))),
        }
    }

    /// A file that does not come: nearly always for the beginning of its URL.
    fn no_file(&self, url: &str, failure: &Failure) -> Finding {
        let finding = Finding::broken("file", failure.message.clone());
        let parsed = url::Url::parse(url).ok();
        match parsed.filter(|url| !self.walk.sent.endpoint.is_same_origin(url)) {
            Some(url) => finding
                .cause(format!(
                    "links begin with `{}`, and clients call `{}`",
                    url.origin().ascii_serialization(),
                    self.walk.url().origin().ascii_serialization()
                ))
                .remedy(format!(
                    "set PUBLIC_BASE_URL={} for the server, and start it again",
                    self.walk.url().origin().ascii_serialization()
                )),
            None => finding
                .cause("what stands in front does not pass /files on, or changes what it carries")
                .remedy(
                    failure
                        .hint
                        .clone()
                        .unwrap_or_else(|| "let it pass on /files as it does /mcp".to_owned()),
                ),
        }
    }
}

/// The file at `url`, as the result of its job describes it.
fn made(url: &str, result: &serde_json::Value) -> Made {
    let artifacts = result["artifacts"].as_array();
    let mut artifacts = artifacts.into_iter().flatten();
    let artifact = artifacts.find(|artifact| artifact["url"] == url);
    let media_type = artifact.and_then(|artifact| artifact["media_type"].as_str());
    Made {
        url: url.to_owned(),
        media_type: media_type.map(str::to_owned),
    }
}

/// A job that goes on: that it is slow is no fault.
fn slow(failure: &Failure) -> Finding {
    Finding::unverified(JOB, failure.message.clone())
        .cause("it takes longer than --timeout, or nobody runs it")
        .remedy("give it more time: --timeout SECONDS; where it stays queued, see `readiness`")
}

fn place(url: &str) -> String {
    url::Url::parse(url).map_or_else(
        |_| one_line(url),
        |url| format!("`{}`", without_query(&url)),
    )
}

fn failed(check: &'static str, tool: &str, error: CallError) -> Finding {
    match error {
        CallError::Refused { message, .. } => Finding::broken(
            check,
            format!("`{}` answers with an error: {message}", one_line(tool)),
        )
        .cause("the tool refuses these arguments, or what it needs is not there")
        .remedy("call it with others: --tool NAME --args JSON; else look into the server's log"),
        CallError::Failed(failure) => of(
            check,
            &failure,
            "the answer is not what the contract says, or does not arrive",
        ),
    }
}

fn of(check: &'static str, failure: &Failure, cause: &str) -> Finding {
    let finding = Finding::broken(check, failure.message.clone()).cause(cause);
    match &failure.hint {
        Some(hint) => finding.remedy(hint.clone()),
        None => finding.remedy("look into the log of the server, then of what stands in front"),
    }
}
