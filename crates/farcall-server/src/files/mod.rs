//! Sends the files of finished jobs to the callers they belong to.
//!
//! Whatever goes wrong with the name in the URL has one answer, 404: a caller cannot tell
//! somebody else's file from one that never was.

mod conditions;
mod known;
pub(crate) mod range;

use std::sync::Arc;

use axum::{
    body::Body,
    extract::{Path, Request, State, rejection::PathRejection},
    response::Response,
};
use farcall_artifacts::ArtifactError;
use farcall_core::{artifact::Artifact, clock::Clock, id::JobId, principal::Principal};
use farcall_store::{PublishedArtifact, Reach, StoreError};
use http::{HeaderMap, HeaderValue, Method, StatusCode, header};

use self::{known::Known, range::Part};
use crate::{
    JobFiles,
    problem_response::plain,
    sendfile::{FileBody, Outlet},
};

/// Where they are.
pub(crate) const PATH: &str = "/files/";

/// The files of jobs.
#[derive(Clone)]
pub(crate) struct Files {
    jobs: JobFiles,
    clock: Arc<dyn Clock>,
    known: Known,
}

impl Files {
    pub(crate) fn new(jobs: JobFiles, clock: Arc<dyn Clock>) -> Self {
        Self {
            jobs,
            clock,
            known: Known::default(),
        }
    }
}

/// `GET /files/{job_id}`: the primary file.
pub(crate) async fn primary(
    State(files): State<Files>,
    path: Result<Path<String>, PathRejection>,
    request: Request,
) -> Response {
    match path {
        Ok(Path(id)) => send(&files, &id, None, request).await,
        Err(_) => not_there(),
    }
}

/// `GET /files/{job_id}/{name}`: one of several.
pub(crate) async fn named(
    State(files): State<Files>,
    path: Result<Path<(String, String)>, PathRejection>,
    request: Request,
) -> Response {
    match path {
        Ok(Path((id, name))) => send(&files, &id, Some(&name), request).await,
        Err(_) => not_there(),
    }
}

/// The one answer to every path that opens no file, also to one that is no text.
fn not_there() -> Response {
    plain(
        StatusCode::NOT_FOUND,
        "there is no such file; it is there once its job has succeeded, until it expires",
    )
}

async fn send(files: &Files, id: &str, name: Option<&str>, request: Request) -> Response {
    // The body is not needed, and not `Sync`.
    let (request, _) = request.into_parts();
    let Some(caller) = request.extensions.get::<Principal>() else {
        return plain(StatusCode::INTERNAL_SERVER_ERROR, "the caller is not known");
    };
    let found = match find(files, id, name, caller).await {
        Ok(found) => found,
        Err(response) => return response,
    };
    let Some(published) = found else {
        return not_there();
    };
    respond(files, id, &published.artifact, &request)
        .await
        .unwrap_or_else(|error| {
            tracing::error!(job = id, %error, "a recorded file cannot be read");
            match error {
                ArtifactError::Store { .. } => later("the file cannot be read at the moment"),
                _ => plain(
                    StatusCode::INTERNAL_SERVER_ERROR,
                    "the file cannot be read; the operator finds the cause in the server's log",
                ),
            }
        })
}

async fn find(
    files: &Files,
    id: &str,
    name: Option<&str>,
    caller: &Principal,
) -> Result<Option<Arc<PublishedArtifact>>, Response> {
    let Ok(id) = JobId::parse(id) else {
        return Ok(None);
    };
    let now = files.clock.now();
    let may_fetch = |published: &Arc<PublishedArtifact>| {
        caller.may_see(&published.owner, published.expires_at, now)
    };
    // Whoever may not have it takes the way, and the time, of a file that never was.
    if let Some(published) = files.known.get(id, name).filter(may_fetch) {
        return Ok(Some(published));
    }
    let reach = Reach::of(caller);
    let found = files.jobs.store.published(id, reach, name).await;
    let found = found.map_err(|error| unreadable(id, &error))?;
    Ok(found
        .map(|published| files.known.keep(id, name, published))
        .filter(may_fetch))
}

fn unreadable(id: JobId, error: &StoreError) -> Response {
    tracing::error!(job = %id, %error, "the store cannot be read");
    later("the store cannot be read at the moment")
}

