//! Every layer, in the order a request meets them.

use axum::Router;

use crate::edge::{self, Entrance, Guard, Limits, Networks, Proof};

/// Puts the layers around the routes, and the guard before all of them. The last layer added is the
/// first one met.
pub(crate) fn apply(
    routes: Router,
    guard: Guard,
    proxies: Networks,
    limits: Limits,
    proof: Proof,
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
}
