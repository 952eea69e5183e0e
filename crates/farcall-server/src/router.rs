//! Every route, on one screen.

use std::sync::Arc;

use axum::{
    Router,
    middleware::from_fn_with_state,
    routing::{any, get},
};

use crate::{
    Entrance, Parts,
    admin::{self, Desk},
    auth::{self, Authenticators, oauth},
    edge, files, health, layers,
    mcp::{self, Protocol},
};

/// Where MCP is spoken.
pub const MCP: &str = "/mcp";

/// What stands beside MCP over standard input and output: the files of jobs, and the probes. MCP
/// itself is not here, because whoever reaches the port did not start the program.
pub fn beside_stdio(parts: Parts) -> Entrance {
    let gate = Arc::new(parts.authenticators.clone());
    let routes = health_routes(&parts, Arc::clone(&gate)).merge(file_routes(&parts, gate));
    layers::apply(routes, parts.guard, parts.proxies, parts.limits)
}

/// What a process answers that only runs jobs: the probes.
pub fn probes(parts: Parts) -> Entrance {
    let gate = Arc::new(parts.authenticators.clone());
    let probes = health_routes(&parts, gate);
    layers::apply(probes, parts.guard, parts.proxies, parts.limits)
}

/// The routes of a server, with their layers.
pub fn router(parts: Parts, protocol: Arc<Protocol>) -> Entrance {
    let gate = Arc::new(parts.authenticators.clone());
    let admin = admin_routes(&parts, &gate);
    let public = health_routes(&parts, Arc::clone(&gate))
        .merge(file_routes(&parts, Arc::clone(&gate)))
        .merge(metadata_routes(&gate))
        .merge(parts.public_routes);
    let mut own = parts.gated_routes;
    if own.has_routes() {
        // Requests for `/mcp` count for what they ask for.
        own = own.route_layer(from_fn_with_state(parts.limits.clone(), edge::limited));
    }
    let gated = Router::new()
        .route(MCP, any(mcp::answer).with_state(protocol))
        .merge(own)
        .route_layer(from_fn_with_state(gate, auth::require));
    layers::apply(
        gated.merge(public).merge(admin),
        parts.guard,
        parts.proxies,
        parts.limits,
    )
}

fn admin_routes(parts: &Parts, gate: &Arc<Authenticators>) -> Router {
    let Some(desk) = Desk::of(parts) else {
        return Router::new();
    };
    let limited = from_fn_with_state(parts.limits.clone(), edge::limited);
    admin::routes(desk)
        .route_layer(limited)
        .route_layer(from_fn_with_state(Arc::clone(gate), auth::require_admin))
}

/// Files ask for credentials themselves: a link is one.
fn file_routes(parts: &Parts, gate: Arc<Authenticators>) -> Router {
    let Some(files) = files::Files::of(parts, gate) else {
        return Router::new();
    };
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
        .route(health::READY, get(health::ready).with_state(readiness))
}
