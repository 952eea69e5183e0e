//! Gives every request an id, which its answer carries, and what is logged about its refusal or failure.

use std::{
    fmt,
    sync::LazyLock,
    sync::atomic::{AtomicU64, Ordering},
};

use axum::{Router, extract::Request, response::Response};
use http::{HeaderName, HeaderValue};
use tower::ServiceExt;

/// The id of one request: unique within the life of the process, and told apart from other
/// processes by its first half.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RequestId(u64);

static PROCESS: LazyLock<u32> = LazyLock::new(|| {
    let mut bits = [0; 4];
    // Without randomness ids are still unique within this process.
    let _ = getrandom::fill(&mut bits);
    u32::from_ne_bytes(bits)
});
static NEXT: AtomicU64 = AtomicU64::new(1);

impl fmt::Display for RequestId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{:08x}-{:x}", *PROCESS, self.0)
    }
}

/// Answers a request under an id of its own. It is no layer, because it is there for every request,
/// and a layer costs each of them two allocations.
pub(crate) async fn identified(mut request: Request, router: Router) -> Response {
    const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
    let id = RequestId(NEXT.fetch_add(1, Ordering::Relaxed));
    request.extensions_mut().insert(id);
    let Ok(mut response) = router.oneshot(request).await;
    if let Ok(value) = HeaderValue::from_str(&id.to_string()) {
        response.headers_mut().insert(X_REQUEST_ID, value);
    }
    response
}
