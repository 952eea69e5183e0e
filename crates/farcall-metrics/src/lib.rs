//! What a server counts, and how Prometheus reads it.
//!
//! [`families`] is the only list of metrics; the reference is written from it. Every number is an atomic that
//! whoever counts has in its hands already: a request costs additions, no lock, no allocation. What a label may
//! say is closed: routes and statuses of a list, outcomes, and names of what the server itself offers. Nothing
//! that a caller sends becomes a label, so nobody can make a series, and no secret has a way in.
//!
//! What jobs there are is not counted here: it is read from the store when somebody asks ([`Seen`]), so every
//! replica says the same.

pub mod children;
pub mod families;
mod jobs;
mod number;
mod process;
mod refusals;
mod requests;
mod text;
mod tools;

use std::{
    collections::BTreeMap,
    fmt,
    sync::{Arc, Mutex, PoisonError, Weak},
    time::Duration,
};

use self::{jobs::Jobs, text::Text};
pub use self::{
    jobs::{AttemptOutcome, JobSeries, Worker},
    number::{Counter, Histogram},
    refusals::{Refusals, Refused},
    requests::{Requests, Route},
    tools::{Call, CallOutcome, ToolSeries},
};

/// What the text is, as `Content-Type` says it: the text format of Prometheus, version 0.0.4.
pub const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// The name of a tool that a call names and nobody offers. Parentheses are in no tool's name.
const NO_TOOL: &str = "(none)";

/// The numbers of one server; cheap to clone.
#[derive(Clone, Default)]
pub struct Metrics(Arc<Inner>);

#[derive(Default)]
struct Inner {
    requests: Requests,
    refusals: Refusals,
    sent: Counter,
    written: Counter,
    worker: Worker,
    no_tool: Arc<ToolSeries>,
    /// As long as somebody offers the tool: its series go with the last catalog that has it.
    tools: Mutex<BTreeMap<String, Weak<ToolSeries>>>,
    jobs: Jobs,
}

/// What is asked of others at the moment at which somebody reads.
#[derive(Clone, Copy, Debug, Default)]
pub struct Seen {
    /// What the job store says; `None` where the server has none.
    pub store: Option<Store>,
}

/// What the job store says.
#[derive(Clone, Copy, Debug)]
pub enum Store {
    /// It does not answer.
    Away,
    /// The jobs of all processes that share it.
    Holds(Stored),
}

/// How many jobs there are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stored {
    /// They wait.
    pub queued: u64,
    /// They have a worker.
    pub running: u64,
    /// They are over, and not expired.
    pub succeeded: u64,
    /// They are over, and not expired.
    pub failed: u64,
    /// For how long the one that waits longest could have been begun.
    pub oldest_queued: Option<Duration>,
}

impl Metrics {
    /// Requests over HTTP.
    pub fn requests(&self) -> &Requests {
        &self.0.requests
    }

    /// Whom the gate did not let in.
    pub fn refusals(&self) -> &Refusals {
        &self.0.refusals
    }

    /// Bytes of files that callers were sent by this process.
    pub fn sent(&self) -> &Counter {
        &self.0.sent
    }

    /// Bytes of files that jobs have finished in this process.
    pub fn written(&self) -> &Counter {
        &self.0.written
    }

    /// What this process does as a worker.
    pub fn worker(&self) -> &Worker {
        &self.0.worker
    }

    /// The series of a tool that is offered; whoever offers it keeps them, and they go with the last who does.
    pub fn tool(&self, name: &str) -> Arc<ToolSeries> {
        let mut tools = self.0.tools.lock().unwrap_or_else(PoisonError::into_inner);
        tools.retain(|_, series| series.strong_count() > 0);
        if let Some(series) = tools.get(name).and_then(Weak::upgrade) {
            return series;
        }
        let series = Arc::<ToolSeries>::default();
        tools.insert(name.to_owned(), Arc::downgrade(&series));
        series
    }

    /// The series of calls that name a tool which is not there.
    pub fn no_tool(&self) -> &Arc<ToolSeries> {
        &self.0.no_tool
    }

    /// The series of a job of this server, whose stages are these, told from now on as long as the process runs.
    pub fn job(&self, name: &str, stages: &[String]) -> Arc<JobSeries> {
        self.0.jobs.series(name, stages)
    }

