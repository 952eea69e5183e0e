//! Drives jobs by the contract of the guide, and holds the server to it.

use std::time::Duration;

use farcall_core::{JsonObject, job::state::JobState};
use serde::Serialize;
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use super::{
    CallError, Connection, Endpoint, ListedTool, one_line, text::shortened, without_queries,
};
use crate::Failure;

/// The tools of one job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JobTools {
    /// Name of the job.
    pub job: String,
    /// Starts one.
    pub start: String,
    /// Says how far it is.
    pub status: String,
    /// Returns its result.
    pub result: String,
}

impl JobTools {
    /// The tools of the job called `job`.
    pub fn of(job: &str) -> Self {
        Self {
            job: job.to_owned(),
            start: format!("start_{job}"),
            status: format!("get_{job}_status"),
            result: format!("get_{job}_result"),
        }
    }

    /// Every job whose three tools are all listed, in the order of the tools that start them.
    pub fn among(tools: &[ListedTool]) -> Vec<Self> {
        let is_listed = |name: &str| tools.iter().any(|tool| tool.name == name);
        let jobs = tools
            .iter()
            .filter_map(|tool| tool.name.strip_prefix("start_"))
            .map(Self::of);
        jobs.filter(|job| is_listed(&job.status) && is_listed(&job.result))
            .collect()
    }
}

/// A job that was started.
#[derive(Clone, Debug, PartialEq)]
pub struct Started {
    /// Its identity.
    pub job_id: String,
    /// The whole answer.
    pub payload: Value,
}

/// What a job's status tool said.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Status {
    /// Where it stands.
    pub state: JobState,
    /// How often it has been started, from 1.
    #[serde(skip_serializing_if = "is_first")]
    pub attempt: u64,
    /// The stage it is in, 0 before the first.
    pub stage: u64,
    /// How many there are.
    pub total_stages: u64,
    /// What is being done, one line.
    pub message: String,
    /// How far the stage is, 0 to 1, where the job says.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub progress: Option<f64>,
    /// Why it failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// The class of the failure.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error_code: Option<String>,
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde hands fields over so"
)]
fn is_first(attempt: &u64) -> bool {
    *attempt <= 1
}

/// How a job is watched.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    /// The longest time between two looks, whatever the server proposes.
    pub at_most: Duration,
    /// When it is given up.
    pub give_up_after: Duration,
}

/// Starts a job.
///
/// # Errors
/// A [`CallError`] where it is refused, or the answer is not the contract's.
pub async fn start(
    connection: &Connection,
    tools: &JobTools,
    arguments: JsonObject,
) -> Result<Started, CallError> {
    let answer = Answer::of(connection, &tools.start, arguments).await?;
    let job_id = answer.payload["job_id"].as_str().unwrap_or_default();
    if job_id.is_empty() {
        return Err(answer.broken("without a `job_id`").into());
    }
    answer.state()?;
    Ok(Started {
        job_id: job_id.to_owned(),
        payload: answer.payload,
    })
}

/// Watches a job to its end; `seen` is told every answer. Returns the last one: it has
/// succeeded, or failed.
///
/// # Errors
/// A [`CallError`] where an answer breaks the contract, or the time is up.
pub async fn follow(
    connection: &Connection,
    tools: &JobTools,
    job_id: &str,
    pace: Pace,
    mut seen: impl FnMut(&Status),
) -> Result<Status, CallError> {
    let give_up_at = Instant::now() + pace.give_up_after;
    let mut before: Option<Status> = None;
    loop {
        let answer = Answer::of(connection, &tools.status, of_job(job_id)).await?;
        let status = answer.status(job_id)?;
        check(&status, before.as_ref()).map_err(|fault| answer.broken(&fault))?;
        seen(&status);
        if status.state.is_terminal() {
            return Ok(status);
        }
        if Instant::now() >= give_up_at {
            return Err(late(job_id, &status, pace.give_up_after).into());
        }
        let proposed = answer.payload["poll_after_ms"].as_u64();
        let proposed = proposed.map(Duration::from_millis);
        sleep(proposed.unwrap_or(pace.at_most).min(pace.at_most)).await;
        before = Some(status);
    }
}

