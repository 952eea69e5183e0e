//! Every route, on one screen.

use std::sync::Arc;

use axum::{
    Router,
    middleware::from_fn_with_state,
    routing::{any, get},
};

use farcall_core::clock::Clock;

use crate::{
    Entrance, JobFiles, Parts, admin, auth,
    auth::{Authenticators, oauth},
    files, health, layers,
    mcp::{self, Protocol},
};

/// Where MCP is spoken.
pub const MCP: &str = "/mcp";

/// What stands beside MCP over standard input and output: the files of jobs, and the probes. MCP
/// itself is not here, because whoever reaches the port did not start the program.
pub fn beside_stdio(parts: Parts) -> Entrance {
    let gate = Arc::new(parts.authenticators.clone());
    let mut routes = health_routes(&parts, Arc::clone(&gate));
    if parts.jobs.is_some() {
        let files = file_routes(parts.jobs, parts.clock);
        routes = routes.merge(files.route_layer(from_fn_with_state(gate, auth::require)));
    }
    layers::apply(routes, parts.guard)
}

/// What a process answers that only runs jobs: the probes.
pub fn probes(parts: Parts) -> Entrance {
    let gate = Arc::new(parts.authenticators.clone());
    layers::apply(health_routes(&parts, gate), parts.guard)
}

/// The routes of a server, with their layers.
pub fn router(parts: Parts, protocol: Arc<Protocol>) -> Entrance {
    let gate = Arc::new(parts.authenticators.clone());
    let public = health_routes(&parts, Arc::clone(&gate))
        .merge(metadata_routes(&gate))
        .merge(parts.public_routes);
    let admin = admin_routes(parts.jobs.as_ref(), &gate);
    let gated = Router::new()
        .route(MCP, any(mcp::answer).with_state(protocol))
        .merge(file_routes(parts.jobs, parts.clock))
        .merge(parts.gated_routes)
        .route_layer(from_fn_with_state(gate, auth::require));
    layers::apply(gated.merge(public).merge(admin), parts.guard)
}

fn admin_routes(jobs: Option<&JobFiles>, gate: &Arc<Authenticators>) -> Router {
    let Some(jobs) = jobs else {
        return Router::new();
    };
    let gate = Arc::clone(gate);
    admin::routes(Arc::clone(&jobs.store))
        .route_layer(from_fn_with_state(gate, auth::require_admin))
}

fn file_routes(jobs: Option<JobFiles>, clock: Arc<dyn Clock>) -> Router {
    let Some(jobs) = jobs else {
        return Router::new();
    };
    let files = files::Files::new(jobs, clock);
    Router::new()
        .route("/files/{job_id}", get(files::primary))
        .route("/files/{job_id}/{name}", get(files::named))
        .with_state(files)
}

/// What an OAuth client has to know before it has a token.
fn metadata_routes(gate: &Authenticators) -> Router {
    let Some(oauth) = gate.oauth() else {
        return Router::new();
    };
    oauth::WELL_KNOWN
        .iter()
        .fold(Router::new(), |routes, path| {
            routes.route(path, get(oauth::document).with_state(Arc::clone(oauth)))
        })
}

fn health_routes(parts: &Parts, gate: Arc<Authenticators>) -> Router {
    let readiness = health::Readiness::new(parts, gate);
    let [alive, alias] = health::ALIVE;
    Router::new()
        // Usually answered at the entrance already.
        .route(alive, get(async || health::alive()))
        .route(alias, get(async || health::alive()))
        .route("/readyz", get(health::ready).with_state(readiness))
}
