//! What is sent: the file, a part of it, or why there is none.

use axum::{body::Body, response::Response};
use farcall_artifacts::ArtifactError;
use farcall_core::{artifact::Artifact, id::JobId};
use http::{HeaderMap, HeaderValue, Method, StatusCode, header};

use super::{
    Files, conditions,
    range::{self, Part},
    redirect,
    sent::Sent,
};
use crate::{
    problem_response::plain,
    sendfile::{FileBody, Outlet},
};

/// The one answer to every path and link that opens no file, also to one that is no text.
pub(super) fn not_there() -> Response {
    plain(
        StatusCode::NOT_FOUND,
        "there is no such file; it is there once its job has succeeded, until it expires",
    )
}

/// Something that is out comes back, so the caller is told to try again.
pub(super) fn later(sentence: &str) -> Response {
    let sentence = format!("{sentence}; try again in a few seconds");
    let mut response = plain(StatusCode::SERVICE_UNAVAILABLE, &sentence);
    let headers = response.headers_mut();
    headers.insert(header::RETRY_AFTER, HeaderValue::from_static("5"));
    response
}

/// The file, or the part of it that was asked for.
pub(super) async fn sent(
    files: &Files,
    id: JobId,
    artifact: &Artifact,
    request: &http::request::Parts,
) -> Response {
    let responded = respond(files, id, artifact, request).await;
    responded.unwrap_or_else(|error| {
        tracing::error!(job = %id, %error, "a recorded file cannot be read");
        match error {
            ArtifactError::Store { .. } => later("the file cannot be read at the moment"),
            _ => plain(
                StatusCode::INTERNAL_SERVER_ERROR,
                "the file cannot be read; the operator finds the cause in the server's log",
            ),
        }
    })
}

async fn respond(
    files: &Files,
    id: JobId,
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
    if is_get && let Some(redirected) = redirect::to_bucket(&files.jobs, id, artifact).await? {
        return Ok(redirected);
    }
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
        let (outlet, metrics) = (request.extensions.get::<Outlet>(), files.gate.metrics());
        match outlet.zip(file.pieces(bytes.clone())) {
            Some((outlet, pieces)) => {
                let body = FileBody::new(pieces, outlet.clone());
                Body::new(Sent::new(body, metrics))
            }
            None => Body::new(Sent::new(file.body(bytes.clone()), metrics)),
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
    id: JobId,
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
        &disposition(id, artifact),
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

/// What a file is sent as.
pub(crate) fn disposition(id: JobId, artifact: &Artifact) -> String {
    format!("attachment; filename=\"{id}{}\"", extension(&artifact.name))
}

/// The extension with its dot: names were checked when the file was made, and `id` is hexadecimal,
/// so that nothing in the header needs quoting.
fn extension(name: &str) -> &str {
    name.rfind('.').map_or("", |dot| &name[dot..])
}

pub(super) fn insert(headers: &mut HeaderMap, name: header::HeaderName, value: &str) {
    match HeaderValue::from_str(value) {
        Ok(value) => {
            headers.insert(name, value);
        }
        Err(error) => tracing::error!(%name, %error, "a header cannot be written"),
    }
}
