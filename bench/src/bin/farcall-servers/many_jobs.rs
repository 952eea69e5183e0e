//! A farcall server whose job lasts as long as it is told, and says how far it is.

use std::{
    fs::OpenOptions,
    io::Write,
    time::{Duration, Instant},
};

use farcall::prelude::*;

/// How often a job says how far it is.
const PACE: Duration = Duration::from_millis(100);

/// How long to take.
#[data]
struct Work {
    /// Seconds until it is done.
    seconds: f64,
}

/// Work for some time.
#[job]
fn work() -> Pipeline<Work, u32> {
    Pipeline::new().stage("working", take_time)
}

#[expect(
    clippy::needless_pass_by_value,
    reason = "stages take over what they are given"
)]
fn take_time(ctx: &JobContext, work: Work) -> Result<u32, Problem> {
    if let Some(file) = std::env::var_os("BENCH_BEGUN") {
        let mut file = OpenOptions::new().append(true).create(true).open(file)?;
        // In one write, so that a kill leaves the line or nothing of it.
        file.write_all(format!("{}\n", ctx.job_id()).as_bytes())?;
    }
    let begun = Instant::now();
    let mut steps = 0;
    while begun.elapsed().as_secs_f64() < work.seconds {
        ctx.check()?;
        ctx.progress(begun.elapsed().as_secs_f64() / work.seconds);
        steps += 1;
        wait();
    }
    Ok(steps)
}

#[expect(clippy::disallowed_methods, reason = "taking time is all it does")]
fn wait() {
    std::thread::sleep(PACE);
}

pub(crate) fn app() -> App {
    App::new("many-jobs").job::<work>()
}
