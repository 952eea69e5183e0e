//! One data folder and the lives of its servers, one after the other.

use std::{collections::BTreeSet, path::PathBuf, sync::Arc};

use tempfile::TempDir;

use super::{
    brew::{CHANGED, LIFE, LOG},
    caller::Books,
    check::{Look, Sightings},
    database::Database,
    fault::{Fault, Kind},
    life::End,
    log::Log,
    part::PART,
    random::Random,
    records::Records,
    rivalry::DATABASE,
    run::Shared,
};
use crate::{DataFolder, Launch};

/// How many lives a data folder has.
const LIVES: u32 = 60;

/// How many lives there are between two looks.
const LOOK_EVERY: u32 = 10;

/// A data folder with all that is known about it.
pub(crate) struct Rig {
    pub(crate) shared: Arc<Shared>,
    pub(crate) http: reqwest::Client,
    pub(crate) folder: TempDir,
    /// Where it is one of PostgreSQL.
    pub(crate) database: Option<Database>,
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
            Some(cluster) => Some(Database::create(cluster).await),
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
                self.let_files_age();
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
            if let Some(database) = self.database.as_ref().filter(|_| self.has_data()) {
                database.tell(self.folder.path()).await;
            }
            let life = self.life;
            let kept = self.folder.keep();
            self.shared.report(faults, life, &kept);
        } else if let (Some(database), Some(cluster)) = (self.database, &self.shared.cluster) {
            database.drop(cluster).await;
        }
    }

    /// The next life begins.
    pub(crate) fn begin_life(&mut self) {
        self.life += 1;
        self.books.open().life = self.life;
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
        if let Some(database) = &self.database {
            launch = launch.env(DATABASE, &database.url);
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
            Some(database) => Records::Postgres(database.url.clone()),
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
}
