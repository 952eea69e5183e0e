//! Everything at once: hundreds of jobs, and machines and a database that go down meanwhile.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::{Duration, Instant},
};

use farcall_acceptance::{
    Server,
    bakery::{self, FILES, STAGES},
    wait::until_within,
};
use rustix::process::Signal;
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::{caller::Caller, rig::Machines};

/// How many jobs there are.
const JOBS: u32 = 500;

/// How many callers start them, one after the other each.
const CALLERS: u32 = 24;

/// Longer than the database is away, so that only a kill takes a job from its worker.
const LEASE: Duration = Duration::from_secs(10);

/// How long all of it may take.
const PATIENCE: Duration = Duration::from_mins(3);

/// The variable with the seed of an earlier run.
const SEED: &str = "FARCALL_SEED";

/// A number below `end` that looks random: `SplitMix64`, of Steele, Lea and Flood, 2014.
fn chance(seed: u64, of: u64, end: u32) -> u32 {
    let mut mixed = seed.wrapping_add(of.wrapping_mul(0x9e37_79b9_7f4a_7c15));
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^= mixed >> 31;
    u32::try_from(mixed % u64::from(end)).unwrap()
}

/// What goes down while the jobs run.
#[derive(Clone, Copy, Debug)]
enum Fault {
    Database,
    Replica(usize),
    Worker(usize),
}

const FAULTS: [Fault; 9] = [
    Fault::Database,
    Fault::Worker(0),
    Fault::Database,
    Fault::Replica(0),
    Fault::Database,
    Fault::Worker(1),
    Fault::Database,
    Fault::Replica(1),
    Fault::Database,
];

/// How many cakes are baked between two of them, on average.
const SPREAD: u32 = JOBS / 11;

/// What every caller knows.
#[derive(Clone)]
struct Errand {
    caller: Caller,
    seed: u64,
    next: Arc<AtomicU32>,
    done: Arc<AtomicU32>,
}

