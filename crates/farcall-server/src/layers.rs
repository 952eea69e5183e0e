//! Every layer, in the order a request meets them.

use std::sync::Arc;

use axum::{Router, middleware::from_fn_with_state};

use crate::edge::{self, Guard};

/// Puts the layers around the routes. The last one added is the first one met; before all of them
/// the accept loop gives every request its id.
pub(crate) fn apply(routes: Router, guard: Guard) -> Router {
    let cors = edge::cors(&guard);
    let mut routes = routes
        .fallback(edge::not_found)
        .method_not_allowed_fallback(edge::method_not_allowed)
        // Before any handler sees a request, its Host and Origin must be ours.
        .layer(from_fn_with_state(Arc::new(guard), edge::guard));
    if let Some(cors) = cors {
        // Answers preflights, which carry no credentials, and so stands before the gate.
        routes = routes.layer(cors);
    }
    routes
}
