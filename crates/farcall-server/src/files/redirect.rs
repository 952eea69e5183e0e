//! Sends callers to the bucket that has a file, where the operator wants that: then its bytes do not
//! come through this server.

use std::time::Duration;

use axum::{body::Body, response::Response};
use farcall_artifacts::ArtifactError;
use farcall_core::{artifact::Artifact, id::JobId};
use http::{HeaderValue, StatusCode, header};

use super::answer::{disposition, insert};
use crate::JobFiles;

/// How long the bucket's own URL is good: it is followed at once, and only its beginning is judged.
const LIFETIME: Duration = Duration::from_mins(5);

/// The redirect, where there is to be one.
pub(super) async fn to_bucket(
    jobs: &JobFiles,
    id: JobId,
    artifact: &Artifact,
) -> Result<Option<Response>, ArtifactError> {
    if !jobs.redirects {
        return Ok(None);
    }
    let disposition = disposition(id, artifact);
    let signing = jobs.artifacts.signed_url(artifact, &disposition, LIFETIME);
    Ok(signing.await?.map(|url| {
        let mut response = Response::new(Body::empty());
        *response.status_mut() = StatusCode::FOUND;
        let headers = response.headers_mut();
        insert(headers, header::LOCATION, url.as_str());
        for (name, value) in [
            (header::CACHE_CONTROL, "private, no-store"),
            (header::REFERRER_POLICY, "no-referrer"),
        ] {
            headers.insert(name, HeaderValue::from_static(value));
        }
        response
    }))
}
