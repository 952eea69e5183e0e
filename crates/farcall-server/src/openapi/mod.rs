//! Every HTTP route of a server, as an OpenAPI 3.1 description: `docs/reference/openapi.json`.
//!
//! Nothing here is served, and nothing else calls it: the reference is written from it, and tests hold
//! servers to it. Paths, states and codes are those of the code; `tests` asks the router for its routes,
//! and an attacker that reads the description (`acceptance/tests/peers/schemathesis`) for the rest.

mod admin;
mod answer;
mod files;
mod mcp;
mod metrics;
mod operation;
mod public;
mod schemas;
#[cfg(test)]
mod tests;

use serde_json::{Map, Value, json};

use crate::{
    admin::{CANCEL, JOB, JOBS, RETRY},
    auth::oauth::WELL_KNOWN,
    connect::LLMS,
    files::{NAMED, PRIMARY},
    health::{ALIVE, READY},
    metrics::PATH as METRICS,
    router::MCP,
};

const ABOUT: &str = "\
What a farcall server answers, route by route; `docs/contract.md` says the same in sentences. Routes of the \
program's own are not here. `/files` and `/admin` are there where the program has a job, \
`/.well-known/oauth-protected-resource` where tokens have an issuer, and a process that only runs jobs has the \
probes alone.

`security` is that of a server with callers. One that asks nobody who they are lets everybody in, but into \
`/admin` and `/metrics` nobody.

Of every route: a method that is not described is answered with 405 and `Allow`, a path that is not described \
with 404. Where origins are allowed, preflights of CORS are answered with 200. A request whose head cannot be \
read is answered with 400 without a body.";

/// The description.
pub fn document() -> Value {
    json!({
        "openapi": "3.1.1",
        "info": {
            "title": "farcall",
            "version": env!("CARGO_PKG_VERSION"),
            "description": ABOUT,
            "license": {"name": "MIT OR Apache-2.0", "identifier": "MIT OR Apache-2.0"},
        },
        "servers": [{"url": "http://127.0.0.1:8900", "description": "Where a server listens by default."}],
        "tags": [
            {"name": "mcp", "description": "Model Context Protocol over Streamable HTTP."},
            {"name": "files", "description": "What jobs left."},
            {"name": "admin", "description": "Everybody's jobs, for operators."},
            {"name": "oauth", "description": "What an OAuth client knows before it has a token."},
            {"name": "probes", "description": "Alive, and ready."},
            {"name": "metrics", "description": "What is counted, for Prometheus."},
        ],
        "paths": paths(),
        "components": {
            "securitySchemes": {
                "bearer": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "A named caller's token, the shared secret, or a token of OAuth for this server.",
                },
                "access": {
                    "type": "apiKey",
                    "in": "header",
                    "name": "Cf-Access-Jwt-Assertion",
                    "description": "What Cloudflare Access says about who it let through; looked at without a token.",
                },
            },
            "headers": answer::headers(),
            "responses": answer::components(),
            "schemas": schemas::components(),
        },
    })
}

/// The routes, in the order of `router.rs`.
fn paths() -> Map<String, Value> {
    let [alive, alias] = ALIVE;
    let [metadata, at_origin] = WELL_KNOWN;
    [
        (MCP, mcp::endpoint()),
        (LLMS, mcp::for_models()),
        (PRIMARY, files::primary()),
        (NAMED, files::named()),
        (JOBS, admin::jobs()),
        (JOB, admin::job()),
        (CANCEL, admin::cancel()),
        (RETRY, admin::retry()),
        (METRICS, metrics::metrics()),
        (metadata, public::metadata("oauth_metadata")),
        (at_origin, public::metadata("oauth_metadata_at_origin")),
        (alive, public::alive("alive")),
        (alias, public::alive("alive_alias")),
        (READY, public::ready()),
    ]
    .map(|(path, item)| (path.to_owned(), item))
    .into_iter()
    .collect()
}