    /// All of it, as Prometheus reads it, for a server of this `version`.
    pub fn text(&self, version: &str, seen: Seen) -> String {
        let mut text = Text::default();
        text.family(&families::BUILD_INFO);
        text.value(&families::BUILD_INFO, &[version], 1);
        self.0.requests.write(&mut text);
        self.0.refusals.write(&mut text);
        self.write_tools(&mut text);
        text.only(&families::FILE_SENT_BYTES, self.0.sent.get());
        text.only(&families::FILE_WRITTEN_BYTES, self.0.written.get());
        write_store(&mut text, seen.store);
        self.0.jobs.write(&mut text);
        self.0.worker.write(&mut text);
        children::write(&mut text);
        process::write(&mut text);
        text.done()
    }

    fn write_tools(&self, text: &mut Text) {
        let offered: Vec<(String, Arc<ToolSeries>)> = {
            let tools = self.0.tools.lock().unwrap_or_else(PoisonError::into_inner);
            let offered = tools.iter();
            offered
                .filter_map(|(name, series)| Some((name.clone(), series.upgrade()?)))
                .collect()
        };
        let all = || {
            let offered = offered.iter().map(|(name, series)| (name.as_str(), series));
            offered.chain([(NO_TOOL, &self.0.no_tool)])
        };
        text.family(&families::TOOL_CALLS);
        all().for_each(|(name, series)| series.write_calls(name, text));
        text.family(&families::TOOL_CALL_SECONDS);
        all().for_each(|(name, series)| series.write_seconds(name, text));
    }
}

fn write_store(text: &mut Text, store: Option<Store>) {
    let Some(store) = store else { return };
    let holds = match store {
        Store::Away => None,
        Store::Holds(stored) => Some(stored),
    };
    text.only(&families::STORE_UP, holds.is_some().into());
    let Some(stored) = holds else { return };
    text.family(&families::JOBS);
    for (state, jobs) in [
        ("queued", stored.queued),
        ("running", stored.running),
        ("succeeded", stored.succeeded),
        ("failed", stored.failed),
    ] {
        text.value(&families::JOBS, &[state], jobs);
    }
    let oldest = stored.oldest_queued.unwrap_or_default();
    text.family(&families::JOB_QUEUE_AGE);
    text.seconds(&families::JOB_QUEUE_AGE, &[], oldest);
}

impl fmt::Debug for Metrics {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Metrics")
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    /// Metrics in which everything has been counted that there is to count.
    fn everything() -> (Metrics, (Arc<ToolSeries>, Arc<JobSeries>)) {
        let metrics = Metrics::default();
        metrics
            .requests()
            .count(Route::of("/mcp"), 200, Duration::from_millis(3));
        metrics.refusals().count(Refused::Wrong);
        metrics.sent().add(5);
        metrics.written().add(7);
        let tool = metrics.tool("add");
        tool.begin().end(CallOutcome::Ok);
        let job = metrics.job("film", &["cutting".to_owned()]);
        job.count(AttemptOutcome::Succeeded);
        job.stage(0, Duration::from_secs(2));
        (metrics, (tool, job))
    }

    #[test]
    fn what_has_not_happened_yet_is_told_as_zero_so_that_the_first_time_is_a_rise() {
        let metrics = Metrics::default();
        let _offered = (
            metrics.tool("add"),
            metrics.job("film", &["cutting".to_owned()]),
        );
        let text = metrics.text("1", seen());
        for line in [
            r#"farcall_http_request_duration_seconds_count{route="/mcp"} 0"#,
            r#"farcall_tool_call_duration_seconds_bucket{tool="add",le="25"} 0"#,
            r#"farcall_tool_call_duration_seconds_bucket{tool="add",le="+Inf"} 0"#,
            r#"farcall_tool_call_duration_seconds_count{tool="add"} 0"#,
            r#"farcall_job_stage_duration_seconds_count{kind="film",stage="cutting"} 0"#,
        ] {
            assert!(text.lines().any(|found| found == line), "{line}\n{text}");
        }
    }

    fn seen() -> Seen {
        let stored = Stored {
            queued: 2,
            oldest_queued: Some(Duration::from_millis(1500)),
            ..Stored::default()
        };
        Seen {
            store: Some(Store::Holds(stored)),
        }
    }