/// A record as the database has it at the end.
struct Row {
    id: String,
    key: String,
    state: String,
    epoch: i64,
    losses: i64,
    restarts: i64,
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn nothing_is_lost_doubled_or_torn_while_machines_and_the_database_go_down() {
    let seed = std::env::var(SEED).ok().and_then(|seed| seed.parse().ok());
    let seed = seed.unwrap_or_else(|| u64::from(std::process::id()));
    eprintln!("seed {seed}; {SEED}={seed} repeats it");
    let begun = Instant::now();
    let machines = Machines::new(2, LEASE).await;
    let mut replicas = [machines.api(0).await, machines.api(1).await].map(Some);
    let mut workers = [machines.worker("one").await, machines.worker("two").await].map(Some);

    let errand = Errand {
        caller: machines.caller(),
        seed,
        next: Arc::default(),
        done: Arc::default(),
    };
    let mut callers = JoinSet::new();
    for _ in 0..CALLERS {
        callers.spawn(errand.clone().run());
    }
    // Not at the same places each time, and the last one while there is still work.
    for (fault, number) in FAULTS.into_iter().zip(1..) {
        let after = SPREAD * number + chance(seed, number.into(), SPREAD);
        until_within(PATIENCE, "enough cakes", async || {
            (errand.done.load(Ordering::Relaxed) >= after).then_some(())
        })
        .await;
        match fault {
            Fault::Database => tokio::task::block_in_place(|| machines.cluster.crash()),
            Fault::Replica(place) => {
                killed(&mut replicas[place]).await;
                replicas[place] = Some(machines.api(place).await);
            }
            Fault::Worker(place) => {
                killed(&mut workers[place]).await;
                // Another machine, without the work folders of this one.
                workers[place] = Some(machines.worker(["three", "four"][place]).await);
            }
        }
    }
    let mut ids = BTreeMap::new();
    while let Some(acknowledged) = callers.join_next().await {
        ids.extend(acknowledged.unwrap());
    }
    assert_eq!(ids.len(), JOBS as usize);
    judge(&machines, &errand, &ids, begun).await;
    for server in replicas.into_iter().chain(workers).flatten() {
        server.stop().await;
    }
}

async fn killed(server: &mut Option<Server>) {
    let mut server = server.take().unwrap();
    server.signal(Signal::KILL);
    server.ended().await;
}

/// Holds what callers were told, what ran, and what there is, against each other.
async fn judge(machines: &Machines, errand: &Errand, ids: &BTreeMap<u32, String>, begun: Instant) {
    let rows: Vec<(String, String, String, i64, i64, i64)> = machines
        .query("SELECT id, idem_key, state, epoch, losses, restarts FROM jobs")
        .await;
    let row = |(id, key, state, epoch, losses, restarts)| Row {
        id,
        key,
        state,
        epoch,
        losses,
        restarts,
    };
    let rows: Vec<_> = rows.into_iter().map(row).collect();
    assert_eq!(rows.len(), JOBS as usize, "a start was kept twice");
    let keys: BTreeSet<_> = rows.iter().map(|row| row.key.as_str()).collect();
    assert_eq!(keys.len(), rows.len(), "a key has two jobs");
    let acknowledged: BTreeSet<_> = ids.values().map(String::as_str).collect();

    let mut runs: BTreeMap<String, [i64; STAGES.len()]> = BTreeMap::new();
    for run in machines.runs() {
        runs.entry(run.job).or_default()[run.stage] += 1;
    }
    let (mut lost, mut repeated, mut begun_again) = (0, 0, 0);
    for row in &rows {
        let Row { id, losses, .. } = row;
        assert_eq!(row.state, "succeeded", "{id}");
        assert!(acknowledged.contains(id.as_str()), "{id} is nobody's");
        let runs = runs.remove(id).unwrap_or_default();
        assert!(runs.iter().all(|times| *times >= 1), "{id}: {runs:?}");
        // A loss repeats the stage that was cut off; a work folder that is on another machine
        // repeats them all.
        let most = 3 * (1 + row.restarts) + losses;
        assert!(
            runs.iter().sum::<i64>() <= most && runs.iter().all(|times| *times <= 1 + losses),
            "{id}: {runs:?} with {losses} losses, {} restarts, epoch {}",
            row.restarts,
            row.epoch
        );
        lost += losses;
        begun_again += row.restarts;
        repeated += runs.iter().sum::<i64>() - 3;
    }
    assert!(runs.is_empty(), "jobs ran that are not there: {runs:?}");
    assert!(lost > 0, "no worker was killed while it worked");
    let objects = machines.objects();
    assert!(objects >= 2 * rows.len(), "{objects} objects");
    eprintln!(
        "{JOBS} jobs, {} faults in {} s: 0 lost, 0 doubled, 0 torn; {lost} losses of a worker, {repeated} \
         stages run again, {begun_again} jobs begun again elsewhere, {} requests sent again, {} files left over",
        FAULTS.len(),
        begun.elapsed().as_secs(),
        errand.caller.troubles(),
        objects - 2 * rows.len(),
    );
}

impl Errand {
    /// Orders cakes until there are enough, and returns their jobs by number.
    async fn run(self) -> Vec<(u32, String)> {
        let mut ids = Vec::new();
        loop {
            let number = self.next.fetch_add(1, Ordering::Relaxed);
            if number >= JOBS {
                return ids;
            }
            let id = self.order(number).await;
            let end = self.caller.ended("bake", &id).await;
            assert_eq!(end["state"], "succeeded", "{end}");
            let order = self.of(number);
            let files = self.caller.files("bake", &id).await;
            let size = order["size"].as_u64().unwrap().try_into().unwrap();
            let expected = [
                (FILES[0].to_owned(), bakery::cake(number, size)),
                (FILES[1].to_owned(), bakery::label(number).into_bytes()),
            ];
            assert!(files == expected, "the files of {number} are others");
            ids.push((number, id));
            self.done.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Starts the job, sometimes twice at once, and returns its id.
    async fn order(&self, number: u32) -> String {
        let mut order = self.of(number);
        order["idempotency_key"] = format!("cake-{number}").into();
        let start = || async {
            let started = self.caller.call("start_bake", order.clone()).await;
            started["job_id"].as_str().unwrap().to_owned()
        };
        let id = start().await;
        if chance(self.seed, u64::from(number) << 8, 4) == 0 {
            let (one, other) = tokio::join!(start(), start());
            assert_eq!([&one, &other], [&id, &id]);
        }
        id
    }

    fn of(&self, number: u32) -> Value {
        let chance = |what: u64, end| chance(self.seed, (u64::from(number) << 8) + what, end);
        json!({
            "number": number,
            "size": chance(1, 40_000),
            "takes_ms": 5 + chance(2, 30),
            "keeps": chance(3, 3) == 0,
        })
    }
}
