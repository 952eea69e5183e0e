//! The work of the tests with several machines. What runs is written down outside of every data
//! folder, where no crash can take it back.

use std::{
    collections::BTreeMap,
    env,
    fs::{self, OpenOptions},
    io::Write,
    path::Path,
    process,
    time::Duration,
};

use farcall::{
    App, CallContext, Expose, Job, JobContext, Pipeline, Problem, Question, RunnerOptions, data,
    json, tool,
};

/// The variable that names the file in which stages write down that they begin.
pub const LOG: &str = "BAKERY_LOG";

/// The variable with what this program offers, separated by commas; all jobs where it is not set.
pub const OFFERS: &str = "BAKERY_OFFERS";

/// The variable with the lease of workers, in milliseconds.
pub const LEASE: &str = "BAKERY_LEASE_MS";

/// The variable that says how long a cake is kept, in milliseconds.
pub const KEEP: &str = "BAKERY_KEEP_MS";

/// How often such workers look for jobs whose worker is lost.
pub const SWEEP: Duration = Duration::from_millis(500);

/// How often they ask for work that nobody announced.
pub const POLL: Duration = Duration::from_millis(250);

/// How often they delete what has expired.
pub const PRUNE: Duration = Duration::from_millis(300);

/// The stages of a cake.
pub const STAGES: [&str; 3] = ["mixing", "baking", "packing"];

/// The files of a cake.
pub const FILES: [&str; 2] = ["cake.bin", "label.txt"];

/// A cake that is ordered.
#[data]
#[derive(Clone, Copy, Debug)]
pub struct Order {
    /// Which one; no two orders of a test have the same number.
    pub number: u32,
    /// How large it is, in bytes.
    #[default = 1000]
    pub size: u32,
    /// How long each stage takes, in milliseconds.
    #[default = 0]
    pub takes_ms: u32,
    /// Whether later stages need what earlier ones left in the work folder.
    #[default = false]
    pub keeps: bool,
    /// Whether its second stage waits to be told to stop, until the job has lost a worker.
    #[default = false]
    pub waits: bool,
}

/// A cake that is done.
#[data]
#[derive(Clone, Copy, Debug)]
pub struct Cake {
    /// Which one.
    pub number: u32,
}

/// One line of the log: a stage that has begun.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Run {
    /// The job.
    pub job: String,
    /// Which of its stages, from 0 on.
    pub stage: usize,
    /// The process in which it ran.
    pub process: u32,
}

/// The program that all machines of a test run.
pub fn app() -> App {
    let lease = span(LEASE).unwrap_or(RunnerOptions::default().lease);
    let options = RunnerOptions {
        lease,
        beat: lease / 15,
        poll: POLL,
        sweep: SWEEP,
        prune: PRUNE,
        patience: Duration::from_secs(2),
        ..RunnerOptions::default()
    };
    let mut app = App::new("bakery").runner(options).tool::<decide>();
    let offers = env::var(OFFERS).unwrap_or_else(|_| "bake,chat,flambe".to_owned());
    let oven = crate::oven::jobs();
    for job in [bake(), chat(), flambe()].into_iter().chain(oven) {
        if offers.split(',').any(|offer| offer == job.name) {
            app = app.add_job(job);
        }
    }
    app
}

fn bake() -> Job {
    let pipeline = Pipeline::new()
        .stage_async(STAGES[0], mix)
        .stage_async(STAGES[1], heat)
        .stage_async(STAGES[2], pack);
    Job::new("bake", "Bake a cake.", pipeline).with(|options| {
        options.wait = true;
        options.keep_for = span(KEEP).unwrap_or(options.keep_for);
    })
}

/// The time that a variable says, in milliseconds.
fn span(variable: &str) -> Option<Duration> {
    let milliseconds = env::var(variable).ok()?.parse().ok()?;
    Some(Duration::from_millis(milliseconds))
}

