//! The server that the tests of full disks run: one job, which takes as much room as it is told to
//! and waits in each stage where a test wants it.

#![expect(clippy::needless_pass_by_value, reason = "a stage is given its value")]

use std::{env, fs, path::Path, time::Duration};

use farcall::{Expose, Job, RunnerOptions, prelude::*};
use farcall_acceptance::{
    fixture::{GATES, KEEP_SECONDS, LOAD_STAGES},
    gate,
};

/// How much room a job takes, in bytes, and where.
#[data]
struct Load {
    /// Of its arguments.
    #[default = ""]
    note: String,
    /// In its work folder.
    #[default = 0]
    work: usize,
    /// In a file that it leaves.
    #[default = 0]
    file: usize,
    /// Of what its second stage returns.
    #[default = 0]
    carried: usize,
    /// Of its result.
    #[default = 0]
    result: usize,
}

/// What the second stage returns.
#[data]
struct Carried {
    /// So much.
    text: String,
    /// Of the result.
    result: usize,
}

/// The result.
#[data]
struct Carrying {
    /// So much.
    text: String,
}

fn begin(ctx: &JobContext, load: Load) -> Result<Load, Problem> {
    wait_at(ctx, LOAD_STAGES[0])?;
    Ok(Load {
        note: String::new(),
        ..load
    })
}

fn write(ctx: &JobContext, load: Load) -> Result<Carried, Problem> {
    wait_at(ctx, LOAD_STAGES[1])?;
    if load.work > 0 {
        fs::write(ctx.work_dir().join("work"), vec![b'w'; load.work])?;
    }
    if load.file > 0 {
        ctx.write_artifact("load.txt", &vec![b'f'; load.file])?;
    }
    Ok(Carried {
        text: "c".repeat(load.carried),
        result: load.result,
    })
}

fn end(ctx: &JobContext, carried: Carried) -> Result<Carrying, Problem> {
    wait_at(ctx, LOAD_STAGES[2])?;
    Ok(Carrying {
        text: "r".repeat(carried.result),
    })
}

fn wait_at(ctx: &JobContext, stage: &str) -> Result<(), Problem> {
    if let Some(gates) = env::var_os(GATES) {
        gate::pass(Path::new(&gates), stage)?;
    }
    ctx.check()
}

fn main() -> farcall::Exit {
    let pipeline = Pipeline::new()
        .stage(LOAD_STAGES[0], begin)
        .stage(LOAD_STAGES[1], write)
        .stage(LOAD_STAGES[2], end);
    let keep = env::var(KEEP_SECONDS)
        .ok()
        .and_then(|keep| keep.parse().ok());
    let job = Job::new("load", "Take some room.", pipeline).with(|options| {
        options.expose = Expose::ContractAndTask;
        options.keep_for = keep.map_or(options.keep_for, Duration::from_secs);
    });
    let options = RunnerOptions {
        prune: Duration::from_millis(100),
        ..RunnerOptions::default()
    };
    App::new("space-server").add_job(job).runner(options).run()
}
