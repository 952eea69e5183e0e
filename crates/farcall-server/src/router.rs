//! Every route, on one screen.

use std::sync::Arc;

use axum::{
    Router,
    middleware::from_fn_with_state,
    routing::{any, get},
};

use crate::{
    Parts, auth, files, health, layers,
    mcp::{self, Protocol},
};

/// Where MCP is spoken.
pub const MCP: &str = "/mcp";

/// The routes of a server, with their layers.
pub fn router(parts: Parts, protocol: Arc<Protocol>) -> Router {
    let gate = Arc::new(parts.authenticators);
    let mut gated = Router::new()
        .route(MCP, any(mcp::answer).with_state(protocol))
        .merge(parts.gated_routes);
    let mut public = Router::new()
        .route("/healthz", get(health::alive))
        .route("/health", get(health::alive))
        .merge(parts.public_routes);
    public = public.route(
        "/readyz",
        get(health::ready).with_state(health::Readiness::new(
            parts.jobs.clone(),
            Arc::clone(&gate),
        )),
    );
    if let Some(jobs) = parts.jobs {
        let files = files::Files::new(jobs, parts.clock);
        gated = gated
            .route(
                "/files/{job_id}",
                get(files::primary).with_state(files.clone()),
            )
            .route(
                "/files/{job_id}/{name}",
                get(files::named).with_state(files),
            );
    }
    let gated = gated.route_layer(from_fn_with_state(gate, auth::require));
    layers::apply(gated.merge(public), parts.guard)
}
