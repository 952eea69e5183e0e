//! What operators see and do from afar: everybody's jobs, as JSON, for callers with the scope `admin`.
//!
//! Who is nobody in particular has no way in, also where nobody is asked who they are: a tunnel in front
//! of a server that checks nobody would make an operator of everyone it lets through. What changes
//! something is a POST, which browsers mark with the origin of the page that sends it, and only this
//! server's own pages may.

use std::sync::Arc;

use axum::{
    Router,
    extract::{
        Path, Query, Request, State,
        rejection::{PathRejection, QueryRejection},
    },
    middleware::{Next, from_fn_with_state},
    response::Response,
    routing::{MethodRouter, get, post},
};
use farcall_core::{
    id::JobId,
    job::state::JobState,
    problem::{ErrorCode, Problem},
};
use farcall_jobs::{
    Links,
    operators::{self, JobView, Moment, Seen},
};
use farcall_store::{Cancelled, JobRecord, JobStore, Listed, Reach, StoreError};
use http::{HeaderValue, StatusCode, header};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::{
    Audit, Guard, Limits, Parts,
    audit::{Call, Outcome, Who},
    edge::{self, ClientAddress, request_id},
    problem_response::{self, plain},
};

/// Everybody's jobs.
pub(crate) const JOBS: &str = "/admin/jobs";

/// One of them.
pub(crate) const JOB: &str = "/admin/jobs/{job_id}";

/// Ends it.
pub(crate) const CANCEL: &str = "/admin/jobs/{job_id}/cancel";

/// Starts it again.
pub(crate) const RETRY: &str = "/admin/jobs/{job_id}/retry";

/// How many jobs one answer lists at most.
pub(crate) const MOST: u32 = 1_000;

/// How many lines of a log one answer has at most.
pub(crate) const MOST_LINES: u32 = 10_000;

/// What operators work with.
#[derive(Clone)]
pub(crate) struct Desk {
    store: Arc<dyn JobStore>,
    links: Links,
    audit: Option<Audit>,
}

impl Desk {
    /// That of a server that has jobs.
    pub(crate) fn of(parts: &Parts) -> Option<Self> {
        let jobs = parts.jobs.as_ref()?;
        Some(Self {
            store: Arc::clone(&jobs.store),
            links: jobs.links.clone(),
            audit: parts.audit.clone(),
        })
    }
}

/// The routes, at `desk`.
pub(crate) fn routes(desk: Desk, limits: &Limits, guard: Guard) -> Router {
    let own_pages = from_fn_with_state(guard, edge::of_no_other_page);
    let limited = from_fn_with_state(limits.clone(), edge::limited);
    // Also what is refused by one of the two is written down.
    let audited = |methods: MethodRouter<Desk>, asked: &'static str| {
        let audited = from_fn_with_state((desk.audit.clone(), asked), audited);
        methods.layer(limited.clone()).layer(audited)
    };
    let cancel = post(cancel).route_layer(own_pages.clone());
    let retry = post(retry).route_layer(own_pages);
    Router::new()
        .route(JOBS, audited(get(list), "jobs/list"))
        .route(JOB, audited(get(show), "jobs/show"))
        .route(CANCEL, audited(cancel, "jobs/cancel"))
        .route(RETRY, audited(retry, "jobs/retry"))
        .with_state(desk)
}

/// Writes down who asked for what, where there is an audit log.
async fn audited(
    State((audit, asked)): State<(Option<Audit>, &'static str)>,
    request: Request,
    next: Next,
) -> Response {
    let Some(audit) = audit else {
        return next.run(request).await;
    };
    let who = Who {
        request_id: request_id(request.headers()),
        caller: request.extensions().get(),
        address: ClientAddress::among(request.extensions()),
    };
    let id = request.uri().path().split('/').nth(3);
    let about = json!({"job_id": id, "query": request.uri().query()});
    let call = Call::begin(&audit, who, asked, &about);
    let response = next.run(request).await;
    call.end(Outcome::new(match response.status() {
        status if status.is_success() => "ok",
        StatusCode::NOT_FOUND => ErrorCode::UnknownJob.as_str(),
        status if status.is_server_error() => ErrorCode::Internal.as_str(),
        _ => "refused",
    }));
    response
}

/// Which jobs are asked for.
#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Wanted {
    state: Option<JobState>,
    job: Option<String>,
    owner: Option<String>,
    /// The first digits of ids.
    id: Option<String>,
    before: Option<JobId>,
    limit: Option<u32>,
    /// These jobs, separated by commas, instead of all others.
    ids: Option<String>,
}

