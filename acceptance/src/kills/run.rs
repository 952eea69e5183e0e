//! All rigs together, until there were enough kills.

use std::{
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
    thread,
    time::{Duration, Instant},
};

use farcall_testpg::{Cluster, Durability};

use super::{
    fault::Fault,
    life::{By, Death},
    points::{Hits, Passed, passed},
    random::Random,
    report::Report,
    rig::Rig,
};

/// What to do.
#[derive(Clone, Debug)]
pub struct Options {
    /// How many kills with a job running there must be.
    pub kills: u32,
    /// Where chance begins. It repeats what is asked for, not when the machine does it.
    pub seed: u64,
    /// How many data folders are worked on at the same time.
    pub rigs: usize,
    /// Where the jobs are.
    pub engine: Engine,
    /// The bug that the servers are to have.
    pub plant: Option<String>,
    /// Where data folders are made.
    pub scratch: PathBuf,
    /// The program with [`play`](super::play) in it.
    pub program: PathBuf,
}

impl Options {
    /// How often a process must end at each crash point.
    pub fn least(&self) -> u32 {
        match self.kills {
            0..100 => 0,
            100..1_000 => 1,
            _ => 5,
        }
    }
}

/// Where jobs are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Engine {
    /// In the data folder.
    Sqlite,
    /// On a server of its own, a database for each data folder.
    Postgres,
}

/// What the rigs have in common.
pub(crate) struct Shared {
    pub(crate) options: Options,
    pub(crate) hits: Mutex<Hits>,
    /// The server of the databases, where there is one.
    pub(crate) cluster: Option<Cluster>,
    report: Mutex<Report>,
}

/// Kills until it was often enough, or something was found.
///
/// # Panics
/// Where the harness itself cannot work.
pub fn run(options: Options) -> Report {
    let began = Instant::now();
    let mut random = Random::new(options.seed);
    let rigs = options.rigs;
    let shared = Arc::new(Shared::new(options, &mut random, Durability::None));
    thread::scope(|scope| {
        for _ in 0..rigs {
            let (shared, random) = (Arc::clone(&shared), random.split());
            scope.spawn(move || work(&shared, random));
        }
    });
    let mut report = shared.report.lock().unwrap().clone();
    let hits = shared.hits.lock().unwrap();
    report.missed = hits.missed(shared.options.least());
    report.hits = hits.hit();
    drop(hits);
    report.took = began.elapsed();
    report
}

/// One rig after the other, with a runtime of their own.
fn work(shared: &Arc<Shared>, mut random: Random) {
    let runtime = tokio::runtime::Builder::new_current_thread();
    let runtime = { runtime }.enable_all().build().unwrap();
    runtime.block_on(async {
        let http = reqwest::Client::builder().timeout(Duration::from_secs(10));
        let http = http.build().unwrap();
        while !shared.is_over() {
            let rig = Rig::new(Arc::clone(shared), http.clone(), random.split()).await;
            rig.run().await;
        }
    });
}

impl Shared {
    pub(crate) fn new(options: Options, random: &mut Random, durability: Durability) -> Self {
        let is_postgres = options.engine == Engine::Postgres;
        Self {
            hits: Mutex::new(Hits::new(random)),
            cluster: is_postgres.then(|| Cluster::start(durability)),
            report: Mutex::new(Report::new(&options)),
            options,
        }
    }

    /// Whether it was often enough, or something was found. Chance may pass a point by, so there are more
    /// kills than were asked for as long as one is missed, and twice as many at most.
    pub(crate) fn is_over(&self) -> bool {
        let (kills, has_found) = {
            let report = self.report.lock().unwrap();
            (report.kills(), !report.faults.is_empty())
        };
        let (enough, least) = (self.options.kills, self.options.least());
        has_found
            || kills >= 2 * enough
            || kills >= enough && self.hits.lock().unwrap().missed(least).is_empty()
    }

    /// A point that chance has passed by although there were enough kills; none of those that only a first start passes.
    pub(crate) fn overdue(&self) -> Option<&'static str> {
        if self.report.lock().unwrap().kills() < self.options.kills {
            return None;
        }
        let missed = self.hits.lock().unwrap().missed(self.options.least());
        let mut missed = missed.into_iter();
        missed.find(|point| passed(point) != Passed::OnFreshData)
    }

    pub(crate) fn count(&self, death: &Death) {
        let mut report = self.report.lock().unwrap();
        report.lives += 1;
        let kind = match (death.by, death.was_running) {
            (By::Stop, _) => &mut report.stops,
            (_, false) => &mut report.idle,
            (By::Point(_), true) => &mut report.at_points,
            (By::Random, true) => &mut report.at_random,
            (By::Instead, true) => &mut report.instead,
        };
        *kind += 1;
    }

    pub(crate) fn sum_up(&self, acked: usize, jobs: usize, repeated: usize, rescues: usize) {
        let mut report = self.report.lock().unwrap();
        report.folders += 1;
        report.acked += acked;
        report.jobs += jobs;
        report.repeated += repeated;
        report.rescues += rescues;
    }

    pub(crate) fn report(&self, faults: Vec<Fault>, life: u32, folder: &Path) {
        let mut report = self.report.lock().unwrap();
        for fault in &faults {
            report
                .where_found
                .push(format!("life {life} in {}: {fault}", folder.display()));
        }
        report.faults.extend(faults);
        report.kept.push(folder.to_owned());
    }
}

/// Where data folders are made unless somebody says otherwise: in memory where that is possible,
/// because SIGKILL takes nothing from a file that the system has.
pub fn scratch() -> PathBuf {
    let memory = PathBuf::from("/dev/shm");
    let is_usable = tempfile::TempDir::new_in(&memory).is_ok();
    if is_usable {
        memory
    } else {
        std::env::temp_dir()
    }
}