    #[test]
    fn everything_on_the_list_is_told_once_and_nothing_else() {
        let (metrics, _tool) = everything();
        let text = metrics.text("1.2.3", seen());
        let told: Vec<_> = text
            .lines()
            .filter_map(|line| line.strip_prefix("# TYPE "))
            .map(|line| line.split(' ').next().unwrap_or_default())
            .collect();
        let listed: Vec<_> = families::ALL.iter().map(|family| family.name).collect();
        assert_eq!(told, listed);
        let names: BTreeSet<_> = listed.iter().collect();
        assert_eq!(names.len(), listed.len());
    }

    #[test]
    fn each_number_is_where_it_belongs() {
        let (metrics, _tool) = everything();
        let text = metrics.text("1.2.3", seen());
        for line in [
            r#"farcall_build_info{version="1.2.3"} 1"#,
            r#"farcall_http_requests_total{route="/mcp",status="200"} 1"#,
            r#"farcall_http_request_duration_seconds_bucket{route="/mcp",le="0.005"} 1"#,
            r#"farcall_http_request_duration_seconds_bucket{route="/mcp",le="+Inf"} 1"#,
            r#"farcall_http_request_duration_seconds_sum{route="/mcp"} 0.003"#,
            r#"farcall_http_request_duration_seconds_count{route="/mcp"} 1"#,
            r#"farcall_auth_failures_total{reason="wrong"} 1"#,
            r#"farcall_auth_failures_total{reason="missing"} 0"#,
            r#"farcall_tool_calls_total{tool="add",outcome="ok"} 1"#,
            r#"farcall_tool_calls_total{tool="(none)",outcome="refused"} 0"#,
            "farcall_file_sent_bytes_total 5",
            "farcall_file_written_bytes_total 7",
            r#"farcall_jobs{state="queued"} 2"#,
            "farcall_job_queue_oldest_age_seconds 1.5",
            r#"farcall_job_attempts_total{kind="film",outcome="succeeded"} 1"#,
            r#"farcall_job_stage_duration_seconds_sum{kind="film",stage="cutting"} 2"#,
        ] {
            assert!(text.lines().any(|found| found == line), "{line}\n{text}");
        }
        let away = Seen {
            store: Some(Store::Away),
        };
        let text = metrics.text("1.2.3", away);
        assert!(text.contains("farcall_store_up 0\n"), "{text}");
        assert!(!text.contains("farcall_jobs{"), "{text}");
    }

    #[test]
    fn a_tool_that_nobody_offers_any_more_has_no_series() {
        let (metrics, (tool, _job)) = everything();
        let again = metrics.tool("add");
        assert!(Arc::ptr_eq(&tool, &again));
        drop((tool, again));
        assert!(!metrics.text("1", seen()).contains(r#"tool="add""#));
    }

    #[test]
    fn attempts_of_before_and_after_a_change_of_stages_are_counted_together() {
        let metrics = Metrics::default();
        let stages = |names: &[&str]| names.iter().map(ToString::to_string).collect::<Vec<_>>();
        let before = metrics.job("film", &stages(&["cutting", "mixing"]));
        let after = metrics.job("film", &stages(&["lighting", "cutting"]));
        let text = || metrics.text("1", seen());
        let has = |line: &str| {
            let text = text();
            assert_eq!(
                text.lines().filter(|told| *told == line).count(),
                1,
                "{text}"
            );
        };
        has(r#"farcall_job_attempts_total{kind="film",outcome="succeeded"} 0"#);
        before.count(AttemptOutcome::Succeeded);
        before.stage(0, Duration::from_secs(2));
        before.stage(1, Duration::from_secs(2));
        after.stage(1, Duration::from_secs(3));
        after.count(AttemptOutcome::Succeeded);
        has(r#"farcall_job_attempts_total{kind="film",outcome="succeeded"} 2"#);
        has(r#"farcall_job_stage_duration_seconds_sum{kind="film",stage="cutting"} 5"#);
        assert!(!text().contains("mixing"), "{}", text());
        // Nobody offers it any more, and what was counted stays.
        drop((before, after));
        has(r#"farcall_job_attempts_total{kind="film",outcome="succeeded"} 2"#);
    }

    #[test]
    fn a_call_that_nobody_waits_for_is_abandoned() {
        let metrics = Metrics::default();
        let tool = metrics.tool("add");
        drop(tool.begin());
        let line = r#"farcall_tool_calls_total{tool="add",outcome="abandoned"} 1"#;
        assert!(metrics.text("1", seen()).contains(line));
    }
}
