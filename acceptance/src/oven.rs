//! Jobs whose stages run in processes of their own, and what can become of one.

use std::{
    env,
    fs::{self, OpenOptions},
    hint::black_box,
    io::Write,
    process,
};

use farcall::{Expose, Isolation, Job, JobContext, Pipeline, Problem, Question, data, json};

/// The variable that names the file in which each stage writes its name and its process.
pub const HEAT_LOG: &str = "OVEN_LOG";

/// The key of the question that a stage asks.
pub const SAUCE: &str = "sauce";

/// The variable in which a program finds its place in a trace.
pub const PLACE: &str = "TRACEPARENT";

/// How much memory a stage of `melt` may have.
const MEMORY: u64 = 1 << 30;

/// What goes into the oven.
#[data]
#[derive(Clone, Debug)]
pub struct Dish {
    /// What becomes of it in its second stage: `abort`, `ask`, `done`, `exit`, `fail`, `kill`, `melt`, `panic`,
    /// `refuse`, `spin` or `wait`.
    pub fate: String,
}

/// A dish that is done.
#[data]
#[derive(Clone, Debug)]
pub struct Served {
    /// The process that was its first stage.
    pub heated_by: u32,
    /// The process that was its second one.
    pub roasted_by: u32,
    /// What its caller wants with it, where that was asked.
    pub sauce: Option<String>,
    /// Where its second stage stood in a trace, as it was told.
    pub told: Option<String>,
    /// The same, as its environment says it.
    pub inherited: Option<String>,
}

/// A dish between its stages.
#[data]
#[derive(Clone, Debug)]
struct Heated {
    fate: String,
    by: u32,
    tries: u32,
}

/// The jobs.
pub fn jobs() -> [Job; 2] {
    let roast = Job::new("roast", "Roast a dish.", pipeline()).with(|options| {
        options.isolation = Isolation::Process;
        options.log = true;
        options.expose = Expose::ContractAndTask;
    });
    let melt = Job::new("melt", "Roast a dish in a small oven.", pipeline()).with(|options| {
        options.isolation = Isolation::Process;
        options.memory = Some(MEMORY);
    });
    [roast, melt]
}

fn pipeline() -> Pipeline<Dish, Served> {
    Pipeline::new()
        .stage("heating", heat)
        .stages_in_one(["roasting", "resting"], roast)
}

fn heat(_: &JobContext, dish: Dish) -> Result<Heated, Problem> {
    note("heating")?;
    Ok(Heated {
        fate: dish.fate,
        by: process::id(),
        tries: 0,
    })
}

#[expect(
    clippy::disallowed_methods,
    clippy::needless_pass_by_value,
    clippy::print_stdout,
    reason = "a stage takes its value, and this one does what stages should not"
)]
fn roast(ctx: &JobContext, dish: Heated) -> Result<Served, Problem> {
    note(&format!("roasting {}", dish.tries))?;
    // Whoever runs this again goes on from here.
    ctx.checkpoint(&Heated {
        tries: dish.tries + 1,
        ..dish.clone()
    })?;
    ctx.progress(0.5);
    let mut sauce = None;
    match dish.fate.as_str() {
        "abort" => process::abort(),
        "ask" => sauce = ask(ctx)?,
        "exit" => process::exit(3),
        "fail" => drop(fs::read("/nowhere/secret-recipe")?),
        "melt" => melt(),
        "panic" => panic!("the secret recipe is wrong"),
        "refuse" => return Err(Problem::user("nobody eats that").hint("order something else")),
        "spin" => loop {
            black_box(());
        },
        "wait" if dish.tries == 0 => loop {
            std::thread::park();
        },
        _ => {}
    }
    println!("it smells good");
    ctx.log("it is nearly done");
    ctx.stage("resting")?;
    ctx.message("cooling down");
    ctx.write_artifact("dish.txt", b"a dish\n")?;
    Ok(Served {
        heated_by: dish.by,
        roasted_by: process::id(),
        sauce,
        told: ctx.trace().map(|place| place.to_string()),
        inherited: env::var(PLACE).ok(),
    })
}

/// Asks the caller what else there should be.
fn ask(ctx: &JobContext) -> Result<Option<String>, Problem> {
    let question = Question::form("Which sauce?").field(SAUCE, json!({"type": "string"}));
    let answer = ctx.ask(SAUCE, question)?;
    let wanted = answer.as_value()["content"][SAUCE].as_str();
    Ok(wanted.map(str::to_owned))
}

/// Takes all the memory there is.
fn melt() {
    let mut taken = Vec::new();
    loop {
        taken.push(black_box(vec![1_u8; 16 << 20]));
    }
}

fn note(what: &str) -> Result<(), Problem> {
    if let Some(log) = env::var_os(HEAT_LOG) {
        let line = format!("{what} {}\n", process::id());
        let mut log = OpenOptions::new().append(true).create(true).open(log)?;
        log.write_all(line.as_bytes())?;
    }
    Ok(())
}
