//! Every route, on one screen.

use std::sync::Arc;

use axum::{
    Router,
    middleware::from_fn_with_state,
    routing::{any, get},
};

use crate::{
    Entrance, Guard, Parts,
    admin::{self, Desk},
    auth::{self, Authenticators, oauth},
    connect::{self, Door},
    edge, files,
    health::{self, Readiness},
    layers,
    mcp::{self, Protocol},
    metrics::{self, Readings},
};

/// Where MCP is spoken.
pub const MCP: &str = "/mcp";

/// What stands beside MCP over standard input and output: the files of jobs, and the probes. MCP
/// itself is not here, because whoever reaches the port did not start the program.
pub fn beside_stdio(parts: Parts) -> Entrance {
    let gate = Arc::new(parts.authenticators.clone());
    let readiness = Readiness::new(&parts, Arc::clone(&gate));
    let routes = health_routes(readiness).merge(file_routes(&parts, gate));
    layered(routes, parts)
}

/// What a process answers that only runs jobs: the probes.
pub fn probes(parts: Parts) -> Entrance {
    let gate = Arc::new(parts.authenticators.clone());
    let probes = health_routes(Readiness::new(&parts, gate));
    layered(probes, parts)
}

/// What is read at an address of its own, by whoever reaches it: the metrics. `guard` says under which
/// names it is reached, none where that does not matter.
pub fn readings(parts: &Parts, guard: Option<Guard>) -> Entrance {
    let readings = Readings::of(parts);
    let routes = Router::new().route(metrics::PATH, get(metrics::read).with_state(readings));
    // Who reads is not counted among the callers.
    layers::alone(routes, guard)
}

/// The routes of a server, with their layers.
pub fn router(parts: Parts, protocol: Arc<Protocol>) -> Entrance {
    let gate = Arc::new(parts.authenticators.clone());
    let admin = admin_routes(&parts, &gate).merge(metrics_routes(&parts, &gate));
    let readiness = Readiness::new(&parts, Arc::clone(&gate));
    let door = Arc::new(Door {
        protocol: Arc::clone(&protocol),
        gate: Arc::clone(&gate),
        limits: parts.limits.clone(),
        readiness: readiness.clone(),
        public_base_url: parts.public_base_url.clone(),
    });
    let public = health_routes(readiness)
        .merge(file_routes(&parts, Arc::clone(&gate)))
        .merge(metadata_routes(&gate))
        .merge(parts.public_routes);
    let own = parts
        .gated_routes
        .route(
            connect::LLMS,
            get(connect::to_models).with_state(Arc::clone(&door)),
        )
        // Requests for `/mcp` count for what they ask for.
        .route_layer(from_fn_with_state(parts.limits.clone(), edge::limited));
    let required = from_fn_with_state(gate, auth::require);
    let mcp = Router::new()
        .route(MCP, any(mcp::answer).with_state(protocol))
        .route_layer(required.clone())
        // Before anybody is asked who he is: a browser has nothing to say to that.
        .route_layer(from_fn_with_state(door, connect::to_browsers));
    let gated = mcp.merge(own.route_layer(required));
    layers::apply(
        gated.merge(public).merge(admin),
        parts.guard,
        (parts.proxies, parts.limits),
        parts.proof,
        parts.metrics,
    )
}

fn layered(routes: Router, parts: Parts) -> Entrance {
    layers::apply(
        routes,
        parts.guard,
        (parts.proxies, parts.limits),
        parts.proof,
        parts.metrics,
    )
}

fn admin_routes(parts: &Parts, gate: &Arc<Authenticators>) -> Router {
    let Some(desk) = Desk::of(parts) else {
        return Router::new();
    };
    admin::routes(desk, &parts.limits, parts.guard.clone())
        .route_layer(from_fn_with_state(Arc::clone(gate), auth::require_admin))
}

fn metrics_routes(parts: &Parts, gate: &Arc<Authenticators>) -> Router {
    let limited = from_fn_with_state(parts.limits.clone(), edge::limited);
    Router::new()
        .route(
            metrics::PATH,
            get(metrics::read).with_state(Readings::of(parts)),
        )
        .route_layer(limited)
        .route_layer(from_fn_with_state(Arc::clone(gate), auth::require_admin))
}

/// Files ask for credentials themselves: a link is one.
fn file_routes(parts: &Parts, gate: Arc<Authenticators>) -> Router {
    let Some(files) = files::Files::of(parts, gate) else {
        return Router::new();
    };
    Router::new()
        .route(files::PRIMARY, get(files::primary))
        .route(files::NAMED, get(files::named))
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

fn health_routes(readiness: Readiness) -> Router {
    let [alive, alias] = health::ALIVE;
    Router::new()
        // Usually answered at the entrance already.
        .route(alive, get(async || health::alive()))
        .route(alias, get(async || health::alive()))
        .route(health::READY, get(health::ready).with_state(readiness))
}
