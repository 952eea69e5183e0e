//! The database ends without warning, or says nothing any more.

use std::{
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU32, Ordering},
    },
};

use farcall_testpg::Proxy;
use serde_json::Value;
use tokio::task::{JoinSet, LocalSet};

use crate::{
    McpClient, Server,
    kills::{
        brew::BREW,
        caller::{Books, acknowledge, arguments, fresh},
        database::Database,
        part::LEASE,
        random::Random,
        rig::Rig,
        rivalry::DATABASE,
        run::Engine,
    },
    mcp::{Answer, Unanswered},
    wait::until,
};

/// How often the database ends.
const RESTARTS: u32 = 5;

/// How many lines of the log there are between two ends of it, at least.
const LINES: usize = 40;

/// How many jobs are started by each caller without looking at what became of the others.
const CALLERS: u32 = 3;

/// The database ends as by a loss of power, again and again, while a server runs jobs and takes
/// in others. The server goes on, its jobs do, and nothing is lost or double.
///
/// # Panics
/// Where it is not so.
pub async fn the_database_restarts(program: PathBuf) {
    // Callers wait by asking again, which keeps them on this thread.
    LocalSet::new().run_until(restarts(program)).await;
}

async fn restarts(program: PathBuf) {
    let mut rig = Rig::alone(Engine::Postgres, program).await;
    rig.life = 1;
    let mut server = rig.launch("server").start().await;
    rig.processes = vec![server.process_id()];
    let client = server.client();
    // Each outage comes to this one in the middle of a stage.
    let (job, pause) = rig.started_and_held(&client, 2).await;

    let callers = Callers::of(&mut rig, &client);
    for _ in 0..RESTARTS {
        rig.works_on(&mut server).await;
        let shared = Arc::clone(&rig.shared);
        let crash = move || shared.cluster.as_ref().unwrap().crash();
        tokio::task::spawn_blocking(crash).await.unwrap();
    }
    rig.works_on(&mut server).await;
    assert!(callers.leave().await > 0, "no caller has noticed");
    drop(pause);
    rig.has_lost_nothing(&job).await;
    stop(server).await;
    rig.ends_well().await;
}

/// The database ends as by a loss of power, under load, and a standby takes its place: the server
/// goes on with that, its jobs do, and nothing that was answered is lost.
///
/// # Panics
/// Where it is not so.
pub async fn a_standby_takes_over(program: PathBuf) {
    LocalSet::new().run_until(takes_over(program)).await;
}

async fn takes_over(program: PathBuf) {
    let mut rig = Rig::alone(Engine::Postgres, program).await;
    let shared = Arc::clone(&rig.shared);
    let first = shared.cluster.as_ref().unwrap();
    let standby = first.standby();
    let proxy = Proxy::before(first.server()).await;
    let name = rig.database.as_ref().unwrap().name.clone();
    rig.life = 1;
    let launch = rig.launch("server");
    let url = first.tcp_url(proxy.address(), &name);
    let mut server = launch.env(DATABASE, url).start().await;
    rig.processes = vec![server.process_id()];
    let client = server.client();
    let (job, pause) = rig.started_and_held(&client, 2).await;

    let callers = Callers::of(&mut rig, &client);
    rig.works_on(&mut server).await;
    let standby = tokio::task::spawn_blocking(move || {
        shared.cluster.as_ref().unwrap().stop();
        standby.promote();
        standby
    });
    let standby = standby.await.unwrap();
    proxy.lead_to(standby.server());
    let url = standby.url(&name);
    rig.database = Some(Database { name, url });
    rig.works_on(&mut server).await;
    assert!(callers.leave().await > 0, "no caller has noticed");
    drop(pause);
    rig.has_lost_nothing(&job).await;
    stop(server).await;
    rig.ends_well().await;
}

/// The database says nothing any more and is there again: a server that finds it in time goes on
/// with its job, and one that does not gives the job up and runs it again.
///
/// # Panics
/// Where it is not so.
pub async fn the_database_falls_silent(program: PathBuf) {
    for is_in_time in [true, false] {
        let mut rig = Rig::alone(Engine::Postgres, program.clone()).await;
        let cluster = rig.shared.cluster.as_ref().unwrap();
        let proxy = Proxy::before(cluster.server()).await;
        let database = rig.database.as_ref().unwrap();
        let url = cluster.tcp_url(proxy.address(), &database.name);
        rig.life = 1;
        let lease = if is_in_time { "60000" } else { "5000" };
        let launch = rig.launch("server").env(DATABASE, url).env(LEASE, lease);
        let server = launch.start().await;
        rig.processes = vec![server.process_id()];
        let client = server.client();
        let (job, pause) = rig.started_and_held(&client, 2).await;

        proxy.fall_silent();
        if is_in_time {
            // It writes its file and its checkpoint now, and waits for an answer.
            drop(pause);
            until("a write that has to be tried again", async || {
                let talk = server.talk();
                talk.contains("it is asked again").then_some(())
            })
            .await;
            proxy.recover();
        } else {
            until("a worker that gives up", async || {
                let talk = server.talk();
                talk.contains("its jobs are given up").then_some(())
            })
            .await;
            proxy.recover();
            drop(pause);
        }
        assert!(rig.all_end().await, "{:?}", rig.records().jobs().await);
        let records = rig.records().jobs().await;
        let record = records.iter().find(|record| record.id == job).unwrap();
        assert_eq!(record.state, "succeeded", "{record:?}");
        let expected = if is_in_time { (1, 0) } else { (2, 1) };
        assert_eq!((record.attempt, record.losses), expected, "{record:?}");
        stop(server).await;
        rig.ends_well().await;
    }
}

