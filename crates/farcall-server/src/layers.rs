//! Every layer, in the order a request meets them.

use axum::Router;
use farcall_metrics::Metrics;

use crate::edge::{self, Entrance, Guard, Limits, Networks, Proof};

/// Nothing but the guard, where there is one.
pub(crate) fn alone(routes: Router, guard: Option<Guard>) -> Entrance {
    let routes = routes
        .fallback(edge::not_found)
        .method_not_allowed_fallback(edge::method_not_allowed);
    Entrance::new(guard.unwrap_or_else(Guard::open), routes)
}

/// Puts the layers around the routes, and the guard before all of them. The last layer added is the
/// first one met.
pub(crate) fn apply(
    routes: Router,
    guard: Guard,
    (proxies, limits): (Networks, Limits),
    proof: Proof,
    metrics: Metrics,
) -> Entrance {
    let cors = edge::cors(&guard);
    let mut routes = routes
        .fallback(edge::not_found)
        .method_not_allowed_fallback(edge::method_not_allowed);
    if let Some(cors) = cors {
        // Answers preflights, which carry no credentials, and so stands before the gate.
        routes = routes.layer(cors);
    }
    Entrance::new(guard, routes)
        .limited(limits, proxies)
        .proving(proof)
        .counted(metrics)
}