async fn list(
    State(Desk { store, .. }): State<Desk>,
    wanted: Result<Query<Wanted>, QueryRejection>,
) -> Result<Response, Refusal> {
    let Query(wanted) = wanted.map_err(|_| Refusal::query())?;
    let limit = wanted.limit.unwrap_or(50).clamp(1, MOST);
    let mut records = if let Some(ids) = &wanted.ids {
        let ids = ids.split(',').take(MOST as usize);
        let ids = ids.map(|id| JobId::parse(id).map_err(|_| Refusal::query()));
        store.records(&ids.collect::<Result<Vec<_>, _>>()?).await?
    } else {
        let listed = Listed {
            state: wanted.state,
            job: wanted.job,
            owner: wanted.owner,
            id_prefix: wanted.id,
            before: wanted.before,
            // One more says whether there are more.
            limit: limit + 1,
        };
        store.list(listed).await?
    };
    let more = wanted.ids.is_none() && records.len() > limit as usize;
    if more {
        records.truncate(limit as usize);
    }
    let read_at = records.first().map(|record| Moment(record.read_at));
    let jobs: Vec<_> = records.iter().map(JobView::of).collect();
    Ok(answer(
        &json!({"jobs": jobs, "more": more, "read_at": read_at}),
    ))
}

#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Lines {
    log: Option<u32>,
}

async fn show(
    State(Desk { store, links, .. }): State<Desk>,
    id: Result<Path<String>, PathRejection>,
    lines: Result<Query<Lines>, QueryRejection>,
) -> Result<Response, Refusal> {
    let Query(lines) = lines.map_err(|_| Refusal::query())?;
    let lines = lines.log.unwrap_or(10).min(MOST_LINES);
    let id = meant(id)?;
    let seen = Seen::look(store.as_ref(), Some(&links), id, lines).await?;
    let seen = seen.ok_or(Refusal::Unknown)?;
    let mut body = seen.json();
    body["read_at"] = json!(Moment(seen.details.record.read_at));
    Ok(answer(&body))
}

async fn cancel(
    State(Desk { store, .. }): State<Desk>,
    id: Result<Path<String>, PathRejection>,
) -> Result<Response, Refusal> {
    let id = meant(id)?;
    let cancelled = store.cancel(id, Reach::All).await?;
    let (was, record) = match cancelled.ok_or(Refusal::Unknown)? {
        Cancelled::Now(record) => ("queued", record),
        Cancelled::Requested(record) => ("running", record),
        Cancelled::WasOver(record) => (record.state.as_str(), record),
    };
    tracing::info!(%id, was, "an operator has cancelled a job");
    Ok(answer(&with(&record, "was", json!(was))))
}

async fn retry(
    State(Desk { store, .. }): State<Desk>,
    id: Result<Path<String>, PathRejection>,
) -> Result<Response, Refusal> {
    let id = meant(id)?;
    let mut bits = [0; 16];
    getrandom::fill(&mut bits).map_err(|error| Refusal::Failed(Problem::internal(error)))?;
    let fresh = JobId::from_random(bits);
    let retried = operators::retry(store.as_ref(), id, fresh).await?;
    match retried.ok_or(Refusal::Unknown)? {
        Ok(started) => {
            tracing::info!(%id, again = %fresh, "an operator has started a job again");
            Ok(answer(&with(&started, "retry_of", json!(id))))
        }
        Err(not_failed) => Err(Refusal::Conflict(not_failed.sentence(id))),
    }
}

/// The id in a path, which may also be no text.
fn meant(id: Result<Path<String>, PathRejection>) -> Result<JobId, Refusal> {
    let Ok(Path(id)) = id else {
        return Err(Refusal::Unknown);
    };
    JobId::parse(&id).map_err(|_| Refusal::Unknown)
}

/// A record, and one thing more.
fn with(record: &JobRecord, name: &str, value: Value) -> Value {
    let mut view = json!(JobView::of(record));
    view[name] = value;
    view["read_at"] = json!(Moment(record.read_at));
    view
}

fn answer(body: &Value) -> Response {
    problem_response::json(StatusCode::OK, body)
}

/// Why nothing came of a request.
enum Refusal {
    /// There is no such job.
    Unknown,
    /// What is asked for is no question.
    Query(&'static str),
    /// The job is not in the state for that.
    Conflict(String),
    /// The store cannot do it now, or at all.
    Failed(Problem),
}

impl Refusal {
    fn query() -> Self {
        Self::Query(
            "the query is not understood; it may have `state`, `job`, `owner`, `id`, `before`, `limit` or `ids` \
             for jobs, and `log` for one",
        )
    }
}

impl From<StoreError> for Refusal {
    fn from(error: StoreError) -> Self {
        Self::Failed(error.problem())
    }
}

impl axum::response::IntoResponse for Refusal {
    fn into_response(self) -> Response {
        match self {
            Self::Unknown => plain(
                StatusCode::NOT_FOUND,
                "there is no such job; it may have expired, or it was never started here",
            ),
            Self::Query(sentence) => plain(StatusCode::BAD_REQUEST, sentence),
            Self::Conflict(sentence) => plain(StatusCode::CONFLICT, &sentence),
            Self::Failed(problem) => {
                if let Some(cause) = problem.cause() {
                    tracing::error!(%cause, "an operator cannot be answered");
                }
                let mut response =
                    plain(StatusCode::SERVICE_UNAVAILABLE, &problem.public_message());
                let soon = HeaderValue::from_static("5");
                response.headers_mut().insert(header::RETRY_AFTER, soon);
                response
            }
        }
    }
}
