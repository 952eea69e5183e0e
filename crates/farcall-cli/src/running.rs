//! Puts a server together, runs it, and takes it down in order.

pub(crate) mod callers;
mod edge;
mod gate;
mod keys;
mod offering;
pub(crate) mod open;

use std::{net::SocketAddr, sync::Arc, time::Duration};

use farcall_config::{Config, Role};
use farcall_core::{
    catalog::Faults,
    clock::{Clock, SystemClock},
};
use farcall_jobs::{Programs, Queue, Runner, RunnerOptions, links::Signing};
use farcall_server::{
    Audit, Changes, Entrance, Guard, JobFiles, Networks, Parts, Protocol, StdioError, Work, accept,
    auth::NamedCallers, router,
};
use farcall_store::JobStore;
use farcall_wrap::mount::Mounted;
use tokio::{net::TcpListener, sync::watch};
use tokio_util::sync::CancellationToken;

use self::{
    callers::Place,
    offering::{Jobs, Offering, Supply, offered},
};
use crate::{App, Failure, mounts::Known};

/// A server that is bound and has its data open, and answers nobody yet.
pub struct Ready {
    listener: TcpListener,
    parts: Parts,
    offering: Offering,
    runner: Option<Runner>,
    callers: Arc<Place>,
    role: Role,
    carriers: Networks,
    drain: Duration,
    linger: Duration,
    stopping: CancellationToken,
    hurrying: CancellationToken,
    /// Where it listens.
    pub address: SocketAddr,
    /// Prefix of the URLs of files.
    pub public_base_url: String,
}

/// A server that answers.
pub struct Running {
    http: tokio::task::JoinHandle<()>,
    offering: Offering,
    runner: Option<Runner>,
    store: Option<Arc<dyn JobStore>>,
    audit: Option<Audit>,
    callers: Arc<Place>,
    drain: Duration,
    stopping: CancellationToken,
    hurrying: CancellationToken,
}

impl Ready {
    /// Binds, opens the data where there are jobs, and takes up what an earlier run left.
    ///
    /// # Errors
    /// A [`Failure`] that says what is in the way.
    pub async fn prepare(app: App, config: &Config) -> Result<Self, Failure> {
        let mut faults = app.offer.faults();
        faults.extend(app.routes.faults());
        if !faults.is_empty() {
            return Err(Failure::usage(Faults(faults).to_string()));
        }
        let listener = bind(config).await?;
        let address = listener
            .local_addr()
            .map_err(|error| Failure::failed(format!("the bound address is not known: {error}")))?;
        let public_base_url = match &config.http.public_base_url {
            Some(url) => url.as_str().to_owned(),
            None => format!("http://127.0.0.1:{}", address.port()),
        };

        let stopping = CancellationToken::new();
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let programs = app.offer.programs();
        let supply = Supply {
            options: options(app.runner.clone(), config),
            role: config.jobs.role,
        };
        supply.suffices(&programs)?;
        let mut jobs = if programs.is_empty() {
            None
        } else {
            Some(open::open(config, &public_base_url, &clock).await?)
        };
        let callers = Place::new(config, jobs.as_ref()).await?;
        let named = callers.watched().await?;
        if let Some(jobs) = &mut jobs {
            let signing = signing(&app, config, jobs, &named, &clock).await?;
            jobs.links = jobs.links.clone().signed(signing);
        }
        let store = jobs.as_ref().map(|jobs| jobs.store.as_ref());
        let state_key = keys::request_state(config, store).await?;
        let intake = jobs.as_ref().map(|jobs| intake(jobs, &stopping));
        let (catalog, tasks) = offered(&app.offer, &programs, intake.as_ref())?;
        let routers = app.routes.clone().routers();
        let (gated_routes, public_routes) =
            routers.map_err(|faults| Failure::usage(faults.to_string()))?;
        let authenticators =
            gate::authenticators(&app, config, named, &catalog, &public_base_url, &clock)?;
        let programs = watch::Sender::new(programs);
        let mounts = Known::default();
        mounts.add(&app.offer.mounts);
        let mut parts = Parts {
            catalog,
            guard: guard(config),
            proxies: edge::proxies(config),
            limits: edge::limits(config, &clock),
            audit: edge::audit(config, &clock)?,
            authenticators,
            identity: app.identity,
            updates: app.updates,
            sessions: app.sessions,
            plain_calls: config.http.plain_calls,
            jobs,
            tasks,
            work: Work::Elsewhere(programs.subscribe()),
            gated_routes,
            public_routes,
            state_key,
            clock,
            stopping: stopping.clone(),
        };
        let protocol =
            Protocol::new(&parts).map_err(|faults| Failure::usage(faults.to_string()))?;
        // Last of all: a start that fails after it would cost the jobs it takes up a worker.
        let runner = match &parts.jobs {
            Some(jobs) if config.jobs.role.works() => {
                let options = supply.options.clone();
                Some(run(jobs, programs.subscribe(), options).await?)
            }
            Some(jobs) => {
                let options = supply.options.clone();
                look_on(jobs, programs.subscribe(), options, &stopping).await?;
                None
            }
            None => None,
        };
        if let Some(runner) = &runner {
            parts.work = Work::Here(runner.standing());
        }
        Ok(Self {
            listener,
            parts,
            offering: Offering {
                protocol,
                jobs: intake,
                programs,
                supply,
                scoped: gate::scoped(config),
                mounts,
            },
            runner,
            callers,
            role: config.jobs.role,
            carriers: Networks::loopback().and(&edge::proxies(config)),
            drain: config.jobs.drain,
            linger: config.http.linger,
            stopping,
            hurrying: CancellationToken::new(),
            address,
            public_base_url,
        })
    }