async fn stop(server: Server) {
    let talk = server.talk();
    assert!(!talk.contains("panicked"), "{talk}");
    server.stop().await;
}

impl Rig {
    /// Sees that every job ends, `job` in its first attempt, and that none has lost its worker: the
    /// lease is longer than an outage.
    async fn has_lost_nothing(&mut self, job: &str) {
        assert!(self.all_end().await, "{:?}", self.records().jobs().await);
        self.is_the_first_attempt(job).await;
        for record in self.records().jobs().await {
            assert_eq!(record.losses, 0, "{record:?}");
        }
    }

    /// Waits until enough happened since now.
    async fn works_on(&mut self, server: &mut Server) {
        self.log.catch_up();
        let wanted = self.log.lines + LINES;
        until("work that goes on", async || {
            assert!(server.is_alive(), "{}", server.talk());
            self.log.catch_up();
            (self.log.lines >= wanted).then_some(())
        })
        .await;
    }
}

/// Some who start jobs until they shall leave.
struct Callers {
    all: JoinSet<()>,
    is_over: Arc<AtomicBool>,
    outages: Arc<AtomicU32>,
}

impl Callers {
    fn of(rig: &mut Rig, client: &McpClient) -> Self {
        let mut callers = Self {
            all: JoinSet::new(),
            is_over: Arc::default(),
            outages: Arc::default(),
        };
        for _ in 0..CALLERS {
            let caller = Caller {
                client: client.clone(),
                books: rig.books.clone(),
                random: rig.random.split(),
                is_over: Arc::clone(&callers.is_over),
                outages: Arc::clone(&callers.outages),
            };
            callers.all.spawn_local(caller.call());
        }
        callers
    }

    /// Lets them leave, and returns how often they were told that the database is away.
    async fn leave(self) -> u32 {
        self.is_over.store(true, Ordering::Relaxed);
        self.all.join_all().await;
        self.outages.load(Ordering::Relaxed)
    }
}

/// Somebody who starts jobs, each as often as it takes to be answered.
struct Caller {
    client: McpClient,
    books: Books,
    random: Random,
    is_over: Arc<AtomicBool>,
    outages: Arc<AtomicU32>,
}

impl Caller {
    async fn call(mut self) {
        while !self.is_over.load(Ordering::Relaxed) {
            let order = fresh(&self.books, &mut self.random);
            self.books.open().place(order, BREW);
            let started = until("an answer to a start", async || {
                let answer = self
                    .client
                    .try_call(&format!("start_{BREW}"), arguments(order))
                    .await;
                match answer {
                    Ok(answer) if is_outage(&answer) => {
                        self.outages.fetch_add(1, Ordering::Relaxed);
                        None
                    }
                    Ok(answer) => Some(answer),
                    Err(Unanswered) => panic!("the server does not answer"),
                }
            })
            .await;
            let id = acknowledge(&self.books, order.number, &started.payload);
            let id = id.expect("nothing else is wrong");
            self.follow(&id).await;
        }
    }

    /// Waits until the job is over, so that not more wait than there are callers.
    async fn follow(&self, id: &str) {
        until("the end of a job", async || {
            let arguments = serde_json::json!({"job_id": id});
            let answer = self
                .client
                .try_call(&format!("get_{BREW}_status"), arguments)
                .await;
            let Answer { is_error, payload } = answer.expect("the server answers");
            if is_error {
                assert!(is_outage_of(&payload), "{payload}");
                self.outages.fetch_add(1, Ordering::Relaxed);
                return None;
            }
            matches!(payload["state"].as_str(), Some("succeeded" | "failed")).then_some(())
        })
        .await;
    }
}

fn is_outage(answer: &Answer) -> bool {
    answer.is_error && is_outage_of(&answer.payload)
}

/// What a caller is told while the database is away: that it is, and when to come again.
fn is_outage_of(payload: &Value) -> bool {
    payload
        .to_string()
        .contains("does not answer at the moment")
}
