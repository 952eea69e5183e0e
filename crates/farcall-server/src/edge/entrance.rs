//! Where every request comes in: it gets an id, and a foreign `Host` or `Origin` is refused before
//! any route is looked for.

use std::sync::{
    Arc, LazyLock,
    atomic::{AtomicU64, Ordering},
};

use axum::{Router, extract::Request, response::Response};
use http::{HeaderName, HeaderValue};
use tower::ServiceExt;

use super::{Guard, guard};

/// Carries the id of a request: unique within the life of the process, and told apart from other
/// processes by its first half. It stands in the answer, and in the log where something fails; one
/// that a client sends is overwritten.
pub(crate) const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

static PROCESS: LazyLock<u32> = LazyLock::new(|| {
    let mut bits = [0; 4];
    // Without randomness ids are still unique within this process.
    let _ = getrandom::fill(&mut bits);
    u32::from_ne_bytes(bits)
});
static NEXT: AtomicU64 = AtomicU64::new(1);

/// All routes, behind what holds for every one of them. It is no layer: a layer costs each request
/// two allocations.
#[derive(Clone)]
pub struct Entrance {
    guard: Arc<Guard>,
    routes: Router,
}

impl Entrance {
    /// Puts `guard` before `routes`.
    pub fn new(guard: Guard, routes: Router) -> Self {
        Self {
            guard: Arc::new(guard),
            routes,
        }
    }

    /// Answers a request.
    pub(crate) async fn answer(self, mut request: Request) -> Response {
        let id = NEXT.fetch_add(1, Ordering::Relaxed);
        let id = HeaderValue::from_str(&format!("{:08x}-{id:x}", *PROCESS)).ok();
        if let Some(id) = &id {
            request.headers_mut().insert(X_REQUEST_ID, id.clone());
        }
        let mut response = if let Some(refusal) = guard::refusal(&self.guard, &request) {
            refusal
        } else {
            let Ok(response) = self.routes.oneshot(request).await;
            response
        };
        if let Some(id) = id {
            response.headers_mut().insert(X_REQUEST_ID, id);
        }
        response
    }
}
