//! The log outside of the data folder, as the harness reads it.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs::File,
    io::{Read, Seek, SeekFrom},
    path::PathBuf,
};

use super::rivalry::RESCUED;

/// One run of one stage.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Run {
    /// What it calls itself.
    pub(crate) name: String,
    /// Which stage.
    pub(crate) stage: u32,
    /// Under which claim.
    pub(crate) claim: ClaimOf,
    /// The epoch of that claim, where it came to write a file.
    pub(crate) epoch: Option<i64>,
}

/// Whose claim it was, and which one as the job's code sees it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct ClaimOf {
    pub(crate) life: u32,
    pub(crate) worker: String,
    pub(crate) process: u32,
    pub(crate) attempt: u32,
    pub(crate) losses: u32,
}

/// All that was read so far; it only grows.
#[derive(Debug)]
pub(crate) struct Log {
    path: PathBuf,
    read: u64,
    /// The runs of each job, in the order in which they began.
    pub(crate) runs: BTreeMap<String, Vec<Run>>,
    /// What each job was told when it asked, in whatever attempt.
    pub(crate) told: BTreeMap<String, BTreeSet<u32>>,
    /// Ids with the numbers of orders, from processes that take in jobs themselves.
    pub(crate) acked: Vec<(String, u32)>,
    /// How many lines there are.
    pub(crate) lines: usize,
    /// How many stages have begun.
    pub(crate) begun: usize,
    /// How often a second worker got the jobs of the first.
    pub(crate) rescues: usize,
    /// The time of day that the last stage of each life saw when it began, in milliseconds.
    pub(crate) clocks: BTreeMap<u32, i64>,
}

impl Log {
    pub(crate) fn new(path: PathBuf) -> Self {
        Self {
            path,
            read: 0,
            runs: BTreeMap::new(),
            told: BTreeMap::new(),
            acked: Vec::new(),
            lines: 0,
            begun: 0,
            rescues: 0,
            clocks: BTreeMap::new(),
        }
    }

    /// Reads what is new.
    pub(crate) fn catch_up(&mut self) {
        let Ok(mut file) = File::open(&self.path) else {
            return;
        };
        let mut text = String::new();
        file.seek(SeekFrom::Start(self.read)).unwrap();
        file.read_to_string(&mut text).unwrap();
        // A line that is still being written is read next time.
        let whole = text.rfind('\n').map_or(0, |end| end + 1);
        self.read += whole as u64;
        for line in text[..whole].lines() {
            self.lines += 1;
            self.take(line)
                .unwrap_or_else(|| panic!("the log says `{line}`"));
        }
    }

    fn take(&mut self, text: &str) -> Option<()> {
        let words: Vec<_> = text.split(' ').collect();
        match words.as_slice() {
            [
                "began",
                name,
                job,
                stage,
                life,
                worker,
                process,
                attempt,
                losses,
                now,
            ] => {
                let life = life.parse().ok()?;
                self.clocks.insert(life, now.parse().ok()?);
                let claim = ClaimOf {
                    life,
                    worker: (*worker).to_owned(),
                    process: process.parse().ok()?,
                    attempt: attempt.parse().ok()?,
                    losses: losses.parse().ok()?,
                };
                self.begun += 1;
                self.runs.entry((*job).to_owned()).or_default().push(Run {
                    name: (*name).to_owned(),
                    stage: stage.parse().ok()?,
                    claim,
                    epoch: None,
                });
            }
            ["wrote", name, job, epoch] => {
                let runs = self.runs.get_mut(*job)?;
                let run = runs.iter_mut().find(|run| run.name == *name)?;
                run.epoch = Some(epoch.parse().ok()?);
            }
            ["told", job, answer] => {
                let told = self.told.entry((*job).to_owned()).or_default();
                told.insert(answer.parse().ok()?);
            }
            ["acked", id, number] => self.acked.push(((*id).to_owned(), number.parse().ok()?)),
            [RESCUED] => self.rescues += 1,
            _ => return None,
        }
        Some(())
    }

    /// Whether `stage` of `job` has begun in the life `life`.
    pub(crate) fn has_begun(&self, job: &str, stage: u32, life: u32) -> bool {
        let is_it = |run: &Run| run.stage == stage && run.claim.life == life;
        self.runs
            .get(job)
            .is_some_and(|runs| runs.iter().any(is_it))
    }

    /// How often a stage began that had begun before.
    pub(crate) fn repeated(&self) -> usize {
        let again = |runs: &Vec<Run>| {
            let first = |at: usize| runs[..at].iter().all(|run| run.stage != runs[at].stage);
            (0..runs.len()).filter(|at| !first(*at)).count()
        };
        self.runs.values().map(again).sum()
    }
}
