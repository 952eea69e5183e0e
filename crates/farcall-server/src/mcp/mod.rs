//! MCP over Streamable HTTP and stdio, on the official SDK.
//!
//! `front` stands before the SDK and makes up for what it leaves to its users; `handler` is what
//! the SDK calls, and `plain` what takes a shorter way; `call` runs a tool, `offers` everything
//! else, both within a `limit`; `bounds` says how often, and with which scopes. `client` is the other end as user code sees it, `questions`
//! what it is asked in a session, `rounds` what travels through it between two rounds of a call,
//! `tasks` what a job is to a client that knows them, `subscriptions`, `listen` and `logging` what
//! clients are told unasked, `sessions` the bounded sessions of older clients, `present` declarations
//! in the SDK's types. All of what is offered is one `current` whole, which can be exchanged.

mod audited;
mod bounds;
mod call;
mod client;
mod current;
mod front;
pub(crate) mod fuzzing;
mod handler;
mod headers;
mod limit;
mod listen;
mod logging;
mod offers;
mod plain;
mod present;
mod questions;
mod rounds;
mod sessions;
mod stream;
mod subscriptions;
mod tasks;
mod unserved;

use std::{collections::HashMap, sync::Arc, time::Duration};

use farcall_core::{
    catalog::{Catalog, Fault, Faults},
    principal::Principal,
    updates::Updates,
};
use farcall_jobs::Tasks;
use farcall_metrics::{Metrics, ToolSeries};
use rmcp::{
    ServiceExt,
    transport::streamable_http_server::{StreamableHttpServerConfig, StreamableHttpService},
};
use tokio_util::sync::CancellationToken;

pub use self::current::{Changes, Next};
pub(crate) use self::front::answer;
pub use self::present::listed;
pub use self::rounds::StateKeys;
use self::{
    current::Current, handler::Connection, present::Presented, rounds::Rounds,
    sessions::BoundedSessions, subscriptions::Places,
};
use crate::{Audit, Identity, Limits, Parts, Sessions, auth::OAuth, connect::Tool};

/// A comment on a stream this often keeps proxies from cutting it.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// MCP as this server speaks it.
pub struct Protocol {
    current: Arc<Current>,
    http: StreamableHttpService<Connection, BoundedSessions>,
    sessions: Arc<BoundedSessions>,
    places: Places,
    limits: Limits,
    are_sessions_on: bool,
    are_calls_plain: bool,
    /// Which scopes tools need, where tokens have any.
    oauth: Option<Arc<OAuth>>,
    metrics: Metrics,
}

/// What every request of a server shares: what is offered, and what that needs.
pub(crate) struct Server {
    pub(crate) catalog: Arc<Catalog>,
    pub(crate) presented: Presented,
    pub(crate) tools: plain::ToolList,
    pub(crate) rounds: Arc<Rounds>,
    pub(crate) updates: Option<Updates>,
    pub(crate) tasks: Option<Tasks>,
    pub(crate) audit: Option<Audit>,
    pub(crate) metrics: Metrics,
    /// Where the calls of each tool are counted.
    series: HashMap<String, Arc<ToolSeries>>,
    pub(crate) stopping: CancellationToken,
}

/// MCP over stdio ended badly.
#[derive(Debug, thiserror::Error)]
#[error("the client on standard input cannot be served: {0}")]
pub struct StdioError(String);

impl Protocol {
    /// The protocol for these parts.
    ///
    /// # Errors
    /// [`Faults`] where something registered cannot be expressed in the protocol.
    pub fn new(parts: &Parts) -> Result<Arc<Self>, Faults> {
        let server = Server::new(
            &parts.identity,
            Arc::clone(&parts.catalog),
            parts.tasks.clone(),
            Unchanging {
                rounds: Arc::new(Rounds::new(parts.state_keys.clone())),
                updates: parts.updates.clone(),
                audit: parts.audit.clone(),
                metrics: parts.metrics.clone(),
                stopping: parts.stopping.clone(),
            },
        )?;
        let current = Arc::new(Current::new(server));
        let sessions = Arc::new(BoundedSessions::new(parts.sessions.unwrap_or(Sessions {
            max: 0,
            ..Sessions::default()
        })));
        let config = StreamableHttpServerConfig::default()
            .with_legacy_session_mode(parts.sessions.is_some())
            .with_json_response(true)
            .with_sse_keep_alive(Some(KEEP_ALIVE))
            // Both are checked by our own guard, for every route, before a request comes here.
            .disable_allowed_hosts()
            .disable_allowed_origins()
            .with_max_request_body_bytes(usize::MAX);
        let shared = Arc::clone(&current);
        let connect = move || Ok(Connection::new(Arc::clone(&shared)));
        Ok(Arc::new(Self {
            current,
            http: StreamableHttpService::new(connect, Arc::clone(&sessions), config),
            sessions,
            places: Places::default(),
            limits: parts.limits.clone(),
            are_sessions_on: parts.sessions.is_some(),
            are_calls_plain: parts.plain_calls,
            oauth: parts.authenticators.oauth().cloned(),
            metrics: parts.metrics.clone(),
        }))
    }