/// The result of a job that is over.
///
/// # Errors
/// A [`CallError`] where the answer is not the contract's.
pub async fn result(
    connection: &Connection,
    tools: &JobTools,
    job_id: &str,
) -> Result<Value, CallError> {
    let answer = Answer::of(connection, &tools.result, of_job(job_id)).await?;
    answer.echoes(job_id)?;
    if !answer.payload["ready"].is_boolean() {
        return Err(answer.broken("without `ready`").into());
    }
    Ok(answer.payload)
}

/// The id of a job as far as people need it.
pub fn short(job_id: &str) -> String {
    shortened(&one_line(job_id), 8)
}

fn of_job(job_id: &str) -> JsonObject {
    JsonObject::from_iter([("job_id".to_owned(), job_id.into())])
}

/// What a tool of a job has answered. It may repeat what it was sent, so no text of it is shown as it is.
struct Answer<'a> {
    endpoint: &'a Endpoint,
    tool: &'a str,
    payload: Value,
}

impl<'a> Answer<'a> {
    async fn of(
        connection: &'a Connection,
        tool: &'a str,
        arguments: JsonObject,
    ) -> Result<Self, CallError> {
        let payload = connection.call(tool, arguments).await?;
        Self::read(connection.endpoint(), tool, payload)
    }

    /// Servers of the guide may refuse without saying so in the protocol's terms.
    fn read(endpoint: &'a Endpoint, tool: &'a str, payload: Value) -> Result<Self, CallError> {
        let answer = Self {
            endpoint,
            tool,
            payload,
        };
        if !answer.payload.is_object() {
            return Err(answer
                .broken("with something that is no JSON object")
                .into());
        }
        match answer.text("error") {
            Some(message) if answer.payload.get("state").is_none() => Err(CallError::Refused {
                message,
                payload: endpoint.scrubbed_answer(&answer.payload),
            }),
            _ => Ok(answer),
        }
    }

    fn status(&self, job_id: &str) -> Result<Status, Failure> {
        self.echoes(job_id)?;
        let number = |name: &str| {
            let number = self.payload[name].as_u64();
            number.ok_or_else(|| self.broken(&format!("without a whole `{name}`")))
        };
        let message = self.text("message");
        Ok(Status {
            state: self.state()?,
            attempt: self.payload["attempt"].as_u64().unwrap_or(1),
            stage: number("stage")?,
            total_stages: number("total_stages")?,
            message: message.ok_or_else(|| self.broken("without a `message`"))?,
            progress: self.payload["progress"].as_f64(),
            error: self.text("error"),
            error_code: self.text("error_code"),
        })
    }

    fn text(&self, name: &str) -> Option<String> {
        let text = self.payload[name].as_str()?;
        Some(one_line(&self.endpoint.scrubbed(text)))
    }

    fn echoes(&self, job_id: &str) -> Result<(), Failure> {
        if self.payload["job_id"] == json!(job_id) {
            return Ok(());
        }
        Err(self.broken(&format!("without the `job_id` {}", short(job_id))))
    }

    fn state(&self) -> Result<JobState, Failure> {
        let state = self.payload["state"].as_str().and_then(JobState::parse);
        state.ok_or_else(|| {
            let names = JobState::ALL.map(JobState::as_str).join(", ");
            self.broken(&format!("without a `state` of {names}"))
        })
    }

    fn broken(&self, fault: &str) -> Failure {
        let payload = without_queries(&self.payload);
        Failure::failed(format!(
            "`{}` answered {fault}: {}",
            self.tool,
            one_line(&self.endpoint.scrubbed_answer(&payload).to_string())
        ))
    }
}

fn check(status: &Status, before: Option<&Status>) -> Result<(), String> {
    let Status {
        state,
        stage,
        total_stages,
        ..
    } = status;
    if stage > total_stages {
        return Err(format!("with stage {stage} of {total_stages}"));
    }
    if *state == JobState::Succeeded && stage != total_stages {
        return Err(format!(
            "that the job has succeeded in stage {stage} of {total_stages}"
        ));
    }
    if status
        .progress
        .is_some_and(|progress| !(0.0..=1.0).contains(&progress))
    {
        return Err("with a `progress` outside 0..1".to_owned());
    }
    let Some(before) = before else { return Ok(()) };
    // Whoever lost its worker, or is tried again, begins where that leads.
    let has_stopped = *state == JobState::Queued && before.state == JobState::Running;
    if has_stopped || status.attempt > before.attempt {
        return Ok(());
    }
    if *total_stages != before.total_stages {
        return Err(format!(
            "with {total_stages} stages, after it had said {}",
            before.total_stages
        ));
    }
    if *stage < before.stage {
        return Err(format!(
            "with stage {stage}, after it had said {}",
            before.stage
        ));
    }
    Ok(())
}

