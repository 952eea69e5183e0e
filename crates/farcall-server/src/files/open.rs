//! Who may have a file: its owner, and whoever has a link.

use std::sync::Arc;

use axum::response::Response;
use farcall_core::{
    id::JobId,
    principal::{Principal, Scope},
};
use farcall_jobs::LinkKeys;
use farcall_metrics::Refused;
use farcall_store::{PublishedArtifact, Reach, StoreError};

use super::{
    Files, PATH,
    answer::{later, not_there},
    link::Link,
};
use crate::{
    auth,
    edge::{Trial, has_credential},
};

/// What opens a file.
enum Key<'a> {
    /// Whose it is.
    Caller(&'a Principal),
    /// A link that was made for it.
    Link(&'a Link<'a>, &'a LinkKeys),
}

/// A file that its caller may have.
pub(super) struct Opened {
    pub(super) id: JobId,
    pub(super) file: Arc<PublishedArtifact>,
    /// Nobody, where a link was enough.
    pub(super) caller: Option<Principal>,
}

/// The file that a request opens, by its link or by its caller: either is enough.
///
/// # Errors
/// The answer to one that opens none, with its caller where that is known.
pub(super) async fn opened(
    files: &Files,
    id: Option<JobId>,
    name: Option<&str>,
    request: &http::request::Parts,
) -> Result<Opened, (Response, Option<Principal>)> {
    let keys = files.jobs.links.keys();
    let link = keys.and_then(|keys| Some((Link::of(request.uri.query()?)?, keys)));
    if let (Some((link, keys)), Some(id)) = (&link, id) {
        let found = find(files, id, name, &Key::Link(link, keys)).await;
        if let Some(file) = found.map_err(|response| (response, None))? {
            if !has_credential(&request.headers) {
                Trial::tell(&request.extensions, true);
            }
            if let Some(refusal) = one_too_many(files, request, &Principal::anonymous()) {
                return Err((refusal, None));
            }
            return Ok(Opened {
                id,
                file,
                caller: None,
            });
        }
    }
    let admitted = auth::admitted(
        &files.gate,
        Scope::Call,
        PATH,
        &request.headers,
        &request.extensions,
    );
    let recognised = match admitted.await {
        Ok(recognised) => recognised,
        // A link is a credential, if one that opens nothing.
        Err(refusal)
            if refusal.is_of_nothing()
                && let Some((link, _)) = &link =>
        {
            // One whose time is up was a good one, and tells nothing.
            let now = files.clock.now();
            if !link.is_over(now) {
                Trial::tell(&request.extensions, false);
            }
            let refused = if link.has_expired(now) {
                Refused::Expired
            } else {
                Refused::Link
            };
            files.gate.metrics().refusals().count(refused);
            return Err((not_there(), None));
        }
        Err(refusal) => {
            let oauth = files.gate.oauth().map(AsRef::as_ref);
            let response = refusal.response(PATH, oauth, files.gate.metrics());
            return Err((response, None));
        }
    };
    let caller = recognised.principal;
    if let Some(refusal) = one_too_many(files, request, &caller) {
        return Err((refusal, Some(caller)));
    }
    let found = match id {
        Some(id) => find(files, id, name, &Key::Caller(&caller)).await,
        None => Ok(None),
    };
    match (found, id) {
        (Ok(Some(file)), Some(id)) => Ok(Opened {
            id,
            file,
            caller: Some(caller),
        }),
        (Ok(_), _) => Err((not_there(), Some(caller))),
        (Err(response), _) => Err((response, Some(caller))),
    }
}

/// The answer to one request too many.
fn one_too_many(
    files: &Files,
    request: &http::request::Parts,
    caller: &Principal,
) -> Option<Response> {
    files.limits.one_too_many(PATH, caller, &request.extensions)
}

async fn find(
    files: &Files,
    id: JobId,
    name: Option<&str>,
    key: &Key<'_>,
) -> Result<Option<Arc<PublishedArtifact>>, Response> {
    let now = files.clock.now();
    let opens = |published: &Arc<PublishedArtifact>| {
        let (owner, expires_at) = (&published.owner, published.expires_at);
        match key {
            Key::Caller(caller) => caller.may_see(owner, expires_at, now),
            Key::Link(link, keys) => {
                expires_at.is_none_or(|end| now < end) && link.opens(keys, id, name, owner, now)
            }
        }
    };
    // Whoever may not have it takes the way, and the time, of a file that never was.
    if let Some(published) = files.known.get(id, name).filter(opens) {
        return Ok(Some(published));
    }
    let reach = match key {
        Key::Caller(caller) => Reach::of(caller),
        Key::Link(link, _) if link.is_over(now) => return Ok(None),
        Key::Link(..) => Reach::All,
    };
    let found = files.jobs.store.published(id, reach, name).await;
    let found = found.map_err(|error| unreadable(id, &error))?;
    Ok(found
        .map(|published| files.known.keep(id, name, published))
        .filter(opens))
}

fn unreadable(id: JobId, error: &StoreError) -> Response {
    tracing::error!(job = %id, %error, "the store cannot be read");
    later("the store cannot be read at the moment")
}
