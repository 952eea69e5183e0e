//! Probes: alive, and ready.

use std::{fmt::Display, sync::Arc, time::Duration};

use axum::{
    body::Body,
    extract::{Request, State},
    response::Response,
};
use farcall_artifacts::ArtifactError;
use farcall_core::principal::Scope;
use farcall_store::Worker;
use http::{HeaderValue, Method, StatusCode, header};
use serde_json::json;
use tokio::{
    sync::Mutex,
    time::{Instant, timeout},
};
use tokio_util::sync::CancellationToken;

use crate::{
    Guard, JobFiles, Parts, Work,
    auth::{self, Authenticators, Refusal},
    problem_response,
};

/// Where probes ask whether the process is alive; the second is an alias.
pub(crate) const ALIVE: [&str; 2] = ["/healthz", "/health"];

/// Where they ask whether it can work.
pub(crate) const READY: &str = "/readyz";

/// Whether a request is such a probe, as probes are usually sent.
pub(crate) fn asks_whether_alive(request: &Request) -> bool {
    request.method() == Method::GET && ALIVE.contains(&request.uri().path())
}

/// `{"ok": true}`, exactly, for whoever asks.
pub(crate) fn alive() -> Response {
    let mut response = Response::new(Body::from("{\"ok\": true}"));
    let json = HeaderValue::from_static("application/json");
    response.headers_mut().insert(header::CONTENT_TYPE, json);
    response
}

/// What readiness depends on.
#[derive(Clone)]
pub(crate) struct Readiness {
    jobs: Option<JobFiles>,
    work: Work,
    gate: Arc<Authenticators>,
    guard: Guard,
    stopping: CancellationToken,
    /// The newest verdict, for everyone who asks soon after: the check writes to where
    /// files are kept.
    verdict: Arc<Mutex<Option<(Instant, Verdict)>>>,
}

/// What the checks found.
#[derive(Clone)]
enum Verdict {
    /// Jobs can be taken in, and files kept. Where others run the jobs: those of them that nobody
    /// would run at this moment.
    Ready(Option<Vec<String>>),
    /// The check that fails, with its cause.
    Failing(&'static str, String),
}

/// How long a check may take.
const CHECK_TIME: Duration = Duration::from_secs(4);

/// How long a verdict holds.
const VERDICT_TIME: Duration = Duration::from_secs(2);

impl Readiness {
    pub(crate) fn new(parts: &Parts, gate: Arc<Authenticators>) -> Self {
        Self {
            jobs: parts.jobs.clone(),
            work: parts.work.clone(),
            gate,
            guard: parts.guard.clone(),
            stopping: parts.stopping.clone(),
            verdict: Arc::default(),
        }
    }

    /// The check that fails at this moment, where one does.
    pub(crate) async fn failing(&self) -> Option<&'static str> {
        match self.verdict().await {
            Verdict::Ready(_) => None,
            Verdict::Failing(check, _) => Some(check),
        }
    }

    async fn verdict(&self) -> Verdict {
        // Known at once, so that whoever balances sends new callers elsewhere.
        if self.stopping.is_cancelled() {
            return Verdict::Failing("stopping", "the server was told to stop".to_owned());
        }
        // Held during the check, so that many who ask at once cause one.
        let mut verdict = self.verdict.lock().await;
        match &*verdict {
            Some((at, known)) if at.elapsed() < VERDICT_TIME => known.clone(),
            _ => {
                let fresh = match self.check().await {
                    Ok(idle) => Verdict::Ready(idle),
                    Err((check, cause)) => Verdict::Failing(check, cause),
                };
                *verdict = Some((Instant::now(), fresh.clone()));
                fresh
            }
        }
    }

    /// Of which jobs nobody would begin one, where others run them; or which check fails.
    async fn check(&self) -> Result<Option<Vec<String>>, (&'static str, String)> {
        let Some(jobs) = &self.jobs else {
            return Ok(None);
        };
        let in_store = |cause| ("store", cause);
        in_time(jobs.store.ping()).await.map_err(in_store)?;
        if let Some(shortage) = jobs.artifacts.space().shortage().await {
            return Err(("disk", shortage.to_string()));
        }
        let mut check = "artifacts";
        let writing = async {
            jobs.artifacts.check().await.inspect_err(|error| {
                if matches!(error, ArtifactError::StorageFull { .. }) {
                    check = "disk";
                }
            })
        };
        in_time(writing).await.map_err(|cause| (check, cause))?;
        match &self.work {
            Work::Here(standing) if standing.is_at_work() => Ok(None),
            Work::Here(_) => Err((
                "worker",
                "the lease of this process as a worker is over".to_owned(),
            )),
            // What nobody runs at this moment waits, which is what a queue is for: a server that
            // sent its callers away because of it would take status and files from them as well.
            Work::Elsewhere(offered) => {
                let workers = in_time(jobs.store.workers()).await.map_err(in_store)?;
                let programs = offered.borrow().clone();
                let mut idle: Vec<_> = programs.names().map(str::to_owned).collect();
                idle.retain(|job| {
                    let runs = |worker: &Worker| {
                        worker.is_live && worker.worker.programs.contains_key(job)
                    };
                    !workers.iter().any(runs)
                });
                Ok(Some(idle))
            }
        }
    }
}

/// What a check found, or why it fails; one that hangs fails.
async fn in_time<T, E: Display>(check: impl Future<Output = Result<T, E>>) -> Result<T, String> {
    match timeout(CHECK_TIME, check).await {
        Ok(found) => found.map_err(|error| error.to_string()),
        Err(_) => Err(format!(
            "there is no answer within {} s",
            CHECK_TIME.as_secs()
        )),
    }
}

/// The names of the jobs that nobody would begin.
const IDLE: &str = "without_worker";

/// 200 where jobs can be taken in and files kept, else 503 with the failing check's name; the
/// cause only for callers with the scope `admin`. Where others run the jobs, 200 also says whether
/// there are workers for all of them, and to the same callers for which there are none.
pub(crate) async fn ready(
    State(readiness): State<Readiness>,
    asked: http::request::Parts,
) -> Response {
    let (status, mut body, detail) = match readiness.verdict().await {
        Verdict::Ready(None) => return alive(),
        Verdict::Ready(Some(idle)) => {
            let body = json!({"ok": true, "workers": idle.is_empty()});
            let detail = (!idle.is_empty()).then(|| (IDLE, json!(idle)));
            (StatusCode::OK, body, detail)
        }
        Verdict::Failing(check, cause) => {
            tracing::warn!(check, cause, "not ready");
            let sentence = format!("the check `{check}` fails");
            let body = json!({"ok": false, "error": sentence, "failing": check});
            let detail = Some(("cause", json!(cause)));
            (StatusCode::SERVICE_UNAVAILABLE, body, detail)
        }
    };
    if let Some((name, detail)) = detail {
        match auth::admitted(
            &readiness.gate,
            Scope::Admin,
            READY,
            &asked.headers,
            &asked.extensions,
        )
        .await
        {
            Ok(_) => body[name] = detail,
            // Who is asked nothing may list the jobs of this server anyway, but for a page that leads a name
            // of its own here: probes are answered under any.
            Err(Refusal::Nobody)
                if name == IDLE && readiness.guard.accepts(&asked.headers, &asked.uri) =>
            {
                body[name] = detail;
            }
            Err(_) => {}
        }
    }
    let mut response = problem_response::json(status, &body);
    if !status.is_success() {
        let soon = HeaderValue::from(VERDICT_TIME.as_secs());
        response.headers_mut().insert(header::RETRY_AFTER, soon);
    }
    response
}
