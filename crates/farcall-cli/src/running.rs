//! Puts a server together, runs it, and takes it down in order.

pub(crate) mod callers;
mod edge;
mod gate;
pub(crate) mod keys;
mod offering;
pub(crate) mod open;
mod working;

use std::{net::SocketAddr, sync::Arc, time::Duration};

use farcall_config::{Config, Role};
use farcall_core::{
    catalog::Faults,
    clock::{Clock, SystemClock},
};
use farcall_jobs::{Programs, Queue, Runner};
use farcall_metrics::Metrics;
use farcall_server::{
    Audit, Changes, Entrance, Guard, JobFiles, Networks, Parts, Protocol, StdioError, Work, accept,
    router,
};
use farcall_store::JobStore;
use farcall_wrap::mount::Mounted;
use tokio::{net::TcpListener, sync::watch};
use tokio_util::{sync::CancellationToken, task::AbortOnDropHandle};

use self::{
    callers::Place,
    keys::Keys,
    offering::{Jobs, Offering, Supply, offered},
};
use crate::{App, Failure, mounts::Known};

/// How many connections those may have together who read metrics.
const READERS: usize = 64;

/// A server that is bound and has its data open, and answers nobody yet.
pub struct Ready {
    listener: TcpListener,
    readings: Option<Readings>,
    parts: Parts,
    offering: Offering,
    runner: Option<Runner>,
    callers: Arc<Place>,
    keys: Keys,
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

/// Where metrics are read without a credential.
struct Readings {
    listener: TcpListener,
    /// None where it is reached by any name.
    guard: Option<Guard>,
}

/// A server that answers.
pub struct Running {
    http: tokio::task::JoinHandle<()>,
    /// Answers who reads metrics, until everything else has ended.
    readings: Option<AbortOnDropHandle<()>>,
    offering: Offering,
    runner: Option<Runner>,
    store: Option<Arc<dyn JobStore>>,
    audit: Option<Audit>,
    callers: Arc<Place>,
    /// Looks after the keys in the store.
    keys: Option<AbortOnDropHandle<()>>,
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
        refuse_faults(&app)?;
        let listener = edge::bind(config).await?;
        let address = listener
            .local_addr()
            .map_err(|error| Failure::failed(format!("the bound address is not known: {error}")))?;
        let readings = edge::readings(config).await?;
        let metrics = Metrics::default();
        let public_base_url = match &config.http.public_base_url {
            Some(url) => url.as_str().to_owned(),
            None => format!("http://127.0.0.1:{}", address.port()),
        };

        let stopping = CancellationToken::new();
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let programs = app.offer.programs();
        let supply = Supply {
            options: working::options(app.runner.clone(), config, &metrics),
            role: config.jobs.role,
        };
        supply.suffices(&programs)?;
        let mut jobs = if programs.is_empty() {
            None
        } else {
            Some(open::open(config, &public_base_url, &clock).await?)
        };
        let callers = Place::new(config, jobs.as_ref()).await?;
        let keys = Keys::open(config, callers.opened()).await?;
        let named = callers.watched().await?;
        if let Some(jobs) = &mut jobs {
            let signing = keys::signing(&keys, &app, config, &named, &clock);
            jobs.links = jobs.links.clone().signed(signing);
        }
        let intake = jobs.as_ref().map(|jobs| intake(jobs, &stopping));
        let (catalog, tasks) = offered(&app.offer, &programs, intake.as_ref())?;
        let routers = app.routes.clone().routers();
        let (gated_routes, public_routes) =
            routers.map_err(|faults| Failure::usage(faults.to_string()))?;
        let mut authenticators =
            gate::authenticators(&app, config, &named, &catalog, &public_base_url, &clock)?;
        authenticators.count_in(metrics.clone());
        let programs = watch::Sender::new(programs);
        let mounts = Known::default();
        mounts.add(&app.offer.mounts);
        let mut parts = Parts {
            catalog,
            guard: edge::guard(config),
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
            public_base_url: public_base_url.clone(),
            state_keys: keys.request_state.clone(),
            proof: keys.proof.clone(),
            metrics,
            clock,
            stopping: stopping.clone(),
        };
        let protocol =
            Protocol::new(&parts).map_err(|faults| Failure::usage(faults.to_string()))?;
        // Last of all: a start that fails after it would cost the jobs it takes up a worker.
        let runner = match &parts.jobs {
            Some(jobs) => working::begin(jobs, &programs, &supply, &stopping).await?,
            None => None,
        };
        if let Some(runner) = &runner {
            parts.work = Work::Here(runner.standing());
        }
        Ok(Self {
            listener,
            readings,
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
            keys,
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

    /// Where metrics are read without a credential, if anywhere.
    pub fn metrics_address(&self) -> Option<SocketAddr> {
        let readings = self.readings.as_ref()?;
        readings.listener.local_addr().ok()
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
        let readings = self.readings.map(|readings| {
            let entrance = router::readings(&self.parts, readings.guard);
            let (never, hurry) = (CancellationToken::new(), self.hurrying.clone());
            let limits = accept::Limits {
                connections: READERS,
                ..accept::Limits::default()
            };
            let reading = accept::serve(readings.listener, entrance, limits, never, hurry);
            AbortOnDropHandle::new(tokio::spawn(reading))
        });
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
            readings,
            offering: self.offering,
            runner: self.runner,
            store,
            audit,
            callers: self.callers,
            keys: self.keys.watch(),
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
        // Before the store is closed, which it would take for one that is away.
        drop((self.keys, self.readings));
        if let Some(store) = self.store {
            store.close().await;
        }
        self.callers.close().await;
        if let Some(audit) = self.audit {
            audit.close().await;
        }
    }
}

/// # Errors
/// Everything that is wrong with what was registered.
fn refuse_faults(app: &App) -> Result<(), Failure> {
    let mut faults = app.offer.faults();
    faults.extend(app.routes.faults());
    if faults.is_empty() {
        return Ok(());
    }
    Err(Failure::usage(Faults(faults).to_string()))
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