    /// How many tools clients see.
    pub fn tools(&self) -> usize {
        self.parts.catalog.tools().len()
    }

    /// Whether there are callers with tokens of their own.
    pub(crate) fn has_named_callers(&self) -> bool {
        self.parts.authenticators.has_named_callers()
    }

    /// Whether nobody is asked who they are.
    pub(crate) fn is_open(&self) -> bool {
        self.parts.authenticators.is_open()
    }

    /// Begins to answer over HTTP: callers, or probes alone where this process only runs jobs.
    pub fn start(self) -> Running {
        let linger = self.linger;
        if self.role.answers() {
            self.started(linger, router::router)
        } else {
            self.started(Duration::ZERO, |parts, _| router::probes(parts))
        }
    }

    /// Begins to serve files and probes over HTTP; MCP is for
    /// [`serve_stdio`](Running::serve_stdio) alone.
    pub fn start_beside_stdio(self) -> Running {
        self.started(Duration::ZERO, |parts, _| router::beside_stdio(parts))
    }

    fn started(
        self,
        linger: Duration,
        routes: impl FnOnce(Parts, Arc<Protocol>) -> Entrance,
    ) -> Running {
        let store = self.parts.jobs.as_ref().map(|jobs| Arc::clone(&jobs.store));
        let audit = self.parts.audit.clone();
        let http = accept::serve(
            self.listener,
            routes(self.parts, Arc::clone(&self.offering.protocol)),
            accept::Limits {
                linger,
                carriers: self.carriers,
                ..accept::Limits::default()
            },
            self.stopping.clone(),
            self.hurrying.clone(),
        );
        Running {
            http: tokio::spawn(http),
            offering: self.offering,
            runner: self.runner,
            store,
            audit,
            callers: self.callers,
            drain: self.drain,
            stopping: self.stopping,
            hurrying: self.hurrying,
        }
    }
}

impl Running {
    /// Serves one client on standard input and output, until it goes or the server stops.
    ///
    /// # Errors
    /// [`StdioError`] where it does not speak MCP.
    pub async fn serve_stdio(&self) -> Result<(), StdioError> {
        let stopping = self.stopping.clone();
        self.offering.protocol.serve_stdio(stopping).await
    }

    /// Offers what `app` does in the place of what was offered, and says which tools are others.
    ///
    /// Connections stay, and calls and jobs that are under way end as they began. Routes, verifiers and
    /// options of the app are those of the start.
    ///
    /// # Errors
    /// A [`Failure`] with everything that is wrong with it; then nothing changes.
    pub fn exchange(&self, app: &App) -> Result<Changes, Failure> {
        self.offering.exchange(app)
    }

    /// The mounted servers that run.
    pub(crate) fn mounts(&self) -> Vec<Mounted> {
        self.offering.mounts.running()
    }

    /// Goes on in a new audit log where the one before was moved away.
    pub fn reopen_audit(&self) {
        if let Some(audit) = &self.audit {
            audit.reopen();
        }
    }

    /// Told once, the server stops in order; what takes too long is cut by this.
    pub fn hurry(&self) -> CancellationToken {
        self.hurrying.clone()
    }