fn late(job_id: &str, status: &Status, after: Duration) -> Failure {
    let Status {
        state,
        stage,
        total_stages,
        ..
    } = status;
    Failure::failed(format!(
        "the job `{}` is still {state}, stage {stage} of {total_stages}, after {} seconds",
        short(job_id),
        after.as_secs()
    ))
    .hint("give a long job more time: --timeout SECONDS")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(state: JobState, reached: u64, total_stages: u64) -> Status {
        Status {
            state,
            attempt: 1,
            stage: reached,
            total_stages,
            message: String::new(),
            progress: None,
            error: None,
            error_code: None,
        }
    }

    #[test]
    fn stages_only_go_forward() {
        let before = at(JobState::Running, 2, 3);
        let judge = |stage, total| check(&at(JobState::Running, stage, total), Some(&before));
        assert_eq!(judge(2, 3), Ok(()));
        assert_eq!(judge(3, 3), Ok(()));
        assert!(judge(1, 3).unwrap_err().contains("had said 2"));
        assert!(judge(2, 4).unwrap_err().contains("had said 3"));
        assert!(judge(4, 3).unwrap_err().contains("stage 4 of 3"));
    }

    #[test]
    fn a_job_that_runs_again_may_begin_earlier() {
        let running = at(JobState::Running, 2, 3);
        let queued = at(JobState::Queued, 1, 3);
        assert_eq!(check(&queued, Some(&running)), Ok(()));
        assert!(check(&at(JobState::Queued, 0, 3), Some(&queued)).is_err());
        let mut again = at(JobState::Running, 0, 4);
        assert!(check(&again, Some(&queued)).is_err());
        again.attempt = 2;
        assert_eq!(check(&again, Some(&queued)), Ok(()));
    }

    #[test]
    fn success_is_the_last_stage() {
        assert_eq!(check(&at(JobState::Succeeded, 3, 3), None), Ok(()));
        assert!(check(&at(JobState::Succeeded, 2, 3), None).is_err());
    }

    fn at_server() -> Endpoint {
        let endpoint = Endpoint::new("https://a.example/mcp").unwrap();
        endpoint.bearer("s3cret-s3cret").unwrap()
    }

    #[test]
    fn an_error_without_a_state_is_a_refusal() {
        let endpoint = at_server();
        let read = |payload| Answer::read(&endpoint, "get_x_status", payload);
        let refusal = read(json!({"error": "unknown job_id", "job_id": "1"}));
        assert!(matches!(refusal, Err(CallError::Refused { .. })));
        assert!(read(json!({"error": "it burnt", "state": "failed"})).is_ok());
    }

    #[test]
    fn what_was_sent_is_not_shown_where_an_answer_repeats_it() {
        let endpoint = at_server();
        let said = |payload| match Answer::read(&endpoint, "get_x_status", payload) {
            Ok(answer) => format!("{:?}", answer.status("1")),
            Err(error) => format!("{error:?}"),
        };
        for payload in [
            json!({"error": "bad token s3cret-s3cret"}),
            json!(["s3cret-s3cret"]),
            json!({"job_id": "2", "headers": {"authorization": "Bearer s3cret-s3cret"}}),
            json!({
                "job_id": "1", "state": "failed", "stage": 1, "total_stages": 2,
                "message": "s3cret-s3cret", "error": "s3cret-s3cret", "error_code": "s3cret-s3cret",
            }),
        ] {
            let said = said(payload);
            assert!(said.contains('…') && !said.contains("s3cret"), "{said}");
        }
    }

    #[test]
    fn a_job_needs_all_three_tools() {
        let listed = |names: &[&str]| {
            let tools: Vec<_> = names
                .iter()
                .map(|name| ListedTool {
                    description: None,
                    name: (*name).to_owned(),
                    input_schema: JsonObject::new().into(),
                })
                .collect();
            JobTools::among(&tools)
        };
        assert_eq!(
            listed(&[
                "start_a",
                "start_b",
                "get_b_status",
                "get_b_result",
                "get_a_status"
            ]),
            [JobTools::of("b")]
        );
    }
}
