//! A thing that there is once, wanted by every job of a server that is killed and stands still.

use std::{env, fs, ops::Range, path::PathBuf, time::Duration};

use farcall_core::job::IDEMPOTENCY_KEY;
use rustix::process::Signal;
use serde_json::json;
use tokio::{task::JoinSet, time::sleep};

use crate::{
    Launch, McpClient,
    kills::{
        part::LEASE,
        press::{FILE, FOLDER, PRESS, Seen, Sheet, declare, seen},
        rig::Rig,
        run::Engine,
    },
    wait::{until, until_within},
};

/// How many jobs want the thing.
const JOBS: u32 = 500;

/// How many do so as programs, where the variable `KILLS_PROGRAMS` does not say another number: each takes ten
/// times as long.
const PROGRAMS: u32 = 200;

/// How many want it where there are two of it.
const FEW: u32 = 60;

/// How often something happens to the server.
const FAULTS: u32 = 24;

/// The lease of a server.
const SHORT: Duration = Duration::from_millis(600);

/// How long all of them may take.
const PATIENCE: Duration = Duration::from_mins(10);

/// Who does the jobs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hands {
    /// A function, on a thread of the server.
    Function,
    /// A program, with somebody that it leaves behind and that has the thing too.
    Program,
}

impl Hands {
    /// How many jobs there are.
    fn jobs(self) -> u32 {
        match self {
            Self::Function => JOBS,
            Self::Program => {
                env::var("KILLS_PROGRAMS").map_or(PROGRAMS, |jobs| jobs.parse().unwrap())
            }
        }
    }
}

/// While the one server that has the thing is killed, stands still for a while, and stands still
/// until it is believed lost, no two jobs have the thing at once. Returns how often one had it.
///
/// # Panics
/// Where it is not so.
pub async fn a_thing_is_given_to_one(engine: Engine, program: PathBuf, hands: Hands) -> usize {
    let mut rig = Rig::alone(engine, program).await;
    let (bench, jobs) = (Bench::new(&rig, hands), hands.jobs());
    let launch = |rig: &Rig, slots| bench.launch(rig, slots);
    let seen = || seen(&bench.folder);
    let mut server = launch(&rig, "gpu=1").start().await;
    // It has no such thing, so it never runs these jobs; but it takes them from who is lost.
    let other = match engine {
        Engine::Postgres => Some(launch(&rig, "").start().await),
        Engine::Sqlite => None,
    };
    started(&server.client(), jobs, 10..26).await;
    for fault in 0..FAULTS {
        let before = seen().alone;
        let least = before + (jobs / (2 * FAULTS)) as usize;
        until("jobs that get what they want", async || {
            assert!(server.is_alive(), "{}", server.talk());
            let is_over = rig.records().tally().await.waiting == 0;
            (is_over || seen().alone >= least).then_some(())
        })
        .await;
        match (fault % 3, &other) {
            (0, _) => {
                server.kill().await;
                server = launch(&rig, "gpu=1").start().await;
            }
            (1, Some(_)) => {
                server.signal(Signal::STOP);
                until("a server that is believed lost", async || {
                    (rig.records().tally().await.running == 0).then_some(())
                })
                .await;
                server.signal(Signal::CONT);
            }
            (1, None) => {
                server.signal(Signal::STOP);
                // What it runs elsewhere is ended meanwhile, and nobody else is there to take it.
                sleep(2 * SHORT).await;
                server.signal(Signal::CONT);
            }
            _ => {
                server.signal(Signal::STOP);
                sleep(Duration::from_millis(rig.random.below(80).into())).await;
                server.signal(Signal::CONT);
            }
        }
    }
    until_within(PATIENCE, "the ends of all jobs", async || {
        let tally = rig.records().tally().await;
        (tally.running + tally.waiting == 0).then_some(())
    })
    .await;
    let Seen {
        alone, together, ..
    } = seen();
    assert_eq!(together, 0, "two had the only one at the same time");
    assert!(alone > jobs as usize, "no job was cut off: {alone}");
    let records = rig.records().jobs().await;
    assert_eq!(records.len(), jobs as usize);
    for record in records {
        let is_given_up = record.error_code.as_deref() == Some("worker_lost");
        let is_right = record.state == "succeeded" || is_given_up && record.counted_losses == 2;
        assert!(is_right, "{record:?}");
    }
    server.stop().await;
    if let Some(other) = other {
        other.stop().await;
    }
    alone
}

/// The same where there are two of the thing: then two jobs are seen to have it at once.
///
/// # Panics
/// Where they are not.
pub async fn two_things_are_given_to_two(program: PathBuf, hands: Hands) {
    let rig = Rig::alone(Engine::Sqlite, program).await;
    let bench = Bench::new(&rig, hands);
    let server = bench.launch(&rig, "gpu=2").start().await;
    started(&server.client(), FEW, 10..30).await;
    until("the ends of all jobs", async || {
        let tally = rig.records().tally().await;
        (tally.running + tally.waiting == 0).then_some(())
    })
    .await;
    assert!(seen(&bench.folder).together > 0);
    server.stop().await;
}

/// Where the thing is.
struct Bench {
    folder: PathBuf,
    variable: (&'static str, PathBuf),
}

impl Bench {
    fn new(rig: &Rig, hands: Hands) -> Self {
        let folder = rig.folder.path().join("pressing");
        fs::create_dir(&folder).unwrap();
        let variable = match hands {
            Hands::Function => (FOLDER, folder.clone()),
            Hands::Program => (FILE, declare(rig.folder.path())),
        };
        Self { folder, variable }
    }

    /// A server that is soon believed lost, with these slots.
    fn launch(&self, rig: &Rig, slots: &str) -> Launch {
        let (name, value) = &self.variable;
        let launch = rig
            .launch("server")
            .env(name, value)
            .env(LEASE, SHORT.as_millis().to_string());
        if slots.is_empty() {
            return launch;
        }
        launch.env("FARCALL_SLOTS", slots)
    }
}

/// Starts so many jobs, each of which takes so many milliseconds.
async fn started(client: &McpClient, jobs: u32, takes: Range<u32>) {
    let mut starts = JoinSet::new();
    for number in 0..jobs {
        let client = client.clone();
        let mut sheet = json!(Sheet {
            number,
            takes: takes.start + number * 7 % (takes.end - takes.start),
        });
        sheet[IDEMPOTENCY_KEY] = number.to_string().into();
        starts.spawn(async move {
            client.call(&format!("start_{PRESS}"), sheet).await;
        });
        // Not all at once: that is another test's.
        if starts.len() >= 8 {
            starts.join_next().await;
        }
    }
    starts.join_all().await;
}