    /// Stops in order: no new job, and soon no new connection; then requests and jobs end by
    /// themselves, or are cut and handed back; then the store is closed.
    pub async fn stop(self) {
        self.stopping.cancel();
        let requests = async {
            if let Err(error) = self.http.await {
                tracing::error!(%error, "the accept loop ended badly");
            }
            self.offering.protocol.cut();
        };
        let jobs = async {
            if let Some(runner) = self.runner {
                runner.stop(self.drain, &self.hurrying).await;
            }
        };
        tokio::join!(requests, jobs);
        self.offering.mounts.stop(&self.hurrying).await;
        if let Some(store) = self.store {
            store.close().await;
        }
        self.callers.close().await;
        if let Some(audit) = self.audit {
            audit.close().await;
        }
    }
}

/// How links to files are signed.
async fn signing(
    app: &App,
    config: &Config,
    jobs: &JobFiles,
    named: &Arc<NamedCallers>,
    clock: &Arc<dyn Clock>,
) -> Result<Signing, Failure> {
    let asks_everybody = !(config.auth.is_open() && app.verifiers.is_empty());
    let named = Arc::clone(named);
    Ok(Signing {
        keys: keys::links(config, jobs.store.as_ref()).await?,
        lifetime: config.files.link_lifetime,
        clock: Arc::clone(clock),
        // Where everybody may fetch everything, a link has nothing to prove.
        is_wanted: Arc::new(move || asks_everybody || named.has_callers()),
    })
}

/// Where the jobs of callers come in.
fn intake(jobs: &JobFiles, stopping: &CancellationToken) -> Jobs {
    let queue = Queue::new(Arc::clone(&jobs.store), Programs::default());
    let queue = queue.until(stopping.clone());
    Jobs {
        queue: queue.with_files(jobs.artifacts.clone()),
        links: jobs.links.clone(),
    }
}

async fn bind(config: &Config) -> Result<TcpListener, Failure> {
    let (host, port) = (
        config
            .http
            .host
            .trim_start_matches('[')
            .trim_end_matches(']'),
        config.http.port,
    );
    TcpListener::bind((host, port)).await.map_err(|error| {
        Failure::usage(format!("`{host}:{port}` cannot be bound: {error}"))
            .hint("set MCP_HOST and MCP_PORT to an address that is free on this machine")
    })
}

/// How long a job of a database waits for a worker that knows its name; longer than a rollout of
/// another version takes.
const VANISHED: Duration = Duration::from_mins(10);

/// What the program says about running jobs, unless the configuration says otherwise.
fn options(mut options: RunnerOptions, config: &Config) -> RunnerOptions {
    if let Some(concurrency) = config.jobs.concurrency {
        options.concurrency = concurrency.into();
    }
    if !config.jobs.slots.is_empty() {
        options.slots.clone_from(&config.jobs.slots);
    }
    if config.storage.database_url.is_some() {
        options.is_shared = true;
        options.vanished = options.vanished.max(VANISHED);
    }
    options
}

async fn run(
    jobs: &JobFiles,
    programs: watch::Receiver<Programs>,
    options: RunnerOptions,
) -> Result<Runner, Failure> {
    let (store, artifacts) = (Arc::clone(&jobs.store), jobs.artifacts.clone());
    Runner::start(store, artifacts, programs, options)
        .await
        .map_err(|error| Failure::failed(error.to_string()))
}

/// Looks after the jobs of others, until the server stops.
async fn look_on(
    jobs: &JobFiles,
    programs: watch::Receiver<Programs>,
    options: RunnerOptions,
    stopping: &CancellationToken,
) -> Result<(), Failure> {
    let (store, artifacts) = (Arc::clone(&jobs.store), jobs.artifacts.clone());
    farcall_jobs::look_on(store, artifacts, programs, options, stopping.clone())
        .await
        .map_err(|error| Failure::failed(error.to_string()))
}

fn guard(config: &Config) -> Guard {
    let mut guard = Guard::new();
    if let Some(url) = &config.http.public_base_url {
        guard.allow_host(url.authority().to_ascii_lowercase());
        guard.allow_origin(url.origin().to_ascii_lowercase());
    }
    for host in &config.http.allowed_hosts {
        guard.allow_host(host);
    }
    for origin in &config.http.allowed_origins {
        guard.allow_cross_origin(origin);
    }
    guard
}