    /// What this server could offer in the place of what it does.
    ///
    /// # Errors
    /// As [`new`](Self::new).
    pub fn next(
        &self,
        identity: &Identity,
        catalog: Arc<Catalog>,
        tasks: Option<Tasks>,
    ) -> Result<Next, Faults> {
        let unchanging = Unchanging::of(&self.current.get());
        Server::new(identity, catalog, tasks, unchanging).map(Next)
    }

    /// Offers something else from now on. Requests that are being answered end with what they began
    /// with; subscribers are told which lists have changed.
    pub fn exchange(&self, next: Next) -> Changes {
        self.current.exchange(next)
    }

    /// What this server says of itself, and the tools that there are for `caller`; none are told to a stranger.
    pub(crate) fn offered(&self, caller: Option<&Principal>) -> Offered {
        let server = self.current.get();
        let info = &server.presented.info;
        let tools = caller.map(|caller| {
            let tools = server.presented.tools.iter();
            let tools = tools.filter(|tool| caller.may_call(&tool.name));
            let tools = tools.map(|tool| Tool {
                name: tool.name.to_string(),
                description: tool.description.as_deref().unwrap_or_default().to_owned(),
            });
            tools.collect()
        });
        Offered {
            name: info.server_info.name.clone(),
            version: info.server_info.version.clone(),
            title: info.server_info.title.clone(),
            instructions: info.instructions.clone(),
            tools,
        }
    }

    /// Serves one client on standard input and output, until it goes or `stop`.
    ///
    /// # Errors
    /// [`StdioError`] where it does not speak MCP.
    pub async fn serve_stdio(&self, stop: CancellationToken) -> Result<(), StdioError> {
        let connection = Connection::local(Arc::clone(&self.current), Principal::anonymous());
        let failed = |error: &dyn std::fmt::Display| StdioError(error.to_string());
        let running = connection.serve_with_ct(rmcp::transport::stdio(), stop);
        let running = running.await.map_err(|error| failed(&error))?;
        running.waiting().await.map_err(|error| failed(&error))?;
        Ok(())
    }

    /// Ends every request that is still open; call it when the connections have drained.
    pub fn cut(&self) {
        self.http.config.cancellation_token.cancel();
    }
}

/// What a server says of itself.
pub(crate) struct Offered {
    pub(crate) name: String,
    pub(crate) version: String,
    pub(crate) title: Option<String>,
    pub(crate) instructions: Option<String>,
    pub(crate) tools: Option<Vec<Tool>>,
}

/// What of a server stays, whatever it offers.
struct Unchanging {
    rounds: Arc<Rounds>,
    updates: Option<Updates>,
    audit: Option<Audit>,
    metrics: Metrics,
    stopping: CancellationToken,
}

impl Unchanging {
    fn of(server: &Server) -> Self {
        Self {
            rounds: Arc::clone(&server.rounds),
            updates: server.updates.clone(),
            audit: server.audit.clone(),
            metrics: server.metrics.clone(),
            stopping: server.stopping.clone(),
        }
    }
}

impl Server {
    fn new(
        identity: &Identity,
        catalog: Arc<Catalog>,
        tasks: Option<Tasks>,
        unchanging: Unchanging,
    ) -> Result<Self, Faults> {
        let Unchanging {
            rounds,
            updates,
            audit,
            metrics,
            stopping,
        } = unchanging;
        let presented = Presented::new(identity, &catalog, updates.is_some())?;
        let tools = plain::ToolList::new(&presented.tools).map_err(|error| {
            Faults(vec![Fault {
                subject: "the list of tools".to_owned(),
                reason: format!("it cannot be written as JSON: {error}"),
            }])
        })?;
        let names = catalog.tools().iter();
        let names = names.map(|tool| tool.tool.declaration.name.clone());
        let series = names.map(|name| (name.clone(), metrics.tool(&name)));
        Ok(Self {
            series: series.collect(),
            metrics,
            catalog,
            presented,
            tools,
            rounds,
            updates,
            tasks,
            audit,
            stopping,
        })
    }

    /// Where calls of `name` are counted, if that is a tool.
    pub(crate) fn series(&self, name: &str) -> Option<&Arc<ToolSeries>> {
        self.series.get(name)
    }
}
