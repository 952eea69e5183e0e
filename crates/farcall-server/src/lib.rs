//! Everything HTTP, and MCP over stdio.
//!
//! The tree follows a request: [`accept`] takes the connection and `unread` ends the ones whose client does not read, [`router`] lists every route,
//! `layers` every layer in order; `edge` refuses what no handler should see, [`auth`] says who
//! is calling, `mcp` answers the protocol, `files` sends what jobs left, `health` answers probes, [`connect`] says how clients connect, `audit` keeps who
//! asked for what, `openapi` describes all of it, `metrics` counts it.

pub mod accept;
mod admin;
mod audit;
pub mod auth;
pub mod connect;
mod edge;
mod files;
#[doc(hidden)]
pub mod fuzzing;
mod health;
mod layers;
mod mcp;
mod metrics;
pub mod openapi;
mod problem_response;
pub mod router;
mod sendfile;
mod unread;

use std::{sync::Arc, time::Duration};

use axum::Router;
use farcall_artifacts::Artifacts;
use farcall_core::{catalog::Catalog, clock::Clock, updates::Updates};
use farcall_jobs::{Links, Programs, Standing, Tasks};
use farcall_metrics::Metrics;
use farcall_store::JobStore;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use self::auth::Authenticators;
pub use self::{
    audit::{Audit, AuditPlace},
    edge::{Entrance, Guard, Limits, Networks, Proof, Rates},
    mcp::{Changes, Next, Protocol, StateKeys, StdioError, listed},
};

/// What a client reads about the server itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// Name, for example `example-mcp`.
    pub name: String,
    /// Version of the program behind the tools.
    pub version: String,
    /// A name for people.
    pub title: Option<String>,
    /// What an agent should know before it calls anything; keep it short.
    pub instructions: Option<String>,
}

/// Sessions for clients before 2026-07-28, so that the server can ask them questions.
///
/// They need memory here and stickiness in front of several servers, so they are off unless
/// asked for. A session belongs to the caller that opened it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sessions {
    /// How many there may be at once; defaults to 256.
    pub max: usize,
    /// After how long without a message one ends; defaults to five minutes.
    pub idle: Duration,
}

impl Default for Sessions {
    fn default() -> Self {
        Self {
            max: 256,
            idle: Duration::from_mins(5),
        }
    }
}

/// Everything a server is made of; the composition root fills it.
pub struct Parts {
    /// Name, version, instructions.
    pub identity: Identity,
    /// What is offered.
    pub catalog: Arc<Catalog>,
    /// News for subscribers, where the program sends any.
    pub updates: Option<Updates>,
    /// Sessions for older clients, where they are wanted.
    pub sessions: Option<Sessions>,
    /// Whether plain calls and lists of tools are answered without the SDK's transport.
    pub plain_calls: bool,
    /// Who may call.
    pub authenticators: Authenticators,
    /// Which hosts and origins are accepted.
    pub guard: Guard,
    /// Who may say where a request comes from, because it passes them on.
    pub proxies: Networks,
    /// How often callers may do what.
    pub limits: Limits,
    /// Where it is written who called what; nowhere by default.
    pub audit: Option<Audit>,
    /// The job store, for files and readiness; `None` where there is no job.
    pub jobs: Option<JobFiles>,
    /// Jobs as tasks; `None` where there is no job.
    pub tasks: Option<Tasks>,
    /// Who runs the jobs.
    pub work: Work,
    /// The program's own routes behind the authenticators.
    pub gated_routes: Router,
    /// The program's own routes that anyone may call.
    pub public_routes: Router,
    /// Prefix of the URLs under which clients know the server, without a slash at its end.
    pub public_base_url: String,
    /// Sign what travels through clients.
    pub state_keys: StateKeys,
    /// Shows the operator that a path leads to this server.
    pub proof: Proof,
    /// Where it counts what it does.
    pub metrics: Metrics,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Ends streams that would otherwise never end, when the server stops.
    pub stopping: CancellationToken,
}

/// Who runs the jobs that a server takes in.
#[derive(Clone)]
pub enum Work {
    /// Other processes run the jobs that are offered; none where there is no job.
    Elsewhere(watch::Receiver<Programs>),
    /// This process does.
    Here(Standing),
}

/// Where finished jobs and their files are.
#[derive(Clone)]
pub struct JobFiles {
    /// The records.
    pub store: Arc<dyn JobStore>,
    /// The bytes.
    pub artifacts: Artifacts,
    /// The URLs of the files, and who has been given one.
    pub links: Links,
    /// Whether whoever fetches a file is sent to the bucket that has it, where that signs URLs.
    pub redirects: bool,
}
