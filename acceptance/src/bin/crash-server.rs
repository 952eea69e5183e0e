//! The server that the crash tests kill: one job, whose stages say when they begin and wait
//! in their middle where a test wants them to.

use std::{
    env,
    fs::{self, File, OpenOptions},
    io::Write,
    path::Path,
    time::Duration,
};

use farcall::{Expose, Job, RunnerOptions, prelude::*};
use farcall_acceptance::{
    fixture::{
        self, ABORTION, BRIEF, CHANGED, CHANGED_STAGES, FAILURE, GATES, LOG, ORIGINAL, OTHER,
        PROGRAM, STAGES, UNDIVIDED,
    },
    gate,
};

/// What is to be assembled.
#[data]
#[derive(Clone, Copy)]
struct Order {
    /// Where the numbers begin.
    #[default = 1]
    seed: u32,
    /// Whether the last stage gives up.
    #[default = false]
    fails: bool,
    /// Whether the first stage takes the whole server with it.
    #[default = false]
    aborts: bool,
}

/// What came of it.
#[data]
struct Report {
    /// How many numbers there are.
    count: usize,
}

/// Into the work folder, so that later stages need what earlier ones left on disk.
fn gather(ctx: &JobContext, order: Order) -> Result<Order, Problem> {
    begin(STAGES[0])?;
    if order.aborts {
        wait_at(ABORTION)?;
        std::process::abort();
    }
    let numbers = fixture::lines(&fixture::numbers(order.seed));
    let (first, rest) = numbers.split_at(numbers.len() / 2);
    let mut file = File::create(ctx.work_dir().join("numbers.txt"))?;
    file.write_all(first.as_bytes())?;
    wait_at(STAGES[0])?;
    file.write_all(rest.as_bytes())?;
    Ok(order)
}

fn write_notes(ctx: &JobContext, order: Order) -> Result<Order, Problem> {
    begin(STAGES[1])?;
    write_held(ctx, "numbers.txt", "notes.txt", STAGES[1])?;
    Ok(order)
}

fn sort(ctx: &JobContext, order: Order) -> Result<Order, Problem> {
    sort_as(STAGES[2], ctx, order)
}

fn put_in_order(ctx: &JobContext, order: Order) -> Result<Order, Problem> {
    sort_as(CHANGED_STAGES[2], ctx, order)
}

fn sort_as(stage: &str, ctx: &JobContext, order: Order) -> Result<Order, Problem> {
    begin(stage)?;
    let text = fs::read_to_string(ctx.work_dir().join("numbers.txt"))?;
    let numbers: Result<Vec<u32>, _> = text.lines().map(str::parse).collect();
    let mut numbers = numbers?;
    wait_at(stage)?;
    numbers.sort_unstable();
    fs::write(ctx.work_dir().join("sorted.txt"), fixture::lines(&numbers))?;
    Ok(order)
}

fn look_again(_: &JobContext, order: Order) -> Result<Order, Problem> {
    begin(CHANGED_STAGES[3])?;
    Ok(order)
}

fn write_report(ctx: &JobContext, order: Order) -> Result<Report, Problem> {
    begin(STAGES[3])?;
    let text = write_held(ctx, "sorted.txt", "report.txt", STAGES[3])?;
    if order.fails {
        return Err(Problem::user(FAILURE));
    }
    Ok(Report {
        count: text.lines().count(),
    })
}

/// Everything in one step, so that nothing is kept in between.
fn assemble_at_once(ctx: &JobContext, order: Order) -> Result<Report, Problem> {
    let order = gather(ctx, order)?;
    ctx.stage(STAGES[1])?;
    let order = write_notes(ctx, order)?;
    ctx.stage(STAGES[2])?;
    let order = sort(ctx, order)?;
    ctx.stage(STAGES[3])?;
    write_report(ctx, order)
}

/// Copies a work file into an artifact, with the gate between its halves.
fn write_held(ctx: &JobContext, from: &str, to: &str, stage: &str) -> Result<String, Problem> {
    let text = fs::read_to_string(ctx.work_dir().join(from))?;
    let (first, rest) = text.split_at(text.len() / 2);
    let mut sink = ctx.create_artifact(to)?;
    sink.write_all(first.as_bytes())?;
    wait_at(stage)?;
    sink.write_all(rest.as_bytes())?;
    sink.finish()?;
    Ok(text)
}

/// Writes down that `stage` has begun, where no crash can take it back.
fn begin(stage: &str) -> Result<(), Problem> {
    if let Some(log) = env::var_os(LOG) {
        let mut log = OpenOptions::new().append(true).create(true).open(log)?;
        log.write_all(format!("{stage}\n").as_bytes())?;
    }
    Ok(())
}

fn wait_at(stage: &str) -> Result<(), Problem> {
    if let Some(gates) = env::var_os(GATES) {
        gate::pass(Path::new(&gates), stage)?;
    }
    Ok(())
}

fn assemble(program: &str) -> Job {
    const NAME: &str = "assemble";
    const DESCRIPTION: &str = "Assemble a report from many numbers.";
    match program {
        CHANGED => Job::new(
            NAME,
            DESCRIPTION,
            Pipeline::new()
                .stage(CHANGED_STAGES[0], gather)
                .stage(CHANGED_STAGES[1], write_notes)
                .stage(CHANGED_STAGES[2], put_in_order)
                .stage(CHANGED_STAGES[3], look_again)
                .stage(CHANGED_STAGES[4], write_report),
        ),
        UNDIVIDED => Job::new(
            NAME,
            DESCRIPTION,
            Pipeline::new().stages_in_one(STAGES, assemble_at_once),
        ),
        _ => Job::new(
            if program == OTHER { "dismantle" } else { NAME },
            DESCRIPTION,
            Pipeline::new()
                .stage(STAGES[0], gather)
                .stage(STAGES[1], write_notes)
                .stage(STAGES[2], sort)
                .stage(STAGES[3], write_report),
        ),
    }
}

/// Say hello, without any job.
#[tool]
fn greet() -> String {
    "hello".to_owned()
}

fn main() -> farcall::Exit {
    let program = env::var(PROGRAM).unwrap_or_else(|_| ORIGINAL.to_owned());
    assert!(
        fixture::PROGRAMS.contains(&program.as_str()),
        "there is no program `{program}`"
    );
    let mut options = RunnerOptions::default();
    // Every way to wait for it is there.
    let mut job = assemble(&program).with(|options| {
        options.wait = true;
        options.expose = Expose::ContractAndTask;
    });
    if program == BRIEF {
        job = job.with(|options| options.keep_for = Duration::from_millis(1));
        options.prune = Duration::from_millis(100);
    }
    let app = App::new("crash-server")
        .tool::<greet>()
        .add_job(job)
        .runner(options);
    app.run()
}
