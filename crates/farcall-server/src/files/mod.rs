//! Sends the files of finished jobs to the callers they belong to, and to whoever has a link.
//!
//! Whatever goes wrong with the name in the URL, or with a link, has one answer, 404: a caller cannot
//! tell somebody else's file from one that never was.

mod answer;
mod conditions;
mod known;
pub(crate) mod link;
mod open;
pub(crate) mod range;
mod redirect;
mod sent;

use std::sync::Arc;

use axum::{
    extract::{Path, Request, State, rejection::PathRejection},
    response::Response,
};
use farcall_core::{clock::Clock, id::JobId};

pub(crate) use self::answer::disposition;
use self::{
    known::Known,
    open::{Opened, opened},
};
use crate::{
    Audit, JobFiles, Limits, Parts,
    audit::{self, Who},
    auth::Authenticators,
    edge::{ClientAddress, request_id},
};

/// Where they are.
pub(crate) const PATH: &str = "/files/";

/// The primary file of a job.
pub(crate) const PRIMARY: &str = "/files/{job_id}";

/// One of several.
pub(crate) const NAMED: &str = "/files/{job_id}/{name}";

/// The files of jobs.
#[derive(Clone)]
pub(crate) struct Files {
    jobs: JobFiles,
    gate: Arc<Authenticators>,
    limits: Limits,
    audit: Option<Audit>,
    clock: Arc<dyn Clock>,
    known: Known,
}

impl Files {
    /// Those of a server that has jobs; who may have them is for `gate` to say.
    pub(crate) fn of(parts: &Parts, gate: Arc<Authenticators>) -> Option<Self> {
        Some(Self {
            jobs: parts.jobs.clone()?,
            gate,
            limits: parts.limits.clone(),
            audit: parts.audit.clone(),
            clock: Arc::clone(&parts.clock),
            known: Known::default(),
        })
    }
}

/// `GET /files/{job_id}`: the primary file.
pub(crate) async fn primary(
    State(files): State<Files>,
    path: Result<Path<String>, PathRejection>,
    request: Request,
) -> Response {
    let id = path.ok().and_then(|Path(id)| JobId::parse(&id).ok());
    send(&files, id, None, request).await
}

/// `GET /files/{job_id}/{name}`: one of several.
pub(crate) async fn named(
    State(files): State<Files>,
    path: Result<Path<(String, String)>, PathRejection>,
    request: Request,
) -> Response {
    let Ok(Path((id, name))) = path else {
        return send(&files, None, None, request).await;
    };
    send(&files, JobId::parse(&id).ok(), Some(&name), request).await
}

async fn send(files: &Files, id: Option<JobId>, name: Option<&str>, request: Request) -> Response {
    // The body is not needed, and not `Sync`.
    let (request, _) = request.into_parts();
    let (response, caller) = match opened(files, id, name, &request).await {
        Ok(Opened { id, file, caller }) => {
            let response = answer::sent(files, id, &file.artifact, &request).await;
            (response, caller)
        }
        Err(refused) => refused,
    };
    if let (Some(audit), Some(id)) = (&files.audit, id) {
        let who = Who {
            request_id: request_id(&request.headers),
            caller: caller.as_ref(),
            address: ClientAddress::among(&request.extensions),
        };
        audit::fetched(audit, who, (id, name), response.status());
    }
    response
}