async fn mix(ctx: JobContext, order: Order) -> Result<Order, Problem> {
    begin(&ctx, 0)?;
    if order.keeps {
        fs::write(ctx.work_dir().join("batter"), order.number.to_string())?;
    }
    take_time(order).await;
    Ok(order)
}

async fn heat(ctx: JobContext, order: Order) -> Result<Order, Problem> {
    begin(&ctx, 1)?;
    if order.waits && ctx.losses() == 0 {
        ctx.cancellation().cancelled().await;
        ctx.check()?;
    }
    look_at_batter(&ctx, order)?;
    take_time(order).await;
    ctx.write_artifact(FILES[0], &cake(order.number, order.size))?;
    Ok(order)
}

async fn pack(ctx: JobContext, order: Order) -> Result<Cake, Problem> {
    begin(&ctx, 2)?;
    look_at_batter(&ctx, order)?;
    take_time(order).await;
    let Order { number, .. } = order;
    ctx.write_artifact(FILES[1], label(number).as_bytes())?;
    Ok(Cake { number })
}

fn look_at_batter(ctx: &JobContext, order: Order) -> Result<(), Problem> {
    if order.keeps {
        let batter = fs::read_to_string(ctx.work_dir().join("batter"))?;
        if batter != order.number.to_string() {
            return Err(Problem::user("this is the batter of another cake"));
        }
    }
    Ok(())
}

async fn take_time(order: Order) {
    tokio::time::sleep(Duration::from_millis(order.takes_ms.into())).await;
}

/// What the cake `number` is made of.
pub fn cake(number: u32, size: u32) -> Vec<u8> {
    let crumb = format!("{number} ").into_bytes();
    crumb.into_iter().cycle().take(size as usize).collect()
}

/// What is written on the box of the cake `number`.
pub fn label(number: u32) -> String {
    format!("Cake number {number}.\n")
}

/// A job that asks its caller before it does anything.
fn chat() -> Job {
    let pipeline = Pipeline::new().stage("asking", |ctx: &JobContext, order: Order| {
        begin(ctx, 0)?;
        let answer = ctx.ask("sure", question())?;
        Ok(json!({"number": order.number, "is_sure": answer.is_accepted()}))
    });
    Job::new("chat", "Ask about a cake.", pipeline)
        .with(|options| options.expose = Expose::ContractAndTask)
}

/// A job that not every machine can run.
fn flambe() -> Job {
    let pipeline = Pipeline::new().stage("burning", |ctx: &JobContext, order: Order| {
        begin(ctx, 0)?;
        Ok(Cake {
            number: order.number,
        })
    });
    Job::new("flambe", "Set a cake on fire.", pipeline)
        .with(|options| options.slots = BTreeMap::from([("fire".to_owned(), 1)]))
}

/// Ask whether there should be cake.
#[tool]
async fn decide(ctx: CallContext) -> Result<String, Problem> {
    let answer = ctx.ask("sure", question()).await?;
    let word = if answer.is_accepted() {
        "cake"
    } else {
        "no cake"
    };
    Ok(word.to_owned())
}

fn question() -> Question {
    Question::form("Cake?").field("sure", json!({"type": "boolean", "description": "Yes."}))
}

/// Writes down that a stage has begun, in one write: a kill leaves all of it or nothing.
fn begin(ctx: &JobContext, stage: usize) -> Result<(), Problem> {
    if let Some(log) = env::var_os(LOG) {
        let line = format!("{} {stage} {}\n", ctx.job_id(), process::id());
        let mut log = OpenOptions::new().append(true).create(true).open(log)?;
        log.write_all(line.as_bytes())?;
    }
    Ok(())
}

/// What is written in the log at `path`.
pub fn runs(path: &Path) -> Vec<Run> {
    let text = fs::read_to_string(path).unwrap_or_default();
    let read = |line: &str| {
        let mut words = line.split(' ');
        Some(Run {
            job: words.next()?.to_owned(),
            stage: words.next()?.parse().ok()?,
            process: words.next()?.parse().ok()?,
        })
    };
    text.lines().map(|line| read(line).unwrap()).collect()
}
