//! The work that the harness kills: four stages, two files, and a log outside of the data folder
//! of what ran, where no crash can take it back.

use std::{
    env,
    fs::{self, OpenOptions},
    io::Write,
    path::{Path, PathBuf},
    process,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use farcall::{Artifact, Expose, Job, JobContext, Pipeline, Problem, Question, data};
use farcall_core::clock::{Clock, SystemClock};
use serde_json::json;
use tokio::runtime::Handle;

use super::rivalry::Rivalry;
use crate::gate;

/// The variable that names the file in which stages write down what they do.
pub(crate) const LOG: &str = "KILLS_LOG";

/// The variable with the number of the life.
pub(crate) const LIFE: &str = "KILLS_LIFE";

/// The variable that is set where the program is the changed one.
pub(crate) const CHANGED: &str = "KILLS_CHANGED";

/// The job that most callers start; an error of its own is tried again once.
pub(crate) const BREW: &str = "brew";

/// The same before all others, without another try: what a life wants to see running.
pub(crate) const HOLD: &str = "hold";

/// The same, gone as soon as it is over.
pub(crate) const SIP: &str = "sip";

/// What a [`BREW`] asks its caller, where it was told to.
pub(crate) const QUESTION: &str = "sugar";

/// How long that is kept.
const KEEP: Duration = Duration::from_millis(1);

/// How many stages there are.
pub(crate) const STAGES: u32 = 4;

/// The files, with the stage that writes each.
pub(crate) const FILES: [(&str, u32); 2] = [("beans.bin", 2), ("cup.bin", 4)];

/// The sentence with which a job fails that was asked to.
pub(crate) const FAILURE: &str = "this order asked to fail";

/// The name of the worker of a server, and of the one that is declared lost where there are two.
pub(crate) const FIRST: &str = "first";

/// What is to be brewed.
#[data]
#[derive(Clone, Copy, Debug)]
pub(crate) struct Order {
    /// Which one it is; the harness never uses a number twice.
    pub(crate) number: u32,
    /// How large its files are, in bytes.
    pub(crate) size: u32,
    /// How many tries end with an error.
    #[default = 0]
    pub(crate) failures: u32,
    /// The life in which its second stage waits to be told to stop; 0 for none.
    #[default = 0]
    pub(crate) waits_in: u32,
    /// The life in which its first worker goes on only when another one has the job; 0 for none.
    #[default = 0]
    pub(crate) stalls_in: u32,
    /// Whether it stalls after the file of its second stage is written, not before.
    #[default = false]
    pub(crate) stalls_late: bool,
    /// The stage that waits at the gate [`pause`], where that is closed; 0 for none.
    #[default = 0]
    pub(crate) pauses_at: u32,
    /// Whether its third stage asks the caller, who started it as a task.
    #[default = false]
    pub(crate) asks: bool,
}

/// What passes from stage to stage: the runs of stages that led here.
#[data]
pub(crate) struct Batch {
    /// What was asked for.
    order: Order,
    /// The run of each stage so far.
    runs: Vec<String>,
}

/// What came of it.
#[data]
pub(crate) struct Cup {
    /// The run of each stage.
    pub(crate) runs: Vec<String>,
}

/// Where stages run: a worker in a life.
#[derive(Clone)]
pub(crate) struct Kitchen(Arc<Inner>);

struct Inner {
    worker: String,
    life: u32,
    is_changed: bool,
    log: PathBuf,
    rivalry: Option<Rivalry>,
}

impl Kitchen {
    /// That of this process, as its environment says.
    ///
    /// # Panics
    /// Where that says nothing.
    pub(crate) fn of_this_process(worker: &str, rivalry: Option<Rivalry>) -> Self {
        Self(Arc::new(Inner {
            worker: worker.to_owned(),
            life: env::var(LIFE).unwrap().parse().unwrap(),
            is_changed: env::var_os(CHANGED).is_some(),
            log: env::var_os(LOG).unwrap().into(),
            rivalry,
        }))
    }

    /// All jobs.
    pub(crate) fn jobs(&self) -> [Job; 3] {
        let brew = self.job(BREW).with(|options| {
            options.retries = 1;
            options.retry_delay = Duration::from_millis(20);
            options.expose = Expose::ContractAndTask;
        });
        let hold = self.job(HOLD).with(|options| options.priority = 10);
        let sip = self.job(SIP);
        [brew, hold, sip.with(|options| options.keep_for = KEEP)]
    }

    fn job(&self, name: &str) -> Job {
        let stage = |number: u32| {
            let kitchen = self.clone();
            move |ctx: &JobContext, batch| kitchen.run(number, ctx, batch)
        };
        let (begin, end) = (self.clone(), self.clone());
        let third = if self.0.is_changed {
            "filtering"
        } else {
            "pouring"
        };
        let pipeline = Pipeline::new()
            .stage("grinding", move |ctx: &JobContext, order: Order| {
                let runs = Vec::new();
                begin.run(1, ctx, Batch { order, runs })
            })
            .stage("boiling", stage(2))
            .stage(third, stage(3))
            .stage("serving", move |ctx: &JobContext, batch| {
                let runs = end.run(STAGES, ctx, batch)?.runs;
                Ok(Cup { runs })
            });
        Job::new(name, "Brew something.", pipeline)
    }

    fn run(&self, stage: u32, ctx: &JobContext, mut batch: Batch) -> Result<Batch, Problem> {
        let run = self.begin(stage, ctx)?;
        if batch.order.pauses_at == stage {
            gate::pass(self.folder(), &pause(batch.order.number))?;
            ctx.progress(0.5);
        }
        let (order, water) = (batch.order, ctx.work_dir().join("water.txt"));
        match stage {
            1 => fs::write(water, order.number.to_string())?,
            2 => self.boil(&run, ctx, order)?,
            3 if fs::read_to_string(water)? != order.number.to_string() => {
                return Err(Problem::user("the work folder is not this job's"));
            }
            3 => self.ask(ctx, order)?,
            _ => {
                self.write(&run, ctx, FILES[1].0, order)?;
                // A number of tries, not of attempts: those that lost their worker are none.
                let tries = 2 - ctx.tries_left();
                if order.failures >= tries {
                    return Err(Problem::user(FAILURE));
                }
            }
        }
        batch.runs.push(run);
        Ok(batch)
    }

    fn boil(&self, run: &str, ctx: &JobContext, order: Order) -> Result<(), Problem> {
        if order.waits_in == self.0.life {
            Handle::current().block_on(ctx.cancellation().cancelled());
            ctx.check()?;
        }
        let stalls = order.stalls_in == self.0.life && self.0.worker == FIRST;
        let stall = || {
            if let Some(rivalry) = self.0.rivalry.as_ref().filter(|_| stalls) {
                rivalry.stall(&ctx.job_id().to_string());
            }
        };
        if !order.stalls_late {
            stall();
        }
        self.write(run, ctx, FILES[0].0, order)?;
        if order.stalls_late {
            stall();
        }
        Ok(())
    }

    /// Asks what was told to be asked; nobody answers where there are two workers.
    fn ask(&self, ctx: &JobContext, order: Order) -> Result<(), Problem> {
        if !order.asks || self.0.rivalry.is_some() {
            return Ok(());
        }
        let question = Question::form("How much?").field("lumps", json!({"type": "integer"}));
        let answer = ctx.ask(QUESTION, question)?;
        let lumps = &answer.as_value()["content"]["lumps"];
        self.note(&format!("told {} {lumps}", ctx.job_id()))
    }

    /// Writes down that a stage has begun, and returns what this run of it is called.
    fn begin(&self, stage: u32, ctx: &JobContext) -> Result<String, Problem> {
        static RUNS: AtomicU32 = AtomicU32::new(0);
        let Inner { life, worker, .. } = &*self.0;
        let run = format!("{life}.{worker}.{}", RUNS.fetch_add(1, Ordering::Relaxed));
        let (job, process) = (ctx.job_id(), process::id());
        let (attempt, losses) = (ctx.attempt(), ctx.losses());
        let now = SystemClock.now().0;
        self.note(&format!(
            "began {run} {job} {stage} {life} {worker} {process} {attempt} {losses} {now}"
        ))?;
        if let Some(rivalry) = &self.0.rivalry
            && worker != FIRST
        {
            rivalry.begun(&job.to_string());
        }
        Ok(run)
    }

    /// Where the log is.
    fn folder(&self) -> &Path {
        self.0.log.parent().unwrap_or(Path::new("."))
    }

    fn write(&self, run: &str, ctx: &JobContext, name: &str, order: Order) -> Result<(), Problem> {
        let Artifact { location, .. } = ctx.write_artifact(name, &content(run, order.size))?;
        let file = location.rsplit('/').next().unwrap_or_default();
        let epoch = file.split('-').next().unwrap_or_default();
        self.note(&format!("wrote {run} {} {epoch}", ctx.job_id()))
    }

    /// Adds a line to the log, in one write: a kill leaves all of it or nothing.
    pub(crate) fn note(&self, line: &str) -> Result<(), Problem> {
        let mut log = OpenOptions::new()
            .append(true)
            .create(true)
            .open(&self.0.log)?;
        Ok(log.write_all(format!("{line}\n").as_bytes())?)
    }
}

/// The name of the gate, beside the log, at which the order `number` pauses.
pub(crate) fn pause(number: u32) -> String {
    format!("order-{number}")
}

/// What `run` writes into its file of `size` bytes: nobody else writes the same.
pub(crate) fn content(run: &str, size: u32) -> Vec<u8> {
    let line = format!("{run}\n").into_bytes();
    line.into_iter().cycle().take(size as usize).collect()
}