/// Something that is out comes back, so the caller is told to try again.
fn later(sentence: &str) -> Response {
    let sentence = format!("{sentence}; try again in a few seconds");
    let mut response = plain(StatusCode::SERVICE_UNAVAILABLE, &sentence);
    let headers = response.headers_mut();
    headers.insert(header::RETRY_AFTER, HeaderValue::from_static("5"));
    response
}

async fn respond(
    files: &Files,
    id: &str,
    artifact: &Artifact,
    request: &http::request::Parts,
) -> Result<Response, ArtifactError> {
    let headers = &request.headers;
    let tag = format!("\"{}\"", artifact.sha256);
    if conditions::is_another(headers, &tag) {
        return Ok(plain(
            StatusCode::PRECONDITION_FAILED,
            "the file is another one than `If-Match` names",
        ));
    }
    if conditions::is_unchanged(headers, &tag) {
        return Ok(with_headers(
            Response::new(Body::empty()),
            StatusCode::NOT_MODIFIED,
            id,
            artifact,
            &tag,
        ));
    }
    let is_get = request.method == Method::GET;
    let part = if is_get && conditions::range_applies(headers, &tag) {
        range::requested(headers, artifact.size)
    } else {
        Part::Whole
    };
    let (status, bytes) = match part {
        Part::Whole => (StatusCode::OK, 0..artifact.size),
        Part::Bytes(bytes) => (StatusCode::PARTIAL_CONTENT, bytes),
        Part::Outside => {
            let mut response = plain(
                StatusCode::RANGE_NOT_SATISFIABLE,
                &format!(
                    "the range lies outside the file, which has {} bytes",
                    artifact.size
                ),
            );
            insert(
                response.headers_mut(),
                header::CONTENT_RANGE,
                &format!("bytes */{}", artifact.size),
            );
            return Ok(response);
        }
    };
    let length = bytes.end - bytes.start;
    let body = if request.method == Method::HEAD {
        Body::empty()
    } else {
        let file = files.jobs.artifacts.read(artifact).await?;
        let outlet = request.extensions.get::<Outlet>();
        match outlet.zip(file.pieces(bytes.clone())) {
            Some((outlet, pieces)) => Body::new(FileBody::new(pieces, outlet.clone())),
            None => Body::new(file.body(bytes.clone())),
        }
    };
    let mut response = with_headers(Response::new(body), status, id, artifact, &tag);
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_LENGTH, HeaderValue::from(length));
    if status == StatusCode::PARTIAL_CONTENT {
        insert(
            headers,
            header::CONTENT_RANGE,
            &format!("bytes {}-{}/{}", bytes.start, bytes.end - 1, artifact.size),
        );
    }
    Ok(response)
}

/// What every answer about a file says, so that no browser runs or keeps it.
fn with_headers(
    mut response: Response,
    status: StatusCode,
    id: &str,
    artifact: &Artifact,
    tag: &str,
) -> Response {
    *response.status_mut() = status;
    let headers = response.headers_mut();
    insert(headers, header::ETAG, tag);
    insert(headers, header::CONTENT_TYPE, &artifact.media_type);
    insert(
        headers,
        header::CONTENT_DISPOSITION,
        &format!("attachment; filename=\"{id}{}\"", extension(&artifact.name)),
    );
    for (name, value) in [
        (header::ACCEPT_RANGES, "bytes"),
        (header::CACHE_CONTROL, "private, no-store"),
        (
            header::CONTENT_SECURITY_POLICY,
            "sandbox; default-src 'none'",
        ),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (
            header::HeaderName::from_static("cross-origin-resource-policy"),
            "same-origin",
        ),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    response
}

/// The extension with its dot: names were checked when the file was made, and `id` is hexadecimal,
/// so that nothing in the header needs quoting.
fn extension(name: &str) -> &str {
    name.rfind('.').map_or("", |dot| &name[dot..])
}

fn insert(headers: &mut HeaderMap, name: header::HeaderName, value: &str) {
    match HeaderValue::from_str(value) {
        Ok(value) => {
            headers.insert(name, value);
        }
        Err(error) => tracing::error!(%name, %error, "a header cannot be written"),
    }
}
