//! One data folder and the lives of its servers, one after the other.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::{Duration, Instant},
};

use farcall_testpg::Cluster;
use sqlx::{AssertSqlSafe, Connection, PgConnection};
use tempfile::TempDir;

use super::{
    brew::{CHANGED, LIFE, LOG},
    caller::{Books, send_again},
    check::{Look, Sightings},
    fault::{Fault, Kind},
    life::End,
    log::Log,
    part::PART,
    random::Random,
    records::Records,
    rivalry::DATABASE,
    run::Shared,
};
use crate::{DataFolder, Launch, McpClient, wait::until_within};

/// How many lives a data folder has.
const LIVES: u32 = 60;

/// How many lives there are between two looks.
const LOOK_EVERY: u32 = 10;

/// How long nothing may happen while there are jobs to run and nobody kills any more.
const TO_THE_END: Duration = Duration::from_secs(20);

/// A data folder with all that is known about it.
pub(crate) struct Rig {
    pub(crate) shared: Arc<Shared>,
    pub(crate) http: reqwest::Client,
    pub(crate) folder: TempDir,
    /// The address of its database where it is one of PostgreSQL.
    database: Option<String>,
    pub(crate) random: Random,
    pub(crate) books: Books,
    pub(crate) log: Log,
    /// The number of the present life.
    pub(crate) life: u32,
    /// Whether the present life has the changed program.
    pub(crate) is_changed: bool,
    /// The lives that were asked to stop.
    pub(crate) stopped: BTreeSet<u32>,
    /// The processes whose workers may still have jobs: that of the last life, and those before it
    /// from which it may not have taken over.
    pub(crate) processes: Vec<u32>,
    /// How many jobs waited when the last life was over.
    pub(crate) waiting: u32,
    sightings: Sightings,
}

impl Rig {
    pub(crate) async fn new(shared: Arc<Shared>, http: reqwest::Client, random: Random) -> Self {
        let folder = TempDir::new_in(&shared.options.scratch).unwrap();
        let database = match &shared.cluster {
            Some(cluster) => Some(new_database(cluster).await),
            None => None,
        };
        Self {
            database,
            log: Log::new(folder.path().join("log")),
            shared,
            http,
            folder,
            random,
            books: Books::default(),
            life: 0,
            is_changed: false,
            stopped: BTreeSet::new(),
            processes: Vec::new(),
            waiting: 0,
            sightings: Sightings::default(),
        }
    }

    /// Lives until there were enough kills or lives, then brings everything to its end. Where
    /// something is wrong, the folder stays for whoever wants to know why.
    pub(crate) async fn run(mut self) {
        let mut faults = Vec::new();
        while faults.is_empty() && self.life < LIVES && !self.shared.is_over() {
            let end = End::choose(&mut self);
            match self.live(end).await {
                Ok(death) => self.shared.count(&death),
                Err(fault) => faults.push(fault),
            }
            if self.life.is_multiple_of(LOOK_EVERY) && faults.is_empty() {
                faults = self.look().await;
            }
        }
        if faults.is_empty() {
            faults = self.finish().await.err().unwrap_or_default();
        }
        let (acked, jobs) = (
            self.books.open().acknowledged().count(),
            self.log.runs.len(),
        );
        self.shared
            .sum_up(acked, jobs, self.log.repeated(), self.log.rescues);
        if !faults.is_empty() {
            let life = self.life;
            let kept = self.folder.keep();
            self.shared.report(faults, life, &kept);
        }
    }

    /// A process on this folder that is to play `part`.
    pub(crate) fn launch(&self, part: &str) -> Launch {
        let path = self.folder.path();
        let options = &self.shared.options;
        let mut launch = Launch::of(&options.program, path)
            .env(PART, part)
            .env(LOG, path.join("log"))
            .env(LIFE, self.life.to_string())
            .env("FARCALL_CONCURRENCY", "3")
            .env("FARCALL_DRAIN", "0s")
            .env("FARCALL_LOG", "warn");
        if let Some(url) = &self.database {
            launch = launch.env(DATABASE, url);
        }
        if self.is_changed {
            launch = launch.env(CHANGED, "1");
        }
        if let Some(plant) = &options.plant {
            launch = launch.env("FARCALL_PLANT", plant);
        }
        launch
    }

    /// The file from whose existence on crash points count.
    pub(crate) fn armed(&self) -> PathBuf {
        self.folder.path().join("armed")
    }

    pub(crate) fn records(&self) -> Records {
        match &self.database {
            Some(url) => Records::Postgres(url.clone()),
            None => Records::Sqlite(DataFolder::new(self.data_path())),
        }
    }

