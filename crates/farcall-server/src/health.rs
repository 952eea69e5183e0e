//! Probes: alive, and ready.

use std::{fmt::Display, sync::Arc, time::Duration};

use axum::{
    body::Body,
    extract::{Request, State},
    response::Response,
};
use farcall_artifacts::ArtifactError;
use farcall_core::principal::Scope;
use http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use serde_json::json;
use tokio::{
    sync::Mutex,
    time::{Instant, timeout},
};

use crate::{
    JobFiles,
    auth::{self, Authenticators},
    problem_response,
};

/// Where probes ask whether the process is alive; the second is an alias.
pub(crate) const ALIVE: [&str; 2] = ["/healthz", "/health"];

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
    gate: Arc<Authenticators>,
    /// The newest verdict, for everyone who asks soon after: the check writes to where
    /// files are kept.
    verdict: Arc<Mutex<Option<(Instant, Verdict)>>>,
}

/// The check that fails, with its cause; `None` where none does.
type Verdict = Option<(&'static str, String)>;

/// How long a check may take.
const CHECK_TIME: Duration = Duration::from_secs(4);

/// How long a verdict holds.
const VERDICT_TIME: Duration = Duration::from_secs(2);

impl Readiness {
    pub(crate) fn new(jobs: Option<JobFiles>, gate: Arc<Authenticators>) -> Self {
        Self {
            jobs,
            gate,
            verdict: Arc::default(),
        }
    }

    async fn verdict(&self) -> Verdict {
        // Held during the check, so that many who ask at once cause one.
        let mut verdict = self.verdict.lock().await;
        match &*verdict {
            Some((at, known)) if at.elapsed() < VERDICT_TIME => known.clone(),
            _ => {
                let fresh = self.check().await;
                *verdict = Some((Instant::now(), fresh.clone()));
                fresh
            }
        }
    }

    async fn check(&self) -> Verdict {
        let jobs = self.jobs.as_ref()?;
        if let Err(cause) = in_time(jobs.store.ping()).await {
            return Some(("store", cause));
        }
        if let Some(shortage) = jobs.artifacts.space().shortage().await {
            return Some(("disk", shortage.to_string()));
        }
        let mut check = "artifacts";
        let writing = async {
            jobs.artifacts.check().await.inspect_err(|error| {
                if matches!(error, ArtifactError::StorageFull { .. }) {
                    check = "disk";
                }
            })
        };
        let cause = in_time(writing).await.err()?;
        Some((check, cause))
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

/// 200 where jobs can be taken in and files kept, else 503 with the failing check's name; the
/// cause only for callers with the scope `admin`.
pub(crate) async fn ready(State(readiness): State<Readiness>, headers: HeaderMap) -> Response {
    let Some((check, cause)) = readiness.verdict().await else {
        return alive();
    };
    tracing::warn!(check, cause, "not ready");
    let caller = auth::recognise(&readiness.gate, &headers).await.ok();
    let sentence = format!("the check `{check}` fails");
    let mut body = json!({"ok": false, "error": sentence, "failing": check});
    if caller.is_some_and(|caller| caller.has(Scope::Admin)) {
        body["cause"] = cause.into();
    }
    let mut response = problem_response::json(StatusCode::SERVICE_UNAVAILABLE, &body);
    let soon = HeaderValue::from(VERDICT_TIME.as_secs());
    response.headers_mut().insert(header::RETRY_AFTER, soon);
    response
}
