//! Gives every request an id, which its answer carries, and what is logged about its refusal or failure.

use std::{
    fmt,
    sync::LazyLock,
    sync::atomic::{AtomicU64, Ordering},
};

use axum::{extract::Request, middleware::Next, response::Response};
use http::{HeaderName, HeaderValue};

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

/// The outermost layer.
pub(crate) async fn identify(mut request: Request, next: Next) -> Response {
    const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
    let id = RequestId(NEXT.fetch_add(1, Ordering::Relaxed));
    request.extensions_mut().insert(id);
    let mut response = next.run(request).await;
    if let Ok(value) = HeaderValue::from_str(&id.to_string()) {
        response.headers_mut().insert(X_REQUEST_ID, value);
    }
    response
}