    pub(crate) fn data_path(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// Whether there is a database with jobs in it.
    pub(crate) fn has_data(&self) -> bool {
        // It is there before its tables are.
        self.log.begun > 0
    }

    /// Reads what processes have written, and writes into the books what they took in themselves.
    pub(crate) fn catch_up(&mut self) {
        self.log.catch_up();
        for (id, number) in self.log.acked.drain(..) {
            self.books.open().acknowledge(number, &id);
        }
    }

    /// Everything that is wrong while nobody works here.
    pub(crate) async fn look(&mut self) -> Vec<Fault> {
        if !self.has_data() {
            return Vec::new();
        }
        self.catch_up();
        let data = self.records();
        let records = data.jobs().await;
        let published = data.published().await;
        let soundness = data.soundness().await;
        let look = Look {
            records: &records,
            published: &published,
            log: &self.log,
            ledger: &self.books.open(),
            artifacts: &self.data_path().join("artifacts"),
            stopped: &self.stopped,
            processes: &self.processes,
        };
        let mut faults = look.faults(&mut self.sightings);
        if soundness != "ok" {
            faults.push(Fault::new(
                Kind::Torn,
                format!("the database says: {soundness}"),
            ));
        }
        faults
    }

    /// Lets a server bring every job to its end, and sees that nothing is left that nobody needs.
    async fn finish(&mut self) -> Result<(), Vec<Fault>> {
        let one = |kind, what: String| vec![Fault::new(kind, what)];
        let broken = |what: String| one(Kind::Broken, what);
        let _ = fs::remove_file(self.armed());
        // The second start removes what the first has left of jobs that failed.
        for _ in 0..2 {
            self.life += 1;
            let mut server = match self.launch("server").start_unless_killed().await {
                Ok(server) => server,
                Err(fallen) => return Err(broken(format!("{fallen:?}"))),
            };
            self.processes = vec![server.process_id()];
            let client = McpClient::sharing(self.http.clone(), server.url());
            if send_again(&client, &self.books, None).await.is_err() {
                return Err(broken(
                    "a server that nobody kills does not answer".to_owned(),
                ));
            }
            let data = self.records();
            let mut moved = (Instant::now(), self.log.lines, 0);
            let began = moved.0;
            let is_over = until_within(10 * TO_THE_END, "the ends of all jobs", async || {
                self.log.catch_up();
                let tally = data.tally().await;
                let open = tally.running + tally.waiting;
                // A slow machine is no fault, as long as something happens there.
                if (moved.1, moved.2) != (self.log.lines, open) {
                    moved = (Instant::now(), self.log.lines, open);
                }
                let is_stuck = moved.0.elapsed() > TO_THE_END || began.elapsed() > 9 * TO_THE_END;
                (open == 0 || is_stuck).then_some(open == 0)
            });
            if !is_over.await {
                let all = data.jobs().await;
                let left: Vec<_> = all.iter().filter(|job| !job.is_over()).collect();
                return Err(one(Kind::Stuck, format!("{left:?}")));
            }
            server.terminate();
            let status = server.into_process().wait().await;
            if !status.success() {
                return Err(broken(format!("a server stopped with {status}")));
            }
        }
        let faults = self.look().await;
        if !faults.is_empty() {
            return Err(faults);
        }
        let strays = strays(&self.data_path(), &self.published().await);
        if strays.is_empty() {
            return Ok(());
        }
        Err(one(
            Kind::Torn,
            format!("nobody needs these files: {strays:?}"),
        ))
    }

    async fn published(&self) -> BTreeSet<PathBuf> {
        let published = self.records().published().await;
        let files = published.into_values().flatten();
        let artifacts = self.data_path().join("artifacts");
        files.map(|file| artifacts.join(file.location)).collect()
    }
}

/// A database that nobody has used, with its address.
async fn new_database(cluster: &Cluster) -> String {
    static DATABASES: AtomicU32 = AtomicU32::new(0);
    let name = format!("kills_{}", DATABASES.fetch_add(1, Ordering::Relaxed));
    let mut server = PgConnection::connect(&cluster.url("postgres"))
        .await
        .unwrap();
    // The template lets nobody else in while it is copied.
    let create = AssertSqlSafe(format!("CREATE DATABASE {name} TEMPLATE template0"));
    sqlx::query(create).execute(&mut server).await.unwrap();
    cluster.url(&name)
}

/// What is in the folder beside the database and `published`; an empty folder below the first
/// level is a stray as well.
fn strays(data: &Path, published: &BTreeSet<PathBuf>) -> Vec<PathBuf> {
    let mut strays = Vec::new();
    let mut open = vec![data.join("artifacts"), data.join("work")];
    while let Some(folder) = open.pop() {
        let Ok(entries) = fs::read_dir(&folder) else {
            continue;
        };
        let paths: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
        if paths.is_empty() && folder.parent() != Some(data) {
            strays.push(folder);
        }
        for path in paths {
            if path.is_dir() {
                open.push(path);
            } else if !published.contains(&path) {
                strays.push(path);
            }
        }
    }
    strays
}
